"""Negation: what edits of meaning among the training rows do for the tests of CheckList (Ribeiro et al. 2020).

    python benchmarks/negation.py            write results/negation.json

The recipe `quick` (MiniLM) is trained on 10,000 of the built-in tweets (all that an edit applies to, and others drawn
with seed 0), without and with copies by `negation`, `contrast` and `intensity`. Of each test of the sentiment suite
whose capability is negation, at most 500 cases are drawn with seed 0. The rules of the edits were written with the
names of the tests known, and none of their templates; afterwards only the article before "extremely", and "very least",
were corrected in `intensity`, whose copies were not soft yet.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import insula
from insula.augmentation.registry import AugmentationContext, augmenters
from insula.core.example import Example
from insula.core.files import write_json
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.metrics.intervals import count_differences
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from provenance import provenance
from sets import SHARED, load

OUTPUT = Path(__file__).parent / "results" / "negation.json"
WORK = Path(__file__).parent / "runs" / "negation"
SUITE = SHARED / "data" / "checklist_sentiment"
RECIPE = "quick"
EDITS: Mapping[str, Any] = {"augment.methods": ["negation", "contrast", "intensity"], "augment.times": 4}
ARMS: Mapping[str, Mapping[str, Any]] = {"plain": {}, "edits": EDITS}
ROWS, CASES = 10_000, 500
NAMES = ("negative", "neutral", "positive")
"""The labels of the suite by number."""
TARGETS = (
    "simple negations: I thought x was positive, but it was not (should be negative)",
    "simple negations: not neutral is still neutral",
)
MOST_FAILED, MOST_WORSE, MOST_LOST = 0.2, 0.02, 0.005
"""Targets: failures of the two tests, rise of the failures of another test, loss of accuracy on tweets."""


def main(arguments: list[str]) -> int:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the models")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    data, suite = choose_rows(load("tweets")), read_suite()
    test = data.split("test")
    gold = build_gold_matrix(data.scheme, test) > 0.5
    failed: dict[str, dict[str, list[int]]] = {arm: {name: [] for name in suite} for arm in ARMS}
    decided: dict[str, list[Any]] = {arm: [] for arm in ARMS}
    copies: dict[str, int] = {}
    for seed in given.seeds:
        for arm, options in ARMS.items():
            folder = given.work / f"{arm}-{seed}"
            if not (folder / "model").exists():
                overrides = {**options, "seed": seed, "evaluation.baselines": []}
                insula.train(data, recipe=RECIPE, overrides=overrides, output=folder, overwrite=True)
            if options:
                copies = count_copies(folder)
            predictor = Predictor.load(folder)
            decided[arm].append(predictor.decide([one.input for one in test]).chosen)
            for name, cases in suite.items():
                failed[arm][name].append(count_failed(predictor, cases))
            print(arm, seed, (decided[arm][-1] == gold).all(axis=1).mean(), failed[arm], flush=True)
    difference = count_differences(gold, decided["plain"], decided["edits"])
    rows = len(given.seeds)
    tests = [
        {"test": name, "cases": len(cases), "target": name in TARGETS}
        | {arm: measure_share(sum(failed[arm][name]), rows * len(cases)).to_dict() for arm in ARMS}
        for name, cases in suite.items()
    ]
    write_json(given.output, {
        "recipe": RECIPE, "edits": dict(EDITS), "rows": ROWS, "seeds": given.seeds, "copies": copies, "tests": tests,
        "targets": {"failed": MOST_FAILED, "worse": MOST_WORSE, "lost": MOST_LOST},
        "plain_accuracy": [round(float((one == gold).all(axis=1).mean()), 4) for one in decided["plain"]],
        "accuracy": difference["accuracy"].difference.to_dict(),
        "macro_f1": difference["macro_f1"].difference.to_dict(),
        "command": "python benchmarks/negation.py", **provenance(),
    })  # fmt: skip
    return 0


def choose_rows(data: Dataset) -> Dataset:
    """Return the data with fewer training rows: those that an edit applies to, and others."""
    methods = [augmenters[name] for name in EDITS["augment.methods"]]
    chance = random.Random(0)

    def is_edited(row: Example) -> bool:
        context = AugmentationContext(random.Random(0), "en", (row.labels or ("",))[0])
        return any(method(row.text, context) is not None for method in methods)

    rows = list(data.split("train"))
    chance.shuffle(rows)
    edited = [row for row in rows if is_edited(row)]
    known = {id(row) for row in edited}
    others = [row for row in rows if id(row) not in known]
    chosen = [*edited, *others[: ROWS - len(edited)]]
    chance.shuffle(chosen)
    return dataclasses.replace(data, splits={**data.splits, "train": chosen})


def read_suite() -> dict[str, list[dict[str, Any]]]:
    """Return cases (text, and label; None: any but negative) of each test on negation."""
    found: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(SUITE / "sentiment_suite.jsonl.gz", "rt", encoding="utf-8") as file:
        for case in map(json.loads, file):
            if case["capability"] == "Negation":
                found.setdefault(case["test"], []).append(case)
    return {
        name: random.Random(0).sample(cases, CASES) if len(cases) > CASES else cases for name, cases in found.items()
    }


def count_failed(predictor: Predictor, cases: Sequence[Mapping[str, Any]]) -> int:
    """Return how many cases have another label than they must have."""
    names = predictor.scheme.names
    labels = [names[top] for top in predictor.decide([case["texts"][0] for case in cases]).top_labels()]
    return sum(
        label == NAMES[0] if case["label"] is None else label != NAMES[case["label"]]
        for label, case in zip(labels, cases, strict=True)
    )


def count_copies(folder: Path) -> dict[str, int]:
    """Return the number of copies of each method in a run."""
    with (folder / "augmented.csv").open(encoding="utf-8", newline="") as file:
        return dict(sorted(Counter(row["augmented_by"] for row in csv.DictReader(file)).items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
