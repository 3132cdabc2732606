"""Learning curves of Chinese models: which of them is best for which number of training rows.

    python benchmarks/chinese.py                    every cell that has no result yet, in the order of `cells`
    python benchmarks/chinese.py 'reviews-zh-200-*' those among these names that have none
    python benchmarks/chinese.py --list             which cells there are, and which have a result
    python benchmarks/chinese.py --renew            make the comparisons again from the kept decisions

A cell is a set, a number of training rows, an arm and a seed: `hotel_zh-1000-upper-0`. The rows are drawn from the
training split by seed; the validation rows, on which checkpoint, thresholds and regularisation are chosen, are an
eighth as many and come from there too. The split `validation` of the set takes no part in training: it is the
development part, and arms are compared there to choose for `chinese`. The split `test` answers once.

linear  n-grams and logistic regression: the recipe `linear`
head    logistic regression on the sentence vectors of the untouched encoder
upper   the encoder e5-small-en-zh with its lower nine of twelve layers frozen
full    the encoder, all layers trained

Encoders read the first 48 tokens.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

import decisions
import sets
from insula.core.example import Example
from insula.core.files import write_json
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.metrics.intervals import count_differences, count_intervals
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe
from provenance import provenance

RESULT = Path(__file__).parent / "results" / "chinese.json"
SETS = ("reviews-zh", "hotel_zh", "smp2020_usual")
ROWS = (200, 1000, 4000)
ARMS = ("linear", "head", "upper", "full")
SEEDS = {200: 3, 1000: 2, 4000: 1}
EPOCHS = {200: 8, 1000: 4, 4000: 2}
DEVELOPMENT_ROWS, TEST_ROWS = 400, 800
MAX_TOKENS = 48
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ENCODER = "e5-small-en-zh"
Matrix = NDArray[np.bool_]


class Cell(NamedTuple):
    """One training."""

    set: str
    rows: int
    arm: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the cell."""
        return "-".join(map(str, self))


def cells() -> Iterator[Cell]:
    """Yield all cells: first one seed of every arm, then further seeds."""
    for seed in range(max(SEEDS.values())):
        for arm in ("linear", "upper", "head", "full"):
            for rows in ROWS:
                yield from (Cell(name, rows, arm, seed) for name in SETS if seed < SEEDS[rows])


def main(arguments: Sequence[str]) -> int:
    """Run the cells and return the exit status."""
    wanted = [one for one in arguments if not one.startswith("--")] or ["*"]
    results = read()
    for cell in cells():
        if not any(fnmatch.fnmatch(cell.name, pattern) for pattern in wanted):
            continue
        if "--list" in arguments:
            print(f"{cell.name}: {'measured' if cell.name in results else 'not yet'}")
        elif "--renew" not in arguments and cell.name not in read():
            found = measure(cell)
            results = {**read(), cell.name: found}
            print(cell.name, json.dumps(results[cell.name]), flush=True)
            write(results)
    if "--list" not in arguments:
        write(results)
    return 0


def read() -> dict[str, Any]:
    """Return the results so far by name of the cell."""
    return json.loads(RESULT.read_text(encoding="utf-8"))["cells"] if RESULT.exists() else {}


def write(results: Mapping[str, Any]) -> None:
    """Write the results with the comparisons that they allow."""
    write_json(RESULT, {
        **provenance(), "command": "python benchmarks/chinese.py", "encoder": ENCODER, "max_tokens": MAX_TOKENS,
        "epochs": {str(rows): epochs for rows, epochs in EPOCHS.items()},
        "development_rows": DEVELOPMENT_ROWS, "test_rows": TEST_ROWS,
        "cells": {cell.name: results[cell.name] for cell in cells() if cell.name in results},
        "comparisons": list(compare(results)),
    })  # fmt: skip


