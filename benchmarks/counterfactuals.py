"""Counterfactuals: how many texts change their label, by how many words.

    python benchmarks/counterfactuals.py      writes results/counterfactuals.json

`linear` is trained on 8,000 rows of SST-2 (seed 0); its 300 texts are validation rows of SST-2, drawn with the seed.
The starter explains 50 rows of SST-2 and 50 of SMP2020. Words are edit distance in words over the texts whose label
changed. The time is that of a possibly busy machine: an upper bound.

`people` sets the edits beside those of people: `linear`, trained on the training pairs of `imdb_counterfactual`, and
the first text of each test pair. An edit agrees with people if it touches a word that they changed too (of an
insertion, a word beside it); `chance` is how often the same edits agree if they are moved along the text.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import statistics
import sys
import tempfile
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "counterfactuals.json"
SEED = 0
CELLS = (
    ("linear", "sst2", "SST-2", 300),
    ("starter", "sst2", "SST-2", 50),
    ("starter", "smp2020_usual", "SMP2020 usual", 50),
)


def main(arguments: list[str]) -> int:
    """Measure every cell and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained model.")
    given = parser.parse_args(arguments)
    import insula
    from explain import training_rows
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance

    if not (given.work / "model").exists():
        insula.train(training_rows(), recipe="linear", output=given.work, overwrite=True)
    places = {"linear": given.work, "starter": "starter"}
    cells = {
        f"{model}, {shown}": measured(Predictor.load(places[model]), texts_of(name, count))
        for model, name, shown, count in CELLS
    }
    people = beside_people()
    write_json(given.output, {"seed": SEED, "cells": cells, "people": people, **provenance()})
    return 0


def texts_of(name: str, count: int) -> list[str]:
    """Return texts of a set, drawn with the seed."""
    from insula.data.load import load_dataset
    from sets import READY

    splits = load_dataset(str(READY / name), seed=SEED).splits
    rows = splits.get("validation") or splits["test"]
    return [rows[place].text for place in np.random.default_rng(SEED).permutation(len(rows))[:count]]


def measured(predictor: Any, texts: list[str]) -> dict[str, Any]:
    """Return the figures of one model on some texts."""
    from insula.explanation.counterfactual import find_counterfactual

    found = [find_counterfactual(predictor, text) for text in texts]
    flipped = [one.changed for one in found if one.valid and one.changed is not None]
    kinds = Counter(edit.kind for one in flipped for edit in one.edits)
    return {
        "texts": len(texts),
        "flipped": round(len(flipped) / len(texts), 4),
        "median_words": statistics.median(one.words for one in flipped),
        "contrasts": round(sum(one.kept is not None for one in found if one.valid) / max(len(flipped), 1), 4),
        "edits": dict(sorted(kinds.items())),
        "evaluations": statistics.median(one.evaluations for one in found),
        "milliseconds": round(statistics.median(one.milliseconds for one in found), 1),
    }


def beside_people() -> dict[str, Any]:
    """Return how the edits of the first texts of human pairs compare with those of people."""
    import insula
    from insula.explanation.counterfactual import find_counterfactual
    from insula.inference.predictor import Predictor
    from insula.text.word_spans import find_word_spans

    with tempfile.TemporaryDirectory() as folder:
        train = [(row["Text"], row["Sentiment"]) for pair in read_pairs("train") for row in pair]
        with (Path(folder) / "train.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *train])
        insula.train(Path(folder) / "train.csv", recipe="linear", output=Path(folder) / "run")
        predictor = Predictor.load(Path(folder) / "run")
        pairs, agreed, chance, ours, theirs, flipped, right = read_pairs("test"), [], [], [], [], 0, 0
        for first, second in pairs:
            text = first["Text"]
            spans = find_word_spans(text)
            words = [text[start:end].lower() for start, end in spans]
            other = [second["Text"][start:end].lower() for start, end in find_word_spans(second["Text"])]
            changed, size = find_changed(words, other)
            found = find_counterfactual(predictor, text)
            if not changed or not found.valid or found.changed is None:
                continue
            flipped += 1
            right += found.prediction.label == first["Sentiment"]
            ours.append(found.changed.words)
            theirs.append(size)
            for edit in found.changed.edits:
                touched = [place for place, (start, end) in enumerate(spans) if start <= edit.end and edit.start <= end]
                inside = [place for place in touched if spans[place][0] < edit.end and edit.start < spans[place][1]]
                at = np.array(inside or touched)
                moved = [bool(changed & set(((at + step) % len(words)).tolist())) for step in range(len(words))]
                agreed.append(moved[0])
                chance.append(statistics.fmean(moved))
    return {
        "pairs": len(pairs),
        "flipped": round(flipped / len(pairs), 4),
        "labelled_right": round(right / flipped, 4),
        "edits": len(agreed),
        "agreed": round(statistics.fmean(agreed), 4),
        "chance": round(statistics.fmean(chance), 4),
        "median_words": statistics.median(ours),
        "median_words_of_people": statistics.median(theirs),
    }


def read_pairs(part: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Return the pairs of a part: rows with Text and Sentiment."""
    from sets import SHARED

    pairs: dict[str, list[dict[str, str]]] = {}
    place = SHARED / "data" / "imdb_counterfactual" / f"{part}_paired.tsv.gz"
    with gzip.open(place, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            pairs.setdefault(row["batch_id"], []).append(row)
    return [(pair[0], pair[1]) for pair in pairs.values() if len(pair) == 2]


def find_changed(words: list[str], other: list[str]) -> tuple[set[int], int]:
    """Return the places of words that differ in another version, beside an insertion both, and the edit distance."""
    places: set[int] = set()
    size = 0
    for kind, start, end, left, right in SequenceMatcher(None, words, other, autojunk=False).get_opcodes():
        if kind != "equal":
            size += max(end - start, right - left)
            places.update(range(start, end) or range(max(start - 1, 0), min(start + 1, len(words))))
    return places, size


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
