"""Drift that is not there, drift that is, and quality estimated without labels: `results/drift.json`.

    python benchmarks/drift.py
    python benchmarks/drift.py --starter     only the starter model, which needs no training

`linear` is trained on SMP2020 usual (one label) and on GoEmotions (several), and `static` on GoEmotions. Quiet pairs
are halves of their test rows, drawn fifty times; changed pairs are the test rows and rows of another set. Windows of
1,500 test rows, drawn fifty times, have an estimated macro-F1 and a realised one; SMP2020 virus is the shift. Concept
drift: the gold labels of the two most common labels change places while the texts stay, which nothing that has no gold
labels can see.

Fifty quiet replays of 5,000 messages are the test rows in random order. A monitor compares each 1,000 of them with the
reference that training stored, of the validation rows; the changed streams are the first 1,000 rows of the other sets.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "drift.json"
PAIRS, WINDOWS, ROWS = 50, 50, 1500
REPLAYS, MESSAGES = 50, 5000
MODELS = (("smp2020_usual", "linear"), ("goemotions", "linear"), ("goemotions", "static"))
"""Training set and recipe."""
OTHERS = {"smp2020_usual": ("smp2020_virus", "sst2"), "goemotions": ("smp2020_usual", "tweeteval_emotion")}


def main(arguments: list[str]) -> int:
    """Train, measure and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/drift"), help="Folder for the trained models.")
    parser.add_argument("--starter", action="store_true", help="Measure only the starter model; keep the other cells.")
    given = parser.parse_args(arguments)
    import insula
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance
    from sets import READY

    replays = {"replays": REPLAYS, "messages": MESSAGES}
    known = json.loads(given.output.read_text(encoding="utf-8")) if given.output.exists() else {}
    if given.starter:
        texts, others = rows_of("goemotions", None)[0], OTHERS["goemotions"]
        stored = measured_stored(Predictor.load("starter"), texts, {one: rows_of(one, None)[0] for one in others})
        write_json(given.output, {**known, **replays, "starter": {"stored": stored, **provenance()}})
        return 0
    cells = {}
    for name, recipe in MODELS:
        run = given.work / f"{name}-{recipe}"
        if not (run / "model").exists():
            insula.train(str(READY / name), recipe=recipe, output=run, overwrite=True)
        cells[f"{name}, {recipe}"] = measured(Predictor.load(run), name, OTHERS[name])
    write_json(
        given.output,
        {
            "starter": known.get("starter", {}),
            "pairs": PAIRS,
            "windows": WINDOWS,
            "rows": ROWS,
            **replays,
            "cells": cells,
            **provenance(),
        },
    )
    return 0


def measured(model: Any, name: str, others: tuple[str, ...]) -> dict[str, Any]:
    """Return false alarms, alarms for other sets, and errors of the estimate."""
    from insula.api.drift import measure_drift

    texts, gold = rows_of(name, model.scheme)
    decisions = model.decide(texts)
    rng = np.random.default_rng(0)
    cell: dict[str, Any] = {"false_alarms": 0, "changed": {}}
    for _ in range(PAIRS):
        order = rng.permutation(len(texts))
        sides = [[texts[place] for place in half] for half in np.array_split(order, 2)]
        cell["false_alarms"] += measure_drift(*sides, model).drifted
    for other in others:
        their_texts, _ = rows_of(other, None)
        found = measure_drift(texts, their_texts, model)
        cell["changed"][other] = [one.aspect for one in found.aspects if one.drifted]
    cell["stored"] = measured_stored(model, texts, {other: rows_of(other, None)[0] for other in others})
    cell["estimates"] = {name: errors(model.scheme, decisions, gold, gold, rng)}
    cell["estimates"][f"{name}, two labels exchanged"] = errors(
        model.scheme, decisions, exchange_labels(gold), gold, rng
    )
    if name == "smp2020_usual":
        virus_texts, virus = rows_of("smp2020_virus", model.scheme)
        cell["estimates"]["smp2020_virus"] = errors(
            model.scheme, model.decide(virus_texts), virus, gold, rng, decisions
        )
    return cell


def measured_stored(model: Any, texts: list[str], others: dict[str, list[str]]) -> dict[str, Any]:
    """Return how often a monitor raises the alert in quiet replays, and in what it finds other sets to differ."""
    from insula.evaluation.drift.reference import DriftReference
    from insula.inference.features.embedding import embed
    from insula.operations.monitoring.settings import DriftSettings

    reference, options = DriftReference.read(model.folder), DriftSettings()

    def observe(some: list[str]) -> Any:
        features = embed(model, some) if reference.has_embedding else None
        return reference.observe(model.scheme, some, model.decide(some), features)

    def compare(observed: Any, rows: Any, min_size: float) -> list[str]:
        found = reference.compare(model.scheme, observed.count(rows), alpha=options.alpha, min_size=min_size)
        return [one.aspect for one in found if one.drifted]

    rng, quiet = np.random.default_rng(0), observe(texts)
    alarms = blocks = any_size = 0
    for _ in range(REPLAYS):
        order = rng.permutation(len(texts))[:MESSAGES]
        parts = [order[start : start + options.messages] for start in range(0, len(order), options.messages)]
        parts = [part for part in parts if len(part) == options.messages]
        blocks += len(parts)
        alarms += any(compare(quiet, part, options.min_size) for part in parts)
        any_size += sum(bool(compare(quiet, part, 0.0)) for part in parts)
    changed = {
        other: compare(observe(some[: options.messages]), range(min(len(some), options.messages)), options.min_size)
        for other, some in others.items()
    }
    return {"quiet_replays_with_alarm": alarms, "blocks": blocks, "significant_blocks": any_size, "changed": changed}


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
    estimated, misses, constant, realised = [], [], [], []
    for _ in range(WINDOWS):
        places = rng.choice(len(gold), min(ROWS, len(gold)), replace=len(gold) < ROWS)
        found = estimate_quality(scheme, decisions.of_rows(places))
        true = macro_f1(decisions.chosen[places], gold[places])
        realised.append(true)
        estimated.append(found.macro_f1)
        misses.append(abs(found.macro_f1 - true))
        constant.append(abs(assumed - true))
    return {
        "realised": round(statistics.fmean(realised), 4), "estimated": round(statistics.fmean(estimated), 4),
        "error": round(statistics.fmean(misses), 4), "error_of_home": round(statistics.fmean(constant), 4),
    }  # fmt: skip


def exchange_labels(gold: Any) -> Any:
    """Return gold labels in which the two most common labels have changed places."""
    order = np.arange(gold.shape[1])
    first, second = np.argsort(-gold.sum(axis=0), kind="stable")[:2]
    order[[first, second]] = second, first
    return gold[:, order]


def macro_f1(chosen: Any, gold: Any) -> float:
    """Return the mean F1 of the labels that occur."""
    hits = (chosen & gold).sum(axis=0)
    total = chosen.sum(axis=0) + gold.sum(axis=0)
    return float(np.mean([2 * hit / all_ for hit, all_ in zip(hits, total, strict=True) if all_]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
