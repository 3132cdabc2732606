"""Which texts a model folder was made with, as fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from insula.data.splits.leak import Fingerprint

FINGERPRINT = "fingerprint.safetensors"


def write_fingerprints(folder: Path, parts: Mapping[str, Fingerprint]) -> None:
    """Keep in a model folder which texts made the model: `validation`, and under any other name what it learnt from."""
    save_file({name: part.to_array().view(np.int64) for name, part in parts.items()}, folder / FINGERPRINT)


def add_choices(folder: Path, rows: Fingerprint) -> None:
    """Add texts to `validation`, those that the choices of a model were made on; its other parts stay as they are."""
    write_fingerprints(folder, merged([fingerprint_parts(folder), {"validation": rows}]))


def merged(several: Iterable[Mapping[str, Fingerprint]]) -> dict[str, Fingerprint]:
    """Return the parts of all of them, those of one name as one."""
    found: dict[str, Fingerprint] = {}
    for parts in several:
        for name, part in parts.items():
            known = found.get(name, Fingerprint())
            found[name] = Fingerprint(np.concatenate([known.to_array(), part.to_array()]))
    return found


def fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return `train`, all texts that the model learnt from, and `validation`, those its choices were made on.

    Unlabelled texts and auxiliary sets that it learnt from are training rows too, and so is what its base and its
    teachers learnt from. What the folder does not tell is left out.
    """
    parts = fingerprint_parts(folder)
    learnt = [part.to_array() for name, part in parts.items() if name != "validation"]
    found = {"train": Fingerprint(np.concatenate(learnt))} if learnt else {}
    return found | ({"validation": parts["validation"]} if "validation" in parts else {})


def fingerprint_parts(folder: Path) -> dict[str, Fingerprint]:
    """Return what `write_fingerprints` kept in a model folder, part by part; nothing where it kept nothing."""
    file = folder / FINGERPRINT
    kept = load_file(file) if file.exists() else {}
    return {name: Fingerprint(hashes.view(np.uint64)) for name, hashes in kept.items()}
