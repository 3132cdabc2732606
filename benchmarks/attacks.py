"""Models that hold under attack: accuracy before and under attack, for several ways of training.

    python benchmarks/attacks.py                    write results/attacks.json
    python benchmarks/attacks.py --pairs FOLDER     also write 50 changed texts of each attack, to read

Each arm is trained on the training rows. If there is a choice, all are attacked on 300 validation rows, at most 500
queries a row, and the arm with the highest accuracy under attack is chosen, among those that lose at most one point of
validation accuracy. It and the plain model are then attacked on 300 test rows. Every attack searches against the model
that it attacks. Finished models and attacks are kept in the folder `--work`: a stopped run resumes, and the results are
written when all are finished.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import insula
from insula.augmentation.attacks.attack import METHODS, attack_examples
from insula.augmentation.attacks.search import AttackLimits, attack_rows
from insula.core.example import Example
from insula.core.files import write_json, write_text
from insula.data.dataset import Dataset
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from insula.text.preparation import WORD_STEPS
from provenance import provenance
from sets import load

OUTPUT = Path(__file__).parent / "results" / "attacks.json"
WORK = Path(__file__).parent / "runs" / "attacks"
ROWS, PAIRS, LIMITS = 300, 50, AttackLimits(queries=500)
GAIN, LOST = 0.10, 0.01
"""Targets: accuracy under attack to gain, clean accuracy to lose at most."""
PLAIN = "plain"
ADDED = "added step"
"""Option of an arm: the plain model with one more text step, added after the training."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A data set, a recipe with the options of all its models, the attacks, the arms' options, and the training rows.

    rows  number of training rows, drawn with seed 0; None for all
    """

    data: str
    recipe: str
    methods: tuple[str, ...]
    overrides: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    rows: int | None = None

    @property
    def name(self) -> str:
        """The set and the recipe."""
        return f"{self.data}-{self.recipe}"


SOUNDS = (*WORD_STEPS[:-1], "sounds", WORD_STEPS[-1])
SPELLING = (*WORD_STEPS, "spelling")
TASKS = (
    Task(
        "sst2", "standard", ("words", "characters"), {"model.max_tokens": 64, "train.epochs": 2},
        {
            PLAIN: {},
            "spelling, at prediction": {ADDED: "spelling"},
        },
    ),
    Task(
        "sst2", "linear", ("words", "characters"), {"model.strengths": [1.0, 3.0, 10.0]},
        {
            PLAIN: {},
            "misspellings": {"augment.methods": ["misspellings"], "augment.times": 2},
            "spelling": {"preparation.steps": list(SPELLING)},
        },
    ),
    Task(
        "smp2020_usual", "linear", ("characters",), {"model.strengths": [1.0, 3.0, 10.0]},
        {
            PLAIN: {},
            "misspellings": {"augment.methods": ["misspellings"]},
            "sounds": {"preparation.steps": list(SOUNDS)},
            "sounds, no segmentation": {"preparation.steps": [step for step in SOUNDS if step != "segment"]},
        },
        rows=8000,
    ),
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Train, choose, attack and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of models and finished attacks")
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS], metavar="SET-RECIPE")
    parser.add_argument("--pairs", type=Path, help="folder for changed texts to read")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    tried, cells = [], []
    tasks = [task for task in TASKS if task.name in given.tasks]
    for task in tasks:
        one, others = measure(task, given.work / task.name, given.pairs)
        tried += one
        cells += others
    write_json(given.output, {
        "plain": PLAIN, "rows": ROWS, "queries": LIMITS.queries, "share": LIMITS.share,
        "targets": {"gain": GAIN, "lost": LOST}, "tasks": [dataclasses.asdict(task) for task in tasks],
        "tried": tried, "cells": cells,
        "command": "python benchmarks/attacks.py --tasks " + " ".join(task.name for task in tasks), **provenance(),
    })  # fmt: skip
    return 0


def measure(task: Task, work: Path, pairs: Path | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the arms with their accuracies on validation rows, and the plain and the best arm on test rows."""
    data = load(task.data)
    if task.rows is not None:
        rows = list(data.split("train"))
        random.Random(0).shuffle(rows)
        data = dataclasses.replace(data, splits={**data.splits, "train": rows[: task.rows]})
    facts = {"set": task.data, "recipe": task.recipe, "training_rows": len(data.split("train"))}
    folders = {arm: work / arm.replace(", ", "-").replace(" ", "-") for arm in task.arms}
    models = {arm: fit(data, task, arm, folders) for arm in task.arms}
    found: dict[str, dict[str, Any]] = {}
    for arm, model in models.items() if len(models) > 2 else ():
        found[arm] = {
            "accuracy": accuracy(model, data.split("validation")),
            **{
                method: attack(model, data, "validation", method, folders[arm])["under_attack"]
                for method in task.methods
            },
        }
        print(facts, arm, found[arm], flush=True)
    tried = [{**facts, "arm": arm, "validation": values} for arm, values in found.items()]
    cells = []
    for method in task.methods:
        kept = [arm for arm in found if found[arm]["accuracy"] >= found[PLAIN]["accuracy"] - LOST]
        chosen = (PLAIN, max(kept, key=lambda arm: found[arm][method]["value"])) if found else models
        for arm in dict.fromkeys(chosen):
            cells.append({
                **facts, "attack": method, "arm": arm, "accuracy": accuracy(models[arm], data.split("test")),
                **attack(models[arm], data, "test", method, folders[arm]),
            })  # fmt: skip
            print(cells[-1], flush=True)
        if pairs is not None:
            write_pairs(models[PLAIN], data.split("validation"), method, pairs / f"{task.name}-{method}.txt")
    return tried, cells


