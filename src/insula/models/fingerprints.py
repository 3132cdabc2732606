"""Which texts a model folder was made with, as fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from insula.core.example import Example
from insula.data.leak import Fingerprint

FINGERPRINT = "fingerprint.safetensors"


def fingerprint_parts(rows: Mapping[str, Sequence[Example]]) -> dict[str, NDArray[np.int64]]:
    """Return what the file `FINGERPRINT` holds of these rows, by part; a part without rows is left out."""
    return {name: Fingerprint.of(some).to_array().view(np.int64) for name, some in rows.items() if some}


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
