"""Models that hold under attack: accuracy before and under attack, for several ways of training.

    python benchmarks/attacks.py            write results/attacks.json

The recipe `static`, the fastest network, is trained on SST-2. Each arm is attacked on 300 validation rows, at most 500
queries a row; the arm with the highest accuracy under attack, among those that lose at most one point of validation
accuracy, and the plain model are then attacked on 300 test rows. Every attack searches against the model that it
attacks. `retrained` attacks 2,000 training rows of the plain model and adds the changed texts to the training rows.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import insula
from insula.augmentation.attacks.attack import METHODS, attack_examples
from insula.augmentation.attacks.search import AttackLimits, attack_rows
from insula.core.example import Example
from insula.core.files import write_json
from insula.data.dataset import Dataset
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from provenance import provenance
from sets import load

OUTPUT = Path(__file__).parent / "results" / "attacks.json"
WORK = Path(__file__).parent / "runs" / "attacks"
RECIPE = "static"
ROWS, ATTACKED, LIMITS = 300, 2000, AttackLimits(queries=500)
GAIN, LOST = 0.10, 0.01
"""Targets: accuracy under attack to gain, clean accuracy to lose at most."""
PLAIN = "plain"


@dataclasses.dataclass(frozen=True)
class Task:
    """A data set, the attacks on it, the options of all its models, and the training rows (None: all)."""

    data: str
    methods: tuple[str, ...]
    overrides: Mapping[str, Any]
    noise: tuple[str, ...]
    rows: int | None = None

    def list_arms(self) -> dict[str, Mapping[str, Any]]:
        """Return the options of each arm; `retrain` says how often attacked rows are added."""
        typos = {"augment.methods": list(self.noise), "augment.times": 3}
        return {
            PLAIN: {},
            "FGM": {"adversarial.fgm": 1.0, "adversarial.epsilon": 1.0},
            "FreeLB": {
                "adversarial.freelb": 1.0, "adversarial.epsilon": 1.0, "adversarial.steps": 3,
                "adversarial.step_size": 0.5,
            },
            "typing errors": typos,
            "retrained": {"retrain": 1},
        }  # fmt: skip


TASKS = (Task("sst2", ("words", "characters"), {}, ("keyboard",)),)


def main(arguments: list[str]) -> int:
    """Train, choose, attack and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the models")
    parser.add_argument("--sets", nargs="+", default=[task.data for task in TASKS])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    tried, cells = [], []
    for task in TASKS:
        if task.data not in given.sets:
            continue
        data = load(task.data)
        rows = list(data.split("train"))
        random.Random(0).shuffle(rows)
        data = dataclasses.replace(data, splits={**data.splits, "train": rows[: task.rows]})
        models: dict[str, Predictor] = {}
        found: dict[str, dict[str, Any]] = {}
        for arm, options in task.list_arms().items():
            models[arm] = train(data, task, options, given.work / task.data / arm.replace(", ", "-").replace(" ", "-"))
            found[arm] = {
                "accuracy": accuracy(models[arm], data.split("validation")),
                **{
                    method: attack(models[arm], data.split("validation"), method)["under_attack"]
                    for method in task.methods
                },
            }
            tried.append({"set": task.data, "arm": arm, "validation": found[arm]})
            print(tried[-1], flush=True)
        for method in task.methods:
            kept = [arm for arm in found if found[arm]["accuracy"] >= found[PLAIN]["accuracy"] - LOST]
            best = max(kept, key=lambda arm: found[arm][method]["value"])
            for arm in dict.fromkeys((PLAIN, best)):
                cells.append({
                    "set": task.data, "attack": method, "arm": arm,
                    "accuracy": accuracy(models[arm], data.split("test")),
                    **attack(models[arm], data.split("test"), method),
                })  # fmt: skip
                print(cells[-1], flush=True)
    write_json(given.output, {
        "recipe": RECIPE, "plain": PLAIN, "rows": ROWS, "queries": LIMITS.queries, "share": LIMITS.share,
        "targets": {"gain": GAIN, "lost": LOST}, "tried": tried, "cells": cells,
        "training_rows": {task.data: task.rows for task in TASKS},
        "command": "python benchmarks/attacks.py", **provenance(),
    })  # fmt: skip
    return 0


def train(data: Dataset, task: Task, options: Mapping[str, Any], folder: Path) -> Predictor:
    """Return the model of an arm, trained unless it is in the folder."""
    rest = {key: value for key, value in options.items() if key != "retrain"}
    for number in range(options.get("retrain", 0)):
        predictor = fit(data, task, rest, folder.parent / f"{folder.name}-{number}")
        data = with_attacked(data, predictor, task.methods, number)
    return fit(data, task, rest, folder)


def fit(data: Dataset, task: Task, options: Mapping[str, Any], folder: Path) -> Predictor:
    """Train a model into a folder unless it is there."""
    if not (folder / "model").exists():
        overrides = {**task.overrides, **options, "evaluation.baselines": []}
        insula.train(data, recipe=RECIPE, overrides=overrides, output=folder, overwrite=True)
    return Predictor.load(folder)


def with_attacked(data: Dataset, predictor: Predictor, methods: Sequence[str], seed: int) -> Dataset:
    """Return the data with the last text of each attack on training rows, under the label of its row."""
    rows = [one for one in data.split("train") if one.augmented_by is None]
    drawn = random.Random(seed).sample(range(len(rows)), min(ATTACKED, len(rows)))
    names = predictor.scheme.names
    top = predictor.decide([rows[place].input for place in drawn]).top_labels()
    right = [place for place, label in zip(drawn, top, strict=True) if rows[place].labels == (names[label],)]
    added: list[Example] = []
    for method in methods:
        given = [(place, rows[place].input) for place in right]
        added += [
            dataclasses.replace(rows[outcome.row], text=outcome.changed, augmented_by=f"attack {method}")
            for outcome in attack_rows(predictor, given, METHODS[method], limits=LIMITS, seed=seed)
            if outcome.edits
        ]
    return dataclasses.replace(data, splits={**data.splits, "train": [*data.split("train"), *added]})


def attack(predictor: Predictor, examples: Sequence[Example], method: str) -> dict[str, Any]:
    """Return accuracy under attack on rows drawn with seed 0, and what the attack took."""
    found = attack_examples(predictor, examples, method, rows=ROWS, limits=LIMITS, seed=0)
    return {
        "attacked_rows": found.rows,
        "before": found.accuracy.value,
        "under_attack": measure_share(found.attacked - found.succeeded, found.rows).to_dict(),
        "queries": found.mean_queries,
    }


def accuracy(predictor: Predictor, examples: Sequence[Example]) -> float:
    """Return the share of rows with the right label."""
    names = predictor.scheme.names
    top = predictor.decide([one.input for one in examples]).top_labels()
    right = sum(one.labels == (names[label],) for one, label in zip(examples, top, strict=True))
    return round(right / len(examples), 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
