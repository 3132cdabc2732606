"""Drift that is not there, drift that is, and quality estimated without labels: `results/drift.json`.

    python benchmarks/drift.py

`linear` is trained on SMP2020 usual (one label) and on GoEmotions (several). Quiet pairs are halves of their test rows,
drawn fifty times; changed pairs are the test rows and rows of another set. Windows of 1,500 test rows, drawn fifty
times, have an estimated macro-F1 and a realised one; SMP2020 virus is the shift. Concept drift: two labels change
their names in the gold labels, which no estimate without labels can see.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "drift.json"
PAIRS, WINDOWS, ROWS = 50, 50, 1500
SEEN = {"smp2020_usual": ("smp2020_virus", "sst2"), "goemotions": ("smp2020_usual", "tweeteval_emotion")}


def main(arguments: list[str]) -> int:
    """Train, measure and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/drift"), help="Folder for the trained models.")
    given = parser.parse_args(arguments)
    import insula
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance
    from sets import READY

    cells = {}
    for name, others in SEEN.items():
        run = given.work / name
        if not (run / "model").exists():
            insula.train(str(READY / name), recipe="linear", output=run, overwrite=True)
        cells[name] = measured(Predictor.load(run), name, others)
    write_json(given.output, {"pairs": PAIRS, "windows": WINDOWS, "rows": ROWS, "cells": cells, **provenance()})
    return 0


def measured(model: Any, name: str, others: tuple[str, ...]) -> dict[str, Any]:
    """Return false alarms, alarms for other sets, and errors of the estimate."""
    from insula.evaluation.drift.drift import measure_drift

    texts, gold = rows_of(name, model.scheme)
    decisions = model.decide(texts)
    rng = np.random.default_rng(0)
    cell: dict[str, Any] = {"false_alarms": 0, "changed": {}}
    for _ in range(PAIRS):
        order = rng.permutation(len(texts))
        sides = [([texts[place] for place in half], decisions.of_rows(half)) for half in np.array_split(order, 2)]
        cell["false_alarms"] += measure_drift(model.scheme, *sides).drifted
    for other in others:
        their_texts, _ = rows_of(other, None)
        found = measure_drift(model.scheme, (texts, decisions), (their_texts, model.decide(their_texts)))
        cell["changed"][other] = [one.aspect for one in found.aspects if one.drifted]
    cell["estimates"] = {name: errors(model.scheme, decisions, gold, gold, rng)}
    if name == "smp2020_usual":
        virus_texts, virus = rows_of("smp2020_virus", model.scheme)
        cell["estimates"]["smp2020_virus"] = errors(
            model.scheme, model.decide(virus_texts), virus, gold, rng, decisions
        )
    return cell


def rows_of(name: str, scheme: Any) -> tuple[list[str], Any]:
    """Return the texts of the test rows and their (rows, labels) gold labels."""
    from insula.data.load import load_dataset
    from sets import READY

    rows = load_dataset(str(READY / name), seed=0).splits["test"]
    texts = [row.text for row in rows]
    if scheme is None:
        return texts, None
    return texts, np.array([[label in (row.labels or ()) for label in scheme.names] for row in rows])


def errors(scheme: Any, decisions: Any, gold: Any, home: Any, rng: Any, at_home: Any = None) -> dict[str, float]:
    """Return mean absolute errors of macro-F1 over windows: of the estimate, and of assuming the figure of home."""
    from insula.evaluation.drift.estimate import estimate_quality

    assumed = macro_f1((at_home or decisions).chosen, home)
    estimated, constant, realised = [], [], []
    for _ in range(WINDOWS):
        places = rng.choice(len(gold), min(ROWS, len(gold)), replace=len(gold) < ROWS)
        found = estimate_quality(scheme, decisions.of_rows(places))
        true = macro_f1(decisions.chosen[places], gold[places])
        realised.append(true)
        estimated.append(abs(found.macro_f1 - true))
        constant.append(abs(assumed - true))
    return {
        "realised": round(statistics.fmean(realised), 4), "error": round(statistics.fmean(estimated), 4),
        "error_of_home": round(statistics.fmean(constant), 4),
    }  # fmt: skip


def macro_f1(chosen: Any, gold: Any) -> float:
    """Return the mean F1 of the labels that occur."""
    hits = (chosen & gold).sum(axis=0)
    total = chosen.sum(axis=0) + gold.sum(axis=0)
    return float(np.mean([2 * hit / all_ for hit, all_ in zip(hits, total, strict=True) if all_]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
