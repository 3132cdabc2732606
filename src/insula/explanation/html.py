"""`shade_text`: a text with its words coloured by their weights, as HTML without scripts or style sheets."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from insula.evaluation.reports.marked_text import FAINT

FOR, AGAINST = "0,90,181", "220,90,0"  # blue and orange, which people with any colour vision tell apart
STRONGEST = 0.55  # opacity of the largest weight


def shade_text(
    text: str,
    spans: Sequence[tuple[int, int]],
    weights: Sequence[float],
    notes: Sequence[str],
    *,
    heading: str,
    score: float,
    caption: str,
) -> str:
    """Return one block: heading and score, the text with each word shaded, its sign as a mark, its weight and its
    note as a tooltip, and a caption."""
    largest = max((abs(weight) for weight in weights), default=0.0)
    end, pieces = 0, []
    for (start, stop), weight, note in zip(spans, weights, notes, strict=True):
        pieces += [escape(text[end:start]), _shade_word(text[start:stop], weight, note, largest)]
        end = stop
    pieces.append(escape(text[end:]))
    below = f'<div style="color:#666;font-size:85%">{escape(caption)}</div>' if caption else ""
    return (
        f'<div style="margin:.4em 0"><b>{escape(heading)}</b> {score:.2f}'
        f'<div style="line-height:1.9" dir="auto">{"".join(pieces)}</div>{below}</div>'
    )


def _shade_word(word: str, weight: float, note: str, largest: float) -> str:
    share = abs(weight) / largest if largest else 0.0
    if share < FAINT:
        return escape(word)
    colour, sign = (FOR, "+") if weight > 0 else (AGAINST, "−")
    return (
        f'<span style="background:rgba({colour},{STRONGEST * share:.2f});border-radius:3px;padding:0 2px" '
        f'title="{escape(f"{weight:+.3f} {note}".strip())}">{escape(word)}<sup>{sign}</sup></span>'
    )
