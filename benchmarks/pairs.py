"""Counterfactual pairs: reviews and what people rewrote so that the sentiment is the opposite (imdb_counterfactual).

    python benchmarks/pairs.py            write results/pairs.json

Three models of one recipe (`static`, the smallest network with pretrained vectors): trained on the original reviews, on
both versions, and on both with the loss on pairs. Weight and margin of the loss are chosen by the accuracy on both
sides of the validation pairs, with seed 0; the test pairs are used once, with three seeds. A difference is of means
over seeds on the same test rows, with a 95 % bootstrap interval over these rows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import insula
from counterfactuals import read_pairs
from insula.core.arrays import BoolArray
from insula.core.files import write_json
from insula.evaluation.metrics.intervals import count_differences
from insula.inference.predictor import Predictor
from provenance import provenance

OUTPUT = Path(__file__).parent / "results" / "pairs.json"
RECIPE = "static"
OVERRIDES: Mapping[str, Any] = {
    "data.pair": "pair", "decision.thresholds": "half", "evaluation.baselines": [], "model.windows": "none",
    "train.epochs": 5,
}  # fmt: skip
WEIGHTS, MARGINS, SEEDS = (0.3, 1.0), (1.0, 3.0), (0, 1, 2)
SIDES = ("original", "rewritten")
GAIN, LOSS = 0.05, 0.01
"""Targets: accuracy to gain on the rewritten side, and to lose at most on the original side."""
Pair = tuple[Mapping[str, str], Mapping[str, str]]


def main(arguments: list[str]) -> int:
    """Choose, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    parts = {part: read_pairs(part) for part in ("train", "dev", "test")}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tried = []
        for weight, margin in itertools.product(WEIGHTS, MARGINS):
            options = {"robust.pairs": weight, "robust.pair_margin": margin}
            predictor = train(parts, work, both=True, seed=0, options=options)
            accuracy = [float(decide_all(predictor, parts["dev"], side)[1].mean()) for side in (0, 1)]
            tried.append({"weight": weight, "margin": margin, "validation": dict(zip(SIDES, accuracy, strict=True))})
            print(tried[-1], flush=True)
        best = max(tried, key=lambda one: sum(one["validation"].values()))
        chosen = {"robust.pairs": best["weight"], "robust.pair_margin": best["margin"]}
        answers: dict[str, dict[str, list[BoolArray]]] = {}
        gold = {}
        for name, both, options in (("originals", False, {}), ("both", True, {}), ("pairs", True, chosen)):
            answers[name] = {side: [] for side in SIDES}
            for seed in SEEDS:
                predictor = train(parts, work, both=both, seed=seed, options=options)
                for number, side in enumerate(SIDES):
                    gold[side], _, decided = decide_all(predictor, parts["test"], number)
                    answers[name][side].append(decided)
                print(
                    name, seed, [float((answers[name][s][-1] == gold[s]).all(axis=1).mean()) for s in SIDES], flush=True
                )
    cells = {
        name: {
            side: {
                "accuracy": [round(float((one == gold[side]).all(axis=1).mean()), 4) for one in answers[name][side]],
                **({} if name == "originals" else {"difference": differ(gold[side], answers["originals"][side], own)}),
                **({"difference_to_both": differ(gold[side], answers["both"][side], own)} if name == "pairs" else {}),
            }
            for side, own in sides.items()
        }
        for name, sides in answers.items()
    }
    write_json(given.output, {
        "recipe": RECIPE, "overrides": dict(OVERRIDES), "pairs": {part: len(rows) for part, rows in parts.items()},
        "seeds": list(SEEDS), "tried": tried, "chosen": chosen, "targets": {"gain": GAIN, "loss": LOSS},
        "cells": cells, "command": "python benchmarks/pairs.py", **provenance(),
    })  # fmt: skip
    return 0


def train(
    parts: Mapping[str, Sequence[Pair]], work: Path, *, both: bool, seed: int, options: Mapping[str, Any]
) -> Predictor:
    """Return a model trained on the original reviews, or on both versions; all are validated on both."""
    data = work / ("both" if both else "originals")
    for part, name in (("train", "train"), ("dev", "validation"), ("test", "test")):
        rows = [
            {"text": row["Text"], "label": row["Sentiment"].lower(), "pair": row["batch_id"]}
            for pair in parts[part]
            for row in (pair if both or part != "train" else pair[:1])
        ]
        data.mkdir(exist_ok=True)
        (data / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    run = insula.train(
        data, recipe=RECIPE, overrides={**OVERRIDES, **options, "seed": seed}, output=work / "run", overwrite=True
    )
    return Predictor.load(run.path)


def decide_all(predictor: Predictor, pairs: Sequence[Pair], side: int) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return (rows, labels) gold, (rows,) whether the decision is right, and (rows, labels) decisions of one side."""
    names = predictor.scheme.names
    gold = np.array([[name == pair[side]["Sentiment"].lower() for name in names] for pair in pairs])
    top = predictor.decide([pair[side]["Text"] for pair in pairs]).top_labels()
    decided = np.eye(len(names), dtype=bool)[top]
    return gold, (decided == gold).all(axis=1), decided


def differ(gold: BoolArray, off: Sequence[BoolArray], on: Sequence[BoolArray]) -> dict[str, Any]:
    """Return the difference of accuracies with its interval."""
    return count_differences(gold, list(off), list(on))["accuracy"].difference.to_dict()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
