"""What each augmenter adds for a classifier with few labels: with and without its copies, on the same test rows.

    python benchmarks/augmentation_benefit.py --keep FOLDER

The classifier is a logistic regression on the frozen mean vectors of an encoder: MiniLM in English, the bilingual
encoder in Chinese. Each seed draws 100 training rows a class. A method adds one copy of each row that it can change,
with the weight that a recipe gives it; the strength of the penalty is chosen on validation rows for each side. With 500
rows a class, the five methods of each set with the highest gain on validation rows are measured again. Test rows are
used once, at the end, for all of them; a difference is of means over seeds, with a 95 % bootstrap interval over test
rows. `--keep` stores vectors, so that a stopped run resumes.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from augmentation import build, list_methods
from insula.augmentation.registry import Augmenter
from insula.augmentation.variants import Original, make_variants, prepare_variants
from insula.core.arrays import BoolArray, Float32Array
from insula.core.errors import InsulaError
from insula.core.example import Example
from insula.core.files import write_json
from insula.evaluation.metrics.intervals import count_differences
from insula.models.bilingual.sentence_encoder import SentenceEncoder
from insula.training.options.augment import AugmentOptions
from provenance import provenance
from sets import E5, load

OUTPUT = Path(__file__).parent / "results" / "augmentation_benefit.json"
SETS = {"carer": "en", "sst2": "en", "smp2020_usual": "zh"}
ENCODERS = {"en": ("minilm", ""), "zh": (E5, "query: ")}
SEEDS = (0, 1, 2)
FEW, MORE, BEST, MOST_HELD_OUT = 100, 500, 5, 1000
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
SOFT_WEIGHT = AugmentOptions().soft_weight


class Copies(NamedTuple):
    """Copies of training rows: texts, labels, and the weight of each."""

    texts: list[str]
    labels: list[str]
    weight: float


class Vectors:
    """The vectors of texts by an encoder, stored in a file."""

    def __init__(self, language: str, folder: Path) -> None:
        base, prefix = ENCODERS[language]
        self._encoder = SentenceEncoder(base, prefix)
        self._file = folder / f"vectors-{language}.npz"
        self._known: dict[str, Float32Array] = {}
        if self._file.exists():
            kept = np.load(self._file)
            self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    def of(self, texts: Sequence[str]) -> Float32Array:
        """Return (texts, width) vectors."""
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known |= dict(zip(new, self._encoder.embed(list(new.values())), strict=True))
            if len(new) > 200:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                np.savez(self._file, keys=list(self._known), vectors=np.stack(list(self._known.values())))
        return np.stack([self._known[key] for key in keys])


def main(arguments: list[str]) -> int:
    """Measure every set and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=list_methods(), help="name, or back-translation:TRANSLATOR")
    parser.add_argument("--few-only", action="store_true", help="leave the larger number of rows a class out")
    parser.add_argument("--keep", type=Path, default=Path(__file__).parent / "runs" / "augmentation_benefit")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    chosen: dict[str, Augmenter] = {}
    for method in given.methods:
        try:
            chosen[method] = build(method)
        except InsulaError as error:
            print(f"{method}: left out. {error}")
    found = []
    for name in given.sets:
        found += measure(name, chosen, Vectors(SETS[name], given.keep), (FEW,) if given.few_only else (FEW, MORE))
        write_json(given.output, {
            "seeds": list(SEEDS), "classifier": "logistic regression on frozen vectors", "soft_weight": SOFT_WEIGHT,
            "cells": found, "command": "python benchmarks/augmentation_benefit.py", **provenance(),
        })  # fmt: skip
    return 0


