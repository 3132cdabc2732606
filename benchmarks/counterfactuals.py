"""Counterfactuals: how many texts change their label, by how many words.

    python benchmarks/counterfactuals.py      writes results/counterfactuals.json

`linear` is trained on 8,000 rows of SST-2 (seed 0); its 300 texts are validation rows of SST-2, drawn with the seed.
The starter explains 50 rows of SST-2 and 50 of SMP2020. Words are edit distance in words over the texts whose label
changed. The time is that of a possibly busy machine: an upper bound.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "counterfactuals.json"
SEED = 0
CELLS = (
    ("linear", "sst2", "SST-2", 300),
    ("starter", "sst2", "SST-2", 50),
    ("starter", "smp2020_usual", "SMP2020 usual", 50),
)


def main(arguments: list[str]) -> int:
    """Measure every cell and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained model.")
    given = parser.parse_args(arguments)
    import insula
    from explain import training_rows
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance

    if not (given.work / "model").exists():
        insula.train(training_rows(), recipe="linear", output=given.work, overwrite=True)
    places = {"linear": given.work, "starter": "starter"}
    cells = {
        f"{model}, {shown}": measured(Predictor.load(places[model]), texts_of(name, count))
        for model, name, shown, count in CELLS
    }
    write_json(given.output, {"seed": SEED, "cells": cells, **provenance()})
    return 0


def texts_of(name: str, count: int) -> list[str]:
    """Return texts of a set, drawn with the seed."""
    from insula.data.load import load_dataset
    from sets import READY

    splits = load_dataset(str(READY / name), seed=SEED).splits
    rows = splits.get("validation") or splits["test"]
    return [rows[place].text for place in np.random.default_rng(SEED).permutation(len(rows))[:count]]


def measured(predictor: Any, texts: list[str]) -> dict[str, Any]:
    """Return the figures of one model on some texts."""
    from insula.explanation.counterfactual import find_counterfactual

    found = [find_counterfactual(predictor, text) for text in texts]
    flipped = [one.changed for one in found if one.valid and one.changed is not None]
    kinds = Counter(edit.kind for one in flipped for edit in one.edits)
    return {
        "texts": len(texts),
        "flipped": round(len(flipped) / len(texts), 4),
        "median_words": statistics.median(one.words for one in flipped),
        "contrasts": round(sum(one.kept is not None for one in found if one.valid) / max(len(flipped), 1), 4),
        "edits": dict(sorted(kinds.items())),
        "evaluations": statistics.median(one.evaluations for one in found),
        "milliseconds": round(statistics.median(one.milliseconds for one in found), 1),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
