"""Texts that are longer than a model reads: their start alone, or all of them in overlapping windows.

    python benchmarks/windows.py            write results/windows.json

Models that read 64 or 128 tokens at once are trained on 2,000 rows of a set (on the start of long texts, as always) and
predict test rows with each setting of `model.windows`. For each setting, the temperature and the label with the highest
score are those of a model trained with that setting. `chosen` is what `auto` decides on 500 validation rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from insula.core.example import Example
from insula.core.files import write_json
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.decisions.calibration import compute_negative_log_likelihood, fit_calibration
from insula.evaluation.metrics.intervals import count_differences
from insula.inference.backends import has_windows
from insula.models.tokens.windows import WINDOWS
from insula.text.language import find_dominant_language
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe
from provenance import provenance
from sets import load

RESULT = Path(__file__).parent / "results" / "windows.json"
TRAINING_ROWS, VALIDATION_ROWS, TEST_ROWS = 2000, 500, 1500
CELLS: Sequence[tuple[str, dict[str, Any], int, int]] = (
    *((name, {"model.name": "static"}, most, 3) for name in ("imdb", "hotel_zh") for most in (64, 128)),
    *((name, {"model.name": "textcnn", "train.epochs": 8}, 128, 2) for name in ("imdb", "hotel_zh")),
    ("imdb", {"model.name": "encoder", "model.base": "minilm", "train.epochs": 1}, 64, 2),
)
"""Set, options, tokens that are read at once, number of seeds."""


def main() -> None:
    """Measure every cell, write the result after each."""
    rows: list[dict[str, Any]] = []
    for name, options, most, seeds in CELLS:
        data = load(name)
        for seed in range(seeds):
            rows.append({"set": name, "max_tokens": most, "seed": seed, **measured(data, options, most, seed)})
            print(rows[-1], flush=True)
            counts = {"training_rows": TRAINING_ROWS, "validation_rows": VALIDATION_ROWS, "test_rows": TEST_ROWS}
            write_json(RESULT, {**provenance(), **counts, "rows": rows})


def measured(data: Dataset, options: dict[str, Any], most: int, seed: int) -> dict[str, Any]:
    """Return the accuracy, loss and time of each setting."""
    generator = np.random.default_rng(seed)
    counts = {"train": TRAINING_ROWS, "validation": VALIDATION_ROWS, "test": TEST_ROWS}
    splits = dict(_sampled(data, counts, generator))
    recipe = load_recipe({}, {**options, "model.max_tokens": most, "seed": seed})
    some = Dataset(data.name, data.scheme, {name: splits[name] for name in ("train", "validation")})
    language = find_dominant_language([one.text for one in splits["train"]])
    with tempfile.TemporaryDirectory() as folder:
        trained = fit_model(some, plan_training(some, recipe, language), RunContext(Path(folder), seed), Path(folder))
    predictor, scheme = trained.predictor, data.scheme
    backend = predictor.backend
    if not has_windows(backend):
        raise TypeError(f"The backend of {options} must read windows.")
    inputs = {name: [one.input for one in rows] for name, rows in splits.items()}
    gold = {name: build_gold_matrix(scheme, rows) for name, rows in splits.items()}
    truth = gold["test"][:, -1:] if scheme.kind == "binary" else gold["test"]
    found: dict[str, Any] = {}
    chosen: dict[str, Any] = {}
    for windows in WINDOWS:
        backend.windows = windows
        validation = np.asarray(predictor.logits(inputs["validation"]), dtype=np.float64)
        began = time.perf_counter()
        raw, longer = predictor.read(inputs["test"])
        seconds = time.perf_counter() - began
        calibration = fit_calibration(validation, gold["validation"], scheme.kind, method="temperature")
        logits = calibration.apply(np.asarray(raw, dtype=np.float64), scheme.kind)
        highest = (logits[:, 0] > 0).astype(int) if scheme.kind == "binary" else logits.argmax(axis=1)
        chosen[windows] = np.eye(len(scheme.names), dtype=bool)[highest]
        found[windows] = {
            "accuracy": float((chosen[windows] == (gold["test"] > 0.5)).all(axis=1).mean()),
            "loss": float(compute_negative_log_likelihood(logits, truth, scheme.kind).mean()),
            "milliseconds": 1000 * seconds / len(inputs["test"]),
        }
        if windows == "none":
            found["longer"] = float(longer.mean())
            continue
        gain = count_differences(gold["test"] > 0.5, [chosen["none"]], [chosen[windows]])["accuracy"].difference
        found[windows]["gain"] = gain.to_dict()
    model = {"model": options["model.name"], "base": options.get("model.base")}
    return {**model, "chosen": trained.windows.windows, "settings": found}


def _sampled(
    data: Dataset, counts: dict[str, int], generator: np.random.Generator
) -> Iterator[tuple[str, list[Example]]]:
    for name, count in counts.items():
        rows = data.split(name)
        yield name, [rows[place] for place in generator.permutation(len(rows))[:count]]


if __name__ == "__main__":
    main()
