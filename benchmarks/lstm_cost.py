"""What training an LSTM costs: insula's `lstm` against a plain `torch.nn.LSTM` loop with dynamic padding.

    python benchmarks/lstm_cost.py                      `results/lstm_cost.json`
    python benchmarks/lstm_cost.py --epochs 1 --rounds 1 --output /tmp/try.json

Same widths, batch size, rate and epochs, no early stopping. In every round insula and the loop, once with packed rows
and once over the padding, train in turn, each in a process of its own; seconds are those of training steps alone. Both
keep their best epoch by validation rows. Accuracy is that of the last round on the same test rows, with the paired
difference. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import decisions
import outside
import sets
from cells import Cell
from differences import mean_difference
from insula.core.files import write_json
from insula.inference.predictor import Predictor
from provenance import provenance
from spread import spread

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "lstm_cost"
OUTPUT = HERE / "results" / "lstm_cost.json"
ARMS = ("insula", "packed", "padded")


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    given = _parser().parse_args(arguments)
    if given.insula:
        _train_insula(given)
        return 0
    data = sets.load(given.data)
    rounds = []
    for number in range(given.rounds):
        ordered = ARMS if number % 2 == 0 else ARMS[::-1]
        rounds.append({arm: _measure(arm, data, given) for arm in ordered})
        print(f"round {number}: {rounds[-1]}", flush=True)
    answers = {arm: decisions.load(arm, RUNS) for arm in ARMS}
    own = answers["insula"]
    differences = {
        arm: {
            name: mean_difference(data.scheme.kind, [other], [own], name).to_dict() for name in ("accuracy", "macro_f1")
        }
        for arm, other in answers.items()
        if arm != "insula" and other is not None and own is not None
    }
    found = {
        "set": given.data,
        "rows": {name: len(examples) for name, examples in data.splits.items()},
        "epochs": given.epochs,
        "rounds": rounds,
        "times_faster_than": {
            arm: spread([one[arm]["seconds"] / one["insula"]["seconds"] for one in rounds]) for arm in ARMS[1:]
        },
        "insula_minus": differences,
        "command": "python benchmarks/lstm_cost.py " + " ".join(arguments),
        **provenance(),
    }
    write_json(Path(given.output), found)
    for arm, times in found["times_faster_than"].items():
        print(f"{times['median']:.2f} times as fast as {arm}; accuracy {differences[arm]['accuracy']}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="tweets")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=str(OUTPUT))
    parser.add_argument("--insula", action="store_true", help=argparse.SUPPRESS)
    return parser


def _measure(arm: str, data: Any, given: argparse.Namespace) -> dict[str, float]:
    """Train one arm, keep its decisions, and return its seconds of steps and its accuracy."""
    if arm == "insula":
        asked = ["--insula", "--data", given.data, "--epochs", str(given.epochs), "--seed", str(given.seed)]
        subprocess.run([sys.executable, __file__, *asked], check=True)
        decided = Predictor.load(RUNS / "run").decide([example.text for example in data.split("test")])
        seconds = json.loads((RUNS / "insula.json").read_text(encoding="utf-8"))["seconds"]
    else:
        options = {"epochs": given.epochs, "patience": given.epochs + 1, "packed": arm == "packed"}
        cell = Cell(given.data, f"lstm-{arm}", peer="torch_lstm", seed=given.seed, options=options)
        decided, facts = outside.answer(cell, data)
        seconds = facts["step_seconds"]
    kept = decisions.save(arm, data, decided, RUNS)
    right = float(((kept.gold > 0.5) == kept.chosen).all(axis=1).mean())
    return {"seconds": round(float(seconds), 2), "test_accuracy": right}


def _train_insula(given: argparse.Namespace) -> None:
    from insula.training.recipe.recipe import load_recipe
    from insula.training.run import train_run
    from step_clock import StepClock

    overrides = {
        "model.name": "lstm", "train.epochs": given.epochs, "train.patience": 1000, "train.batch_size": 32,
        "train.learning_rate": 1e-3, "evaluation.baselines": [], "seed": given.seed,
    }  # fmt: skip
    data = dataclasses.replace(sets.load(given.data), overlaps={})
    shutil.rmtree(RUNS / "run", ignore_errors=True)
    with StepClock().watching() as clock:
        train_run(data, load_recipe("standard", overrides), RUNS / "run", source=[given.data])
    write_json(RUNS / "insula.json", clock.figures())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
