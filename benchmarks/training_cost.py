"""What training costs: insula's own against the stock `Trainer`: same network, rate, epochs, seed, threshold rule.

    python benchmarks/training_cost.py                        all of it, hours: `results/training_cost.json`
    python benchmarks/training_cost.py --rows 500 --epochs 1 --rounds 1 --output /tmp/try.json

Arms: `stock` (random batches), `stock-grouped` (its own grouping by length), `insula-float32`, `insula` (as it comes:
bfloat16 where the machine is fast at it), `insula-fast` (a recipe of its own: `--fast KEY=VALUE`). Each arm runs in a
process of its own. Two parts:

speed   `--rounds` rounds of all arms but `insula-fast` on `--speed-rows` rows, one epoch, forwards and backwards in
        turn: tokens of texts (not of padding) a second of training steps alone; ratios within a round; the share of the
        machine's limit
full    `stock`, `insula` and `insula-fast` once on all rows (or `--rows`, a seeded part): best validation macro-F1 at
        chosen thresholds, and when

Run it on an idle machine. Test rows are never read. What is finished is kept and not run again, until `--anew`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spread import spread

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "training_cost"
OUTPUT = HERE / "results" / "training_cost.json"
ARMS = ("stock", "stock-grouped", "insula-float32", "insula", "insula-fast")
FULL_ARMS = ("stock", "insula", "insula-fast")
FAST = {"train.epochs": 1, "train.learning_rate": 3e-4, "train.evaluations_per_epoch": 8}
FLOP_A_PARAMETER = 6  # a product and a sum, forwards, to the input and to the weights


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    given = _parser().parse_args(arguments)
    if given.arm is not None:
        _write(Path(given.output), _run_arm(given))
        return 0
    if given.anew:
        shutil.rmtree(RUNS, ignore_errors=True)
    from gemm import kept_limit
    from provenance import provenance, threads

    limit = kept_limit(RUNS / "limit.json", given.threads or threads())
    speed = [_round(given, number) for number in range(given.rounds)]
    full = {
        arm: _outcome(given, f"full-{arm}", arm, given.rows, given.epochs) for arm in given.arms if arm in FULL_ARMS
    }
    found = {
        "set": given.data,
        "model": "minilm",
        "rows": {"full": next(iter(full.values()))["rows"], "speed": given.speed_rows},
        "settings": next(iter(full.values()))["settings"],
        "fast": _fast(given),
        "gemm_gflops": limit,
        "speed": _speed(given.arms, speed, limit),
        "rounds": speed,
        "full": full,
        "time_to_stock_best": _time_to_best(full),
        "difference_of_macro_f1": {
            arm: full[arm]["best"]["macro_f1"] - full["stock"]["best"]["macro_f1"] for arm in full if arm != "stock"
        },
        "command": "python benchmarks/training_cost.py " + " ".join(arguments),
        **provenance(),
    }
    _write(Path(given.output), found)
    _say(found)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="goemotions", help="a multi-label set of sets.py")
    parser.add_argument("--rows", type=int, default=0, help="train on a seeded part of so many rows; 0 takes all")
    parser.add_argument("--speed-rows", type=int, default=4096, help="rows of the speed part")
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--evaluations", type=int, default=4, help="on validation rows, an epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of matrix products; 0 takes OMP_NUM_THREADS or all")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    parser.add_argument("--fast", action="append", default=[], metavar="KEY=VALUE", help="recipe of insula-fast")
    parser.add_argument("--anew", action="store_true", help="measure again what is finished")
    parser.add_argument("--output", default=str(OUTPUT))
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    return parser


def _fast(given: argparse.Namespace) -> dict[str, Any]:
    from insula.training.recipe.recipe import parse_override

    return dict(parse_override(text) for text in given.fast) or FAST


def _round(given: argparse.Namespace, number: int) -> dict[str, Any]:
    """Return every arm's figures of a round; every other round runs backwards, so that no arm is always first."""
    arms = [arm for arm in given.arms if arm != "insula-fast"]
    ordered = arms if number % 2 == 0 else arms[::-1]
    rows = min(given.speed_rows, given.rows) if given.rows else given.speed_rows
    return {arm: _outcome(given, f"speed-{number}-{arm}", arm, rows, 1.0) for arm in ordered}


def _outcome(given: argparse.Namespace, name: str, arm: str, rows: int, epochs: float) -> dict[str, Any]:
    """Return the figures of one run in a process of its own; what is kept from before is taken where it is the same."""
    file = RUNS / f"{name}.json"
    asked = [
        "--arm", arm, "--data", given.data, "--rows", str(rows), "--epochs", str(epochs), "--seed", str(given.seed),
        "--threads", str(given.threads), "--evaluations", str(given.evaluations),
        *(f"--fast={text}" for text in given.fast),
    ]  # fmt: skip
    if file.exists() and (kept := json.loads(file.read_text(encoding="utf-8"))).get("asked") == asked:
        return dict(kept)
    began = time.monotonic()
    subprocess.run([sys.executable, __file__, *asked, "--output", str(file)], check=True)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) | {"asked": asked}
    _write(file, found)
    print(
        f"{name}: {found['tokens_per_second']:,.0f} tokens/s, padding {found['padding']:.1%}, "
        f"validation macro-F1 {found['best']['macro_f1']:.4f}, {time.monotonic() - began:.0f} s in all",
        flush=True,
    )
    return found


