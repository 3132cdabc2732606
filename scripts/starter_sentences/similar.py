"""Keeps training sentences away from the sentences that evaluate the model."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from starter_sentences.parts import Sentence

TESTS = Path(__file__).parents[2] / "tests"
EVALUATED = (TESTS / "models" / "first_answer", TESTS / "safety" / "signals")
LARGEST = 0.6  # share of the character 4-grams of two sentences that are in both
_NOT_WORD = re.compile(r"[\W_]+")


def without_similar(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield the sentences that are not almost one of the evaluation."""
    return (sentence for sentence in sentences if similarity(sentence.text) <= LARGEST)


def similarity(text: str) -> float:
    """Return the largest similarity to a sentence of the evaluation: 1 for the same letters."""
    known, holders = _evaluated()
    own = grams(text)
    shared = Counter(place for gram in own for place in holders.get(gram, ()))
    return max((count / len(own | known[place]) for place, count in shared.items()), default=0.0)


def grams(text: str) -> frozenset[str]:
    """Return the character 4-grams of the letters and digits of a text."""
    kept = _NOT_WORD.sub("", text.lower())
    return frozenset(kept[place : place + 4] for place in range(len(kept) - 3)) or frozenset([kept])


@cache
def _evaluated() -> tuple[list[frozenset[str]], dict[str, list[int]]]:
    known = [
        grams(json.loads(line)["text"])
        for folder in EVALUATED
        for part in ("development", "held_out")
        for line in (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    holders: dict[str, list[int]] = {}
    for place, one in enumerate(known):
        for gram in one:
            holders.setdefault(gram, []).append(place)
    return known, holders
