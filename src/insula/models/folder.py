"""The model folder: everything that a prediction needs, in one place, without pickle.

manifest.json        format version, family, backend, and the SHA-256 of every other file; written last
scheme.json          labels, display names, mappings
preparation.json     the text steps, which run identically at prediction
decision.json        calibration, thresholds, abstention
recipe.toml          the resolved training recipe
rules.toml           the user's rules, which change predictions, if the model has any (format 2)
label_names.json     the names of numbers in the label column, if a file defined them
fingerprint.safetensors   hashes of the training texts, for the leak guard
drift.json           counts of the validation rows, without any text, for drift
metrics.json, model_card.md
parity.json          the difference between model.onnx and the model it was made from
recalibration.json   the effect of a re-chosen decision rule
compression.json     the steps of compression or pruning
cascade.json, first/, second/       cascades: the switch point and the two stages, which are model folders
adapter.safetensors, adapter.json   adapters stored without their base, instead of model.safetensors (adapter_folder.py)
model.safetensors, config.json, tokenizer.json, model.onnx, vocabulary.json   depending on the family
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.decision import DecisionRule
from insula.core.errors import InsulaError, MissingFileError, ModelFolderError, NewerFormatError
from insula.core.files import hash_file, write_json
from insula.core.outputs import FolderKind, require_outside, require_replaceable
from insula.core.scheme import LabelScheme
from insula.knowledge.rule_file import RULES
from insula.knowledge.rules import Rules
from insula.text.preparation import Preparation

FORMAT_VERSION = 2
PLAIN_VERSION = 1  # of a folder without rules, which an older insula predicts with alike
MANIFEST = "manifest.json"
MODEL = FolderKind("model", (MANIFEST,))
REQUIRED_FILES = ("scheme.json", "preparation.json", "decision.json")


@dataclass(frozen=True)
class ModelFolder:
    """An open model folder. Small files are in memory; the weights are still on disk under `path`."""

    path: Path
    family: str
    backend: str
    scheme: LabelScheme
    preparation: Preparation
    decision: DecisionRule
    rules: Rules | None = None

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`; empty if there is none."""
        file = self.path / "metrics.json"
        return _read_json(file) if file.exists() else {}


def require_model_output(
    output: Path, *made_from: ModelFolder, overwrite: bool, data: Sequence[str | Path] = ()
) -> None:
    """Raise `OutputError` unless a model folder made from these folders and data may be written at `output`."""
    sources = [folder.path for folder in made_from]
    require_outside(output, *sources)
    require_replaceable(output, MODEL, overwrite=overwrite, inputs=[*sources, *data])


def get_folder_digest(path: Path) -> str:
    """Return a digest of all files of a model folder: the SHA-256 of its manifest, which has all checksums."""
    return hash_file(path / MANIFEST)


def write_common_files(path: Path, *, scheme: LabelScheme, preparation: Preparation, decision: DecisionRule) -> None:
    """Write the small files that every family has into a folder under construction."""
    write_json(path / "scheme.json", scheme.to_dict())
    write_json(path / "preparation.json", preparation.to_dict())
    write_json(path / "decision.json", decision.to_dict())


def seal(path: Path, *, family: str, backend: str) -> None:
    """Write the manifest, which completes the folder. Any later change to a file is detected."""
    for file in path.rglob("*"):
        # safetensors writes files that only their owner can read, but model folders are shared.
        file.chmod(file.stat().st_mode | 0o444)
    files = {
        str(file.relative_to(path)): hash_file(file)
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }
    manifest = {
        "format_version": FORMAT_VERSION if RULES in files else PLAIN_VERSION,
        "insula_version": __version__,
        "family": family,
        "backend": backend,
        "files": files,
    }
    write_json(path / MANIFEST, manifest)


def open_folder(path: str | Path) -> ModelFolder:
    """Open a model folder and verify every file against the manifest (unchanged files are read only once).

    Raises `MissingFileError` if there is no folder, `ModelFolderError` if it is incomplete, corrupt or changed, and
    `NewerFormatError` if a newer insula wrote it.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"The model folder {str(path)!r} does not exist. Train one with: insula train DATA")
    if not path.is_dir():
        raise ModelFolderError(
            f"The model {str(path)!r} must be a folder, not a file. Pass the folder that contains it."
        )
    if not (path / MANIFEST).exists():
        raise ModelFolderError(
            f"The folder {str(path)!r} has no {MANIFEST}: it is not a model folder, or it is incomplete. "
            "Choose another folder, or train again."
        )
    manifest = _read_json(path / MANIFEST)
    _check_version(path, manifest)
    _check_files(path, manifest)
    try:
        scheme = LabelScheme.from_dict(_read_json(path / "scheme.json"))
        return ModelFolder(
            path=path,
            family=manifest["family"],
            backend=manifest["backend"],
            scheme=scheme,
            preparation=Preparation.from_dict(_read_json(path / "preparation.json")),
            decision=DecisionRule.from_dict(_read_json(path / "decision.json")),
            rules=Rules.read(path / RULES, scheme) if RULES in manifest["files"] else None,
        )
    except InsulaError:
        raise
    except KeyError as error:
        raise ModelFolderError(
            f"The model folder {str(path)!r} has a file without the key {error}. Copy the folder again, or train again."
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelFolderError(
            f"The model folder {str(path)!r} has invalid content: {error}. Copy it again, or train again."
        ) from error


def _check_version(path: Path, manifest: Mapping[str, Any]) -> None:
    version = manifest.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ModelFolderError(f"The {MANIFEST} of {str(path)!r} states no format version. Copy the folder again.")
    if version > FORMAT_VERSION:
        raise NewerFormatError(
            f"The model folder {str(path)!r} has format {version}, written by insula "
            f"{manifest.get('insula_version', '?')}, but insula {__version__} reads up to format {FORMAT_VERSION}. "
            "Upgrade with: pip install --upgrade insula"
        )


def _check_files(path: Path, manifest: Mapping[str, Any]) -> None:
    files = manifest.get("files")
    if not isinstance(files, dict) or not set(REQUIRED_FILES) <= set(files):
        raise ModelFolderError(
            f"The {MANIFEST} of {str(path)!r} lacks checksums of {', '.join(REQUIRED_FILES)} or the weights. "
            "The folder was changed or damaged. Copy it again."
        )
    for name, expected in files.items():
        file = path / name
        if not file.resolve().is_relative_to(path.resolve()):
            raise ModelFolderError(
                f"The {MANIFEST} of {str(path)!r} lists a file outside the folder: {name!r}. Copy the folder again."
            )
        if not file.is_file():
            raise ModelFolderError(f"The file {name!r} is missing from model folder {str(path)!r}. Copy it again.")
        if hash_file(file) != expected:
            raise ModelFolderError(
                f"The file {name!r} of model folder {str(path)!r} is corrupt or was changed after it was written "
                "(its checksum differs). Copy the folder again, or train again."
            )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(f"The file {str(file)!r} is missing. Copy the folder again.") from error
    except OSError as error:
        raise ModelFolderError(f"The file {str(file)!r} cannot be read: {error.strerror}. Make it readable.") from error
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"The file {str(file)!r} is corrupt: {error}. Copy the folder again.") from error
    if not isinstance(value, dict):
        raise ModelFolderError(f"The file {str(file)!r} must contain a JSON object. Copy the folder again.")
    return value
