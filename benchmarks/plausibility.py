"""Explanations beside the words that people marked: `results/plausibility.json`.

    python benchmarks/plausibility.py

Film reviews of ERASER (Zaidan et al. 2007; DeYoung et al. 2020) by sentences and by words, and the three mechanisms of
EPITOME (Sharma et al. 2020) by words. On each a `linear` model is trained, on the training rows of ERASER, or 70% of
the posts of EPITOME; 10% are its validation rows. Test rows with marked words are explained for their gold label, with
at most 200 variants of a text. `auprc` is the mean area under the curve of precision over recall, as average precision;
`chance` is the share of marked sentences or words. Plausibility is not faithfulness: `smoothed` averages the weights of
`exact` with those of the neighbours, and `by sentences` gives every word the mean of its sentence. Neither is a better
account of the model; people mark whole phrases.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "plausibility.json"
EVALUATIONS = 200
METHODS = ("exact", "contexts", "occlusion", "alone", "partition", "surrogate")
MECHANISMS = ("emotional-reactions", "interpretations", "explorations")
NEIGHBOURS = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class Marked:
    """A text with its gold label, its units (first and last character), the marked ones, and the sentence of each."""

    text: str
    label: str
    units: list[tuple[int, int]]
    marked: list[bool]
    sentences: list[int]


def main(arguments: list[str]) -> int:
    """Train a model for each set, explain its test rows, and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/plausibility"), help="Folder for the trained models.")
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    cells = {
        "ERASER movies, sentences": measure(lambda split: movies(split, "sentences"), given.work / "movies"),
        "ERASER movies, words": measure(lambda split: movies(split, "words"), given.work / "movies"),
    }
    for name in MECHANISMS:
        cells[f"EPITOME {name}"] = measure(lambda split, name=name: replies(name, split), given.work / name)  # type: ignore[misc]
    write_json(given.output, {"evaluations": EVALUATIONS, "cells": cells, **provenance()})
    return 0


def measure(rows: Callable[[str], Iterator[Marked]], folder: Path) -> dict[str, Any]:
    """Return the figures of every method on one set."""
    from sklearn.metrics import average_precision_score, f1_score

    import insula
    from insula.explanation.explainers import explainers
    from insula.explanation.explanation import Word
    from insula.explanation.masked_predictor import MaskedPredictor
    from insula.inference.predictor import Predictor

    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        lines = [json.dumps({"text": one.text, "label": one.label}) for one in rows(split)]
        (data / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    run = insula.train(data, recipe="linear", output=folder / "run", overwrite=True)
    predictor = Predictor.load(run.path)
    random = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    texts = [one for one in rows("test") if any(one.marked) and not all(one.marked)]
    methods = METHODS if max(len(one.units) for one in texts) <= EVALUATIONS else METHODS[:1]
    gold = [one.label for one in rows("test")]
    said = [one.label for one in predictor.predict([one.text for one in rows("test")])]
    for one in texts:
        column = predictor.scheme.names.index(one.label)
        words = [Word(one.text[start:end], start, end) for start, end in one.units]
        arms: dict[str, Any] = {"random": random.random(len(words)), "chance": None}
        for name in methods:
            question = MaskedPredictor(predictor, one.text, words=words, wanted=(column,))
            arms[name] = explainers[name].weigh(question, EVALUATIONS)[:, column]
        arms["smoothed"] = np.convolve(arms["exact"], NEIGHBOURS)[1:-1]
        if len(set(one.sentences)) < len(words):
            means = np.bincount(one.sentences, arms["exact"]) / np.maximum(np.bincount(one.sentences), 1)
            arms["by sentences"] = means[one.sentences]
        for name, weights in arms.items():
            value = np.mean(one.marked) if weights is None else average_precision_score(one.marked, weights)
            found.setdefault(name, []).append(float(value))
    return {
        "texts": len(texts),
        "macro_f1": float(f1_score(gold, said, average="macro")),
        "auprc": {name: float(np.mean(values)) for name, values in found.items()},
        "standard_error": {name: float(np.std(values) / len(values) ** 0.5) for name, values in found.items()},
    }


def movies(split: str, unit: str) -> Iterator[Marked]:
    """Yield film reviews by sentences or words: a sentence is marked if a marked word is in it."""
    from sets import READY

    name = {"validation": "val"}.get(split, split)
    for row in read(READY.parent / "eraser_movies" / f"{name}.jsonl.gz"):
        text = row["text"]
        words = [match.span() for match in re.finditer(r"\S+", text)]
        marks = np.zeros(len(text), dtype=bool)
        for span in row["evidences"]:
            for start, end in words[span["start_token"] : span["end_token"]]:
                marks[start:end] = True
        units = words if unit == "words" else [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", text)]
        sentences = [text.count("\n", 0, start) for start, _ in units]
        yield Marked(text, row["label"], units, [bool(marks[start:end].any()) for start, end in units], sentences)


def replies(mechanism: str, split: str) -> Iterator[Marked]:
    """Yield replies by words; rows with one post are in one split."""
    from insula.text.word_spans import find_word_spans
    from sets import READY

    for row in read(READY / "epitome" / f"{mechanism}.jsonl.gz"):
        if not row["text"].strip() or split_of(row["context"]) != split:
            continue
        marks = np.zeros(len(row["text"]), dtype=bool)
        for piece in row["rationales"] or ():
            start = row["text"].find(piece.strip()) if piece.strip() else -1
            if start >= 0:
                marks[start : start + len(piece.strip())] = True
        units = find_word_spans(row["text"])[:EVALUATIONS]
        marked = [bool(marks[start:end].any()) for start, end in units]
        yield Marked(row["text"], str(row["level"]), units, marked, list(range(len(units))))


def split_of(post: str) -> str:
    """Return the split of a post, by its digest."""
    place = int(hashlib.sha256(post.encode()).hexdigest(), 16) % 10
    return "train" if place < 7 else "validation" if place == 7 else "test"


def read(path: Path) -> Iterator[Any]:
    """Yield the rows of a packed file of JSON Lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