def measure(name: str, chosen: Mapping[str, Augmenter], vectors: Vectors, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return one cell a method and number of rows."""
    data, language = load(name), SETS[name]
    held = {part: take(data.split(part), MOST_HELD_OUT) for part in ("validation", "test")}
    names = list(data.scheme.names)
    cells = []
    fitting = {
        method: one
        for method, one in chosen.items()
        if language in one.languages and (not one.new_labels or any(label.lower() in one.new_labels for label in names))
    }
    for per_class in sizes:
        if per_class == MORE:
            gains = {cell["method"]: cell["validation_gain"] for cell in cells}
            fitting = {method: fitting[method] for method in sorted(gains, key=gains.__getitem__)[-BEST:]}
        rows = {seed: draw(data.split("train"), per_class, seed) for seed in SEEDS}
        plain = {seed: fit(rows[seed], None, held, names, vectors) for seed in SEEDS}
        for method, augmenter in fitting.items():
            copies = {seed: copy(rows[seed], method, augmenter, language, seed) for seed in SEEDS}
            share = statistics.fmean(len(copies[seed].texts) / len(rows[seed]) for seed in SEEDS)
            if not share:
                continue
            augmented = {seed: fit(rows[seed], copies[seed], held, names, vectors) for seed in SEEDS}
            gold = as_matrix([one.labels[0] for one in held["test"] if one.labels], names)
            differences = count_differences(
                gold, [plain[seed]["test"] for seed in SEEDS], [augmented[seed]["test"] for seed in SEEDS]
            )
            gain = [augmented[seed]["score"] - plain[seed]["score"] for seed in SEEDS]
            cells.append({
                "set": name, "method": method, "rows_per_class": per_class, "soft": augmenter.is_soft,
                "copies": round(share, 4), "validation_gain": round(statistics.fmean(gain), 6),
                "plain": round(statistics.fmean(accuracy(gold, plain[seed]["test"]) for seed in SEEDS), 6),
                "accuracy": differences["accuracy"].difference.to_dict(),
                "macro_f1": differences["macro_f1"].difference.to_dict(),
                "by_seed": [
                    round(accuracy(gold, augmented[seed]["test"]) - accuracy(gold, plain[seed]["test"]), 6)
                    for seed in SEEDS
                ],
            })  # fmt: skip
            print(cells[-1], flush=True)
    return cells


def take(examples: Sequence[Example], most: int) -> list[Example]:
    """Return at most so many labelled examples, drawn with seed 0."""
    labelled = [one for one in examples if one.labels]
    return random.Random(0).sample(labelled, most) if len(labelled) > most else labelled


def draw(examples: Sequence[Example], per_class: int, seed: int) -> list[Example]:
    """Return so many examples of each label, all where there are fewer."""
    by_label: dict[str, list[Example]] = {}
    for one in examples:
        if one.labels:
            by_label.setdefault(one.labels[0], []).append(one)
    chance = random.Random(seed)
    return [
        one
        for label in sorted(by_label)
        for one in chance.sample(by_label[label], min(per_class, len(by_label[label])))
    ]


def copy(rows: Sequence[Example], method: str, augmenter: Augmenter, language: str, seed: int) -> Copies:
    """Return at most one copy of each row."""
    chosen = {method: augmenter}
    originals = [Original(row.text, f"{seed} {number}", language) for number, row in enumerate(rows)]
    prepare_variants(originals, chosen, 1)
    texts, labels = [], []
    for original, row in zip(originals, rows, strict=True):
        own = (row.labels or ("",))[0]
        for variant in make_variants(row.text, chosen, times=1, seed=original.seed, label=own, language=language):
            texts.append(variant.text)
            labels.append(variant.label or own)
    return Copies(texts, labels, SOFT_WEIGHT if augmenter.is_soft else 1.0)


def fit(
    rows: Sequence[Example],
    copies: Copies | None,
    held: Mapping[str, Sequence[Example]],
    names: Sequence[str],
    vectors: Vectors,
) -> dict[str, Any]:
    """Return the best score on validation rows and the (rows, labels) decisions on test rows."""
    x, y = vectors.of([one.text for one in rows]), [(one.labels or ("",))[0] for one in rows]
    weight = np.ones(len(y))
    if copies is not None and copies.texts:
        x = np.concatenate([x, vectors.of(copies.texts)])
        y = [*y, *copies.labels]
        weight = np.concatenate([weight, np.full(len(copies.texts), copies.weight)])
    lower = {name.lower(): name for name in names}
    y = [lower[label.lower()] for label in y]
    inputs = {part: vectors.of([one.text for one in examples]) for part, examples in held.items()}
    gold = as_matrix([(one.labels or ("",))[0] for one in held["validation"]], names)
    best: dict[str, Any] = {"score": -1.0}
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2000).fit(x, y, sample_weight=weight)
        score = accuracy(gold, as_matrix(model.predict(inputs["validation"]).tolist(), names))
        if score > best["score"]:
            best = {"score": score, "test": as_matrix(model.predict(inputs["test"]).tolist(), names)}
    return best


def as_matrix(labels: Sequence[str], names: Sequence[str]) -> BoolArray:
    """Return (rows, labels) indicators."""
    return np.array([[name == label for name in names] for label in labels])


def accuracy(gold: BoolArray, decided: BoolArray) -> float:
    """Return the share of rows with the right label."""
    return float((gold == decided).all(axis=1).mean())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
