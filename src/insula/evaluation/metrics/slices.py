"""The headline metric by text length and by language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from insula.core.arrays import Int64Array
from insula.evaluation.result import Interval, Slice

MIN_ROWS = 30
_UPPER_ENDS = (10, 20, 40)
_IDEOGRAPH = re.compile("[㐀-䶿一-鿿豈-﫿]")

Measure = Callable[[Int64Array], Interval]


def name_length(text: str, language: str | None = None) -> str:
    """Return the length bin of a text, such as `11-20 words`; Chinese is counted in characters without spaces.

    A text is Chinese if its language is `zh`, or without a language if most of its characters are ideographs.
    """
    characters = "".join(text.split())
    if language is None:
        chinese = 2 * len(_IDEOGRAPH.findall(characters)) > len(characters)
    else:
        chinese = language.lower().split("-")[0] == "zh"
    count, unit = (len(characters), "characters") if chinese else (len(text.split()), "words")
    low = 1
    for high in _UPPER_ENDS:
        if count <= high:
            return f"{low}-{high} {unit}"
        low = high + 1
    return f"{low}+ {unit}"


def measure_by_name(names: Sequence[str | None], measure: Measure) -> list[Slice]:
    """Return the metric of every slice with at least 30 rows, in order of name.

    names     the slice of each row; None for rows in no slice
    measure   row positions to the metric on these rows
    """
    return [Slice(name=name, rows=len(rows), **measure(rows).to_dict()) for name, rows in group_rows_by_slice(names)]


def group_rows_by_slice(names: Sequence[str | None]) -> list[tuple[str, Int64Array]]:
    """Return (name, row positions) of every slice with at least 30 rows, in order of name; None is no slice."""
    places: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None:
            places.setdefault(name, []).append(row)
    return [
        (name, np.asarray(rows, dtype=np.int64))
        for name, rows in sorted(places.items(), key=lambda item: _sort_key(item[0]))
        if len(rows) >= MIN_ROWS
    ]


def measure_slices(
    texts: Sequence[str] | None, languages: Sequence[str | None] | None, measure: Measure
) -> dict[str, list[Slice]]:
    """Return the slices `length` and `language`; empty lists where texts or languages are not given."""
    by_length: list[str | None] = []
    if texts is not None:
        known = languages if languages is not None else [None] * len(texts)
        by_length = [name_length(text, language) for text, language in zip(texts, known, strict=True)]
    return {"length": measure_by_name(by_length, measure), "language": measure_by_name(languages or [], measure)}


def _sort_key(name: str) -> tuple[str, int, str]:
    """Sort `characters` before `words`, and bins by their lower end."""
    number = re.match(r"\d+", name)
    return (name.split(" ")[-1], int(number.group()), "") if number else ("", 0, name)
