"""`format_global_explanation`: lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from insula.core.sentences import pluralise
from insula.evaluation.reports.readable import format_percent, format_span
from insula.explanation.overview.document import GlobalExplanation, LabelWords, WordEffect
from insula.explanation.overview.sentences import SITUATIONS, describe_faithfulness, describe_rows, format_weight

SHOWN = 6  # words of each side
SHOWN_PHRASES = 2
MAX_WIDTH = 24  # cells of a word


def format_global_explanation(document: GlobalExplanation) -> Iterator[str]:
    """Yield the lines of a global explanation: for each label its surest words and phrases, then the interactions."""
    yield describe_rows(document)
    yield from document.notes
    for label in document.labels:
        yield ""
        yield (
            label.label
            if label.predicted is None
            else f"{label.label}  predicted for {pluralise(label.predicted, 'row')}"
        )
        yield from _format_label(label)
    known = [one for one in document.interactions if one.kept.value is not None]
    if known:
        yield ""
        yield "share of its weight that a word keeps (100%: nothing changes; below 0: it turns)"
    for one in known:
        yield (
            f"  {SITUATIONS[one.kind]:<14}{format_percent(one.kept.value):>7}  "
            f"({format_span(one.kept, format_percent)})  {pluralise(one.words, 'word')}"
        )
    yield ""
    yield describe_faithfulness(document)


def _format_label(label: LabelWords) -> Iterator[str]:
    sides: Sequence[tuple[str, Sequence[WordEffect]]] = (
        ("raised by", [*label.raises[:SHOWN], *label.raising_phrases[:SHOWN_PHRASES]]),
        ("lowered by", [*label.lowers[:SHOWN], *label.lowering_phrases[:SHOWN_PHRASES]]),
    )
    for title, effects in sides:
        yield f"  {title}" if effects else f"  {title} no word for sure"
        for one in effects:
            padding = " " * max(MAX_WIDTH - cell_len(one.text), 1)
            interval = format_span(one.weight, format_weight)
            counted = pluralise(one.texts, "text")
            yield f"    {format_weight(one.weight.value)}  {one.text}{padding}({interval})  {counted}"
    for change in label.changes[:SHOWN_PHRASES]:
        yield (
            f"  {change.text} {SITUATIONS[change.kind]}: {format_weight(change.changed)}, elsewhere "
            f"{format_weight(change.plain)}"
        )