def compare(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each arm's mean over the seeds that it shares with `linear`, and its difference to `linear`."""
    for name in SETS:
        for rows in ROWS:
            for arm in ARMS:
                seeds = [
                    seed
                    for seed in range(SEEDS[rows])
                    if Cell(name, rows, arm, seed).name in results and Cell(name, rows, "linear", seed).name in results
                ]
                if seeds:
                    yield _compared(name, rows, arm, seeds, results)


def _compared(name: str, rows: int, arm: str, seeds: Sequence[int], results: Mapping[str, Any]) -> dict[str, Any]:
    one = [results[Cell(name, rows, arm, seed).name] for seed in seeds]
    found: dict[str, Any] = {"set": name, "rows": rows, "arm": arm, "seeds": len(seeds)}
    for part in ("development", "test"):
        found[part] = {"macro_f1": float(np.mean([each[part]["macro_f1"]["value"] for each in one]))}
        if arm != "linear":
            kept = [(_kept(Cell(name, rows, "linear", s), part), _kept(Cell(name, rows, arm, s), part)) for s in seeds]
            pairs = [(off, on) for off, on in kept if off is not None and on is not None]
            if len(pairs) == len(seeds) and decisions.same_rows(*(answers for pair in pairs for answers in pair)):
                gains = count_differences(
                    pairs[0][0].gold > 0.5, [off.chosen for off, _ in pairs], [on.chosen for _, on in pairs]
                )
                found[part]["difference_to_linear"] = gains["macro_f1"].difference.to_dict()
    found["train_seconds"] = round(float(np.mean([each["train_seconds"] for each in one])), 1)
    return found


def _kept(cell: Cell, part: str) -> decisions.Answers | None:
    return decisions.load(f"chinese-{cell.name}-{part}")


def measure(cell: Cell) -> dict[str, Any]:
    """Train a cell and return its figures on the development and the test part."""
    data = _load(cell.set)
    held_out = {
        "development": _sample(data.split("validation"), DEVELOPMENT_ROWS, 0),
        "test": _sample(data.split("test"), TEST_ROWS, 0),
    }
    validation = cell.rows // 8
    sample = _sample(data.split("train"), cell.rows + validation, cell.seed)
    small = Dataset(data.name, data.scheme, {"train": sample[: cell.rows], "validation": sample[cell.rows :]})
    began, processor = time.monotonic(), time.process_time()
    answers, seconds = (_of_head if cell.arm == "head" else _of_recipe)(cell, small, held_out)
    found: dict[str, Any] = {
        "validation_rows": len(small.split("validation")),
        "train_seconds": round(seconds, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "total_seconds": round(time.monotonic() - began, 1),
    }
    for part, examples in held_out.items():
        scores, chosen = answers[part]
        part_data = Dataset(data.name, data.scheme, {"test": examples})
        kept = decisions.save(f"chinese-{cell.name}-{part}", part_data, _Decided(scores, chosen))  # type: ignore[arg-type]
        measured = count_intervals(kept.gold > 0.5, kept.chosen)
        found[part] = {
            "rows": len(examples), **{name: measured[name].to_dict() for name in ("macro_f1", "accuracy")},
        }  # fmt: skip
    return found


class _Decided(NamedTuple):
    scores: NDArray[np.float64]
    chosen: Matrix


Answered = tuple[Mapping[str, tuple[NDArray[np.float64], Matrix]], float]


def _of_recipe(cell: Cell, small: Dataset, held_out: Mapping[str, Sequence[Example]]) -> Answered:
    overrides: dict[str, Any] = {}
    if cell.arm != "linear":
        overrides = {"model.base": ENCODER, "model.max_tokens": MAX_TOKENS, "train.epochs": EPOCHS[cell.rows]}
        overrides |= {"train.freeze_layers": 9} if cell.arm == "upper" else {}
    recipe = load_recipe("linear" if cell.arm == "linear" else "standard", {**overrides, "seed": cell.seed})
    with tempfile.TemporaryDirectory() as folder, _without_export():
        plan, run = plan_training(small, recipe, "zh"), RunContext(Path(folder), cell.seed)
        trained = fit_model(small, plan, run, Path(folder))
        found = {}
        for part, examples in held_out.items():
            decided = trained.predictor.decide([example.input for example in examples])
            found[part] = (np.asarray(decided.scores, dtype=np.float64), np.asarray(decided.chosen, dtype=bool))
    return found, trained.seconds


@contextmanager
def _without_export() -> Iterator[None]:
    """Predict with torch, to save the export to ONNX, which takes longer than a small training."""
    from insula.training.fitters import encoder, network

    with_torch = functools.partial(network.build_fitted_network, backend="torch")
    with (
        patch.object(network, "export_onnx", lambda *_, **__: None),
        patch.object(encoder, "build_fitted_network", with_torch),
    ):
        yield


def _of_head(cell: Cell, small: Dataset, held_out: Mapping[str, Sequence[Example]]) -> Answered:
    """Fit logistic regression on standardised sentence vectors; C by the loss on validation rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import StandardScaler

    began = time.monotonic()
    vectors = {name: _embed(examples) for name, examples in {**small.splits, **held_out}.items()}
    truth = {name: _to_classes(build_gold_matrix(small.scheme, examples)) for name, examples in small.splits.items()}
    scaler = StandardScaler().fit(vectors["train"])
    best: tuple[float, Any] | None = None
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength / cell.rows, max_iter=1000).fit(
            scaler.transform(vectors["train"]), truth["train"]
        )
        loss = log_loss(
            truth["validation"], model.predict_proba(scaler.transform(vectors["validation"])), labels=model.classes_
        )
        if best is None or loss < best[0]:
            best = loss, model
    seconds = time.monotonic() - began
    found = {}
    for part in held_out:
        scores = best[1].predict_proba(scaler.transform(vectors[part])) if best else np.empty(0)
        chosen = best[1].classes_[scores.argmax(axis=1)] if best else np.empty(0)
        binary = build_gold_matrix(small.scheme, held_out[part]).shape[1] == 1
        found[part] = (
            (scores[:, 1:], (chosen == 1)[:, None])
            if binary
            else (scores, np.asarray(chosen[:, None] == np.arange(len(small.scheme.names))))
        )
    return found, seconds


def _to_classes(gold: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the class of each row of a gold matrix; the one column of binary sets is 0 or 1."""
    return gold[:, 0].astype(np.int64) if gold.shape[1] == 1 else gold.argmax(axis=1)


def _embed(examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return the mean token vectors of the untouched encoder; kept on disk, since cells share texts."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from insula.models.pretrained import locate_encoder

    file = decisions.FOLDER.parent / "chinese-vectors.npz"
    known = dict(zip(*np.load(file).values(), strict=True)) if file.exists() else {}
    keys = decisions.hashes(examples)
    new = [place for place, key in enumerate(keys) if key not in known]
    if new:
        folder = locate_encoder(ENCODER)
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).float().eval()
        new.sort(key=lambda place: len(examples[place].text))
        for start in range(0, len(new), 32):
            places = new[start : start + 32]
            given = tokenizer(
                [examples[place].text for place in places],
                padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt",
            )  # fmt: skip
            mask = given["attention_mask"][..., None]
            with torch.inference_mode():
                states = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
            means = ((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
            known |= {keys[place]: vector for place, vector in zip(places, means, strict=True)}
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[key] for key in keys])


@functools.cache
def _load(name: str) -> Dataset:
    return sets.load(name)


def _sample(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Return `count` examples in random order; all where there are fewer."""
    return [examples[place] for place in np.random.default_rng(seed).permutation(len(examples))[:count]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
