"""`mark_words`: a text cut into pieces, of which the words with weights are marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FAINT = 0.05  # of the largest weight; weaker words stay plain
STEPS = 4  # strengths of a mark


@dataclass(frozen=True)
class Piece:
    """A piece of the text: `side` is `for`, `against`, or empty for what is not marked; `step` its strength, 1 to 4."""

    text: str
    side: str = ""
    step: int = 0


def mark_words(text: str, spans: Sequence[tuple[int, int]], weights: Sequence[float]) -> Iterator[Piece]:
    """Yield the pieces of a text; `spans` are start and end of each word, in order."""
    largest, end = max((abs(weight) for weight in weights), default=0.0), 0
    for (start, stop), weight in zip(spans, weights, strict=True):
        if start > end:
            yield Piece(text[end:start])
        step = get_step(weight, largest)
        yield Piece(text[start:stop], get_side(weight), step) if step else Piece(text[start:stop])
        end = stop
    if end < len(text):
        yield Piece(text[end:])


def get_step(weight: float, largest: float) -> int:
    """Return the strength of a mark, 0 for a word that stays plain."""
    share = abs(weight) / largest if largest else 0.0
    return 0 if share < FAINT else min(int(share * STEPS) + 1, STEPS)


def get_side(weight: float) -> str:
    """Return whether a weight is `for` or `against`."""
    return "for" if weight > 0 else "against"
