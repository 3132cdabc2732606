"""The page of a global explanation: for each label its words, phrases, changes and examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from insula.core.files import write_text
from insula.core.sentences import pluralise
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.marked_text import get_side, mark_words
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_duration, format_percent, format_span
from insula.evaluation.reports.sanitize import sanitize_document
from insula.evaluation.result import Interval
from insula.explanation.overview.document import ExampleText, GlobalExplanation, LabelWords, WordChange, WordEffect
from insula.explanation.overview.sentences import (
    SITUATIONS,
    describe_faithfulness,
    describe_reading,
    describe_rows,
    format_weight,
)

OPEN_LABELS = 4  # with more, labels are folded
SUMMARISED = 3  # words of each side in the line of a folded label


def write_global_explanation(path: str | Path, document: GlobalExplanation) -> None:
    """Write the page as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_global_explanation(document))


def render_global_explanation(document: GlobalExplanation) -> str:
    """Return the page that `write_global_explanation` writes."""
    document = sanitize_document(document)
    return render_page(
        "global.html.j2",
        created=(document.created or "")[:10],
        model=document.model,
        data=document.data,
        sentence=describe_rows(document),
        reading=describe_reading(document),
        faithfulness=describe_faithfulness(document),
        notes=document.notes,
        interactions=_draw_interactions(document),
        facts=_list_facts(document),
        labels=[_build_label(one) for one in document.labels],
        folded=len(document.labels) > OPEN_LABELS,
        command=document.command,
    )


def _draw_interactions(document: GlobalExplanation) -> Figure | None:
    rows = [
        IntervalRow(
            SITUATIONS[one.kind], one.kept.value, one.kept.low, one.kept.high, note=pluralise(one.words, "word")
        )
        for one in document.interactions
        if one.kept.value is not None
    ]
    if not rows:
        return None
    svg = draw_interval_chart(rows, key="kept", title="Share of its weight that a word keeps", reference=1.0)
    caption = (
        "Share of the weight that a word keeps there, over all labels, with 95% intervals. Dashed: 1, nothing "
        "changes. At 0 the word no longer counts; below 0 it speaks for the opposite."
    )
    return Figure("Words in context", svg, caption)


def _list_facts(document: GlobalExplanation) -> list[tuple[str, str]]:
    return [
        ("rows explained", format_count(document.rows)),
        ("rows available", format_count(document.available)),
        ("words counted", format_count(document.vocabulary)),
        ("method", document.method),
        ("seed", str(document.seed)),
        ("time", format_duration(document.seconds)),
    ]


def _build_label(label: LabelWords) -> dict[str, Any]:
    sides = [
        f"{verb} {', '.join(one.text for one in rows[:SUMMARISED])}"
        for verb, rows in (("raised by", label.raises), ("lowered by", label.lowers))
        if rows
    ]
    keep_all = (label.raises, label.lowers, label.raising_phrases, label.lowering_phrases)
    largest = max((abs(one.weight.value or 0.0) for rows in keep_all for one in rows), default=1.0)
    effects = [[_build_effect(one, largest) for one in rows] for rows in keep_all]
    return {
        "name": label.label,
        "predicted": "" if label.predicted is None else f"Predicted for {pluralise(label.predicted, 'row')}.",
        "summary": "; ".join(sides) or "no word is sure to raise or lower it",
        **dict(zip(("raises", "lowers", "raising_phrases", "lowering_phrases"), effects, strict=True)),
        "changes": [_build_change(one) for one in label.changes],
        "examples": [_build_example(one) for one in label.examples],
    }


def _build_effect(effect: WordEffect, largest: float) -> dict[str, str]:
    value = effect.weight.value or 0.0
    return {
        "text": effect.text,
        "side": get_side(value),
        "bar": f"{100 * abs(value) / largest:.1f}",
        "weight": format_weight(value),
        "interval": format_span(effect.weight, format_weight),
        "texts": format_count(effect.texts),
    }


def _build_change(change: WordChange) -> dict[str, str]:
    difference = change.difference
    return {
        "text": change.text,
        "where": SITUATIONS[change.kind],
        "changed": format_weight(change.changed),
        "plain": format_weight(change.plain),
        "difference": format_weight(difference.value or 0.0),
        "interval": format_span(Interval(None, difference.low, difference.high), format_weight),
        "changed_texts": format_count(change.changed_texts),
        "plain_texts": format_count(change.plain_texts),
    }


def _build_example(example: ExampleText) -> dict[str, Any]:
    spans = [(word.start, word.end) for word in example.words]
    pieces = list(mark_words(example.text, spans, [word.weight for word in example.words]))
    return {
        "pieces": pieces,
        "score": format_percent(example.score) if 0 <= example.score <= 1 else f"{example.score:.2f}",
    }