def fit(data: Dataset, task: Task, arm: str, folders: Mapping[str, Path]) -> Predictor:
    """Return the model of an arm, trained unless it is in the folder."""
    options = task.arms[arm]
    if ADDED in options:
        plain = Predictor.load(folders[PLAIN])
        steps = (*plain.preparation.steps, options[ADDED])
        return Predictor(
            scheme=plain.scheme, preparation=dataclasses.replace(plain.preparation, steps=steps),
            decision=plain.decision, backend=plain.backend,
        )  # fmt: skip
    if not (folders[arm] / "model").exists():
        overrides = {**task.overrides, **options, "evaluation.baselines": [], "evaluation.resamples": 100}
        insula.train(data, recipe=task.recipe, overrides=overrides, output=folders[arm], overwrite=True)
    return Predictor.load(folders[arm])


def attack(predictor: Predictor, data: Dataset, part: str, method: str, folder: Path) -> dict[str, Any]:
    """Return accuracy under attack on rows drawn with seed 0, and what the attack took; read it if it is finished."""
    file = folder / f"{part}-{method}.json"
    if not file.exists():
        found = attack_examples(predictor, data.split(part), method, rows=ROWS, limits=LIMITS, seed=0)
        write_json(file, {
            "attacked_rows": found.rows,
            "before": found.accuracy.value,
            "under_attack": measure_share(found.attacked - found.succeeded, found.rows).to_dict(),
            "queries": found.mean_queries,
        })  # fmt: skip
    answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return answer


def write_pairs(predictor: Predictor, examples: Sequence[Example], method: str, file: Path) -> None:
    """Write texts of which the attack changes the decision, each above its changed text."""
    names, drawn = predictor.scheme.names, random.Random(0).sample(range(len(examples)), min(ROWS, len(examples)))
    top = predictor.decide([examples[row].input for row in drawn]).top_labels()
    right = [
        (row, examples[row].input)
        for row, label in zip(drawn, top, strict=True)
        if examples[row].labels == (names[label],)
    ]
    changed = [one for one in attack_rows(predictor, right, METHODS[method], limits=LIMITS) if one.is_success]
    write_text(file, "\n\n".join(f"{one.text}\n{one.changed}" for one in changed[:PAIRS]) + "\n")


def accuracy(predictor: Predictor, examples: Sequence[Example]) -> float:
    """Return the share of rows with the right label."""
    names = predictor.scheme.names
    top = predictor.decide([one.input for one in examples]).top_labels()
    right = sum(one.labels == (names[label],) for one, label in zip(examples, top, strict=True))
    return round(right / len(examples), 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