def _run_arm(given: argparse.Namespace) -> dict[str, Any]:
    import torch

    from insula.training.recipe.recipe import load_recipe
    from insula.training.run import train_run
    from step_clock import StepClock
    from stock_trainer import matrix_parameters, train_stock

    if given.threads:
        torch.set_num_threads(given.threads)
    data = _part(given)
    overrides = {
        "train.epochs": given.epochs,
        "train.evaluations_per_epoch": given.evaluations,
        "train.patience": 1000,  # the stock run does not stop early either
        "evaluation.baselines": [],
        "seed": given.seed,
    }
    if given.arm == "insula-float32":
        overrides["train.precision"] = "float32"
    if given.arm == "insula-fast":
        overrides |= _fast(given)
    recipe = load_recipe("standard", overrides)
    folder = RUNS / "run"
    shutil.rmtree(folder, ignore_errors=True)
    clock = StepClock()
    facts: dict[str, Any] = {}
    with clock.watching():
        if given.arm.startswith("stock"):
            network = train_stock(data, recipe, folder, by_length=given.arm == "stock-grouped")
            facts["matrix_parameters"] = matrix_parameters(network)
        else:
            train_run(data, recipe, folder, source=[given.data])
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "arm": given.arm,
        "rows": {name: len(examples) for name, examples in data.splits.items()},
        "settings": recipe.train.model_dump(mode="json"),
        "threads": torch.get_num_threads(),
        **clock.figures(),
        "best": max(clock.curve, key=lambda entry: entry["macro_f1"]),
        **facts,
    }


def _part(given: argparse.Namespace) -> Any:
    """Return training and validation rows, or a seeded part of them; never a test row."""
    import sets

    data = sets.load(given.data)
    splits = {name: list(data.split(name)) for name in ("train", "validation")}
    if given.rows:
        share = given.rows / len(splits["train"])
        for name, rows in splits.items():
            wanted = min(len(rows), given.rows if name == "train" else max(200, round(share * len(rows))))
            chosen = np.random.default_rng(given.seed).permutation(len(rows))[:wanted]
            splits[name] = [rows[row] for row in sorted(chosen.tolist())]
    return dataclasses.replace(data, splits=splits, overlaps={})


def _speed(arms: Sequence[str], rounds: Sequence[Mapping[str, Any]], limit: Mapping[str, Any]) -> dict[str, Any]:
    """Return by arm the median tokens a second, its share of the limit, and the ratios to the stock arms."""
    known = [arm for arm in arms if rounds and arm in rounds[0]]
    parameters = next((entry["matrix_parameters"] for entry in (rounds[0] if rounds else {}).values()
                       if "matrix_parameters" in entry), None)  # fmt: skip
    found: dict[str, Any] = {}
    for arm in known:
        useful, padded = ([one[arm][f"{kind}tokens_per_second"] for one in rounds] for kind in ("", "padded_"))
        entry: dict[str, Any] = {
            "tokens_per_second": spread(useful),
            "padded_tokens_per_second": spread(padded),
            "padding": statistics.median(one[arm]["padding"] for one in rounds),
        }
        if parameters is not None:
            for name, values in (("share_of_limit", useful), ("share_of_limit_with_padding", padded)):
                flop = FLOP_A_PARAMETER * parameters * statistics.median(values)
                entry[name] = round(flop / (limit["float32"] * 1e9), 4)
        for other in ("stock", "stock-grouped"):
            if other in known and not arm.startswith("stock"):
                entry[f"times_{other}"] = spread([
                    one[arm]["tokens_per_second"] / one[other]["tokens_per_second"] for one in rounds
                ])  # fmt: skip
        found[arm] = entry
    return found


def _time_to_best(full: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return when each arm first scores what the stock run scores at its best: seconds of steps, seconds in all."""
    goal = full["stock"]["best"]
    found: dict[str, Any] = {"macro_f1": goal["macro_f1"]}
    for arm, run in full.items():
        first = next((entry for entry in run["curve"] if entry["macro_f1"] >= goal["macro_f1"]), None)
        found[arm] = first and {
            "seconds": first["seconds"],
            "wall_seconds": first["wall_seconds"],
            "share_of_stock": round(first["seconds"] / goal["seconds"], 4),
            "share_of_stock_wall": round(first["wall_seconds"] / goal["wall_seconds"], 4),
        }
    return found


def _say(found: Mapping[str, Any]) -> None:
    for arm, entry in found["speed"].items():
        ratios = ", ".join(
            f"{value['median']:.2f} ({value['lowest']:.2f} to {value['highest']:.2f}) {name.replace('_', ' ')}"
            for name, value in entry.items()
            if name.startswith("times_")
        )
        share = f", {entry['share_of_limit']:.0%} of the limit" if "share_of_limit" in entry else ""
        print(f"{arm}: {entry['tokens_per_second']['median']:,.0f} tokens/s{share}{', ' if ratios else ''}{ratios}")
    for arm, run in found["full"].items():
        print(f"{arm}: best validation macro-F1 {run['best']['macro_f1']:.4f}; stock's best:"
              f" {found['time_to_stock_best'][arm]}")  # fmt: skip


def _write(file: Path, found: Mapping[str, Any]) -> None:
    from insula.core.files import write_json

    write_json(file, found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
