"""Which texts a model folder was made with, as fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from insula.data.leak import Fingerprint

FINGERPRINT = "fingerprint.safetensors"


def write_fingerprints(folder: Path, parts: Mapping[str, Fingerprint]) -> None:
    """Keep in a model folder which texts made the model: `validation`, and under any other name what it learnt from."""
    save_file({name: part.to_array().view(np.int64) for name, part in parts.items()}, folder / FINGERPRINT)


def fingerprints(folder: Path) -> dict[str, Fingerprint]:
    """Return `train`, all texts that the model learnt from, and `validation`, those its choices were made on.

    Unlabelled texts and auxiliary sets that it learnt from are training rows too, and so is what its base and its
    teachers learnt from. What the folder does not tell is left out.
    """
    file = folder / FINGERPRINT
    parts = {name: hashes.view(np.uint64) for name, hashes in load_file(file).items()} if file.exists() else {}
    learnt = [hashes for name, hashes in parts.items() if name != "validation"]
    found = {"train": Fingerprint(np.concatenate(learnt))} if learnt else {}
    return found | ({"validation": Fingerprint(parts["validation"])} if "validation" in parts else {})
