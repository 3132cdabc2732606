"""The page of a comparison: which side is better, by how much, on which labels, slices and texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from insula.core.files import write_text
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.comparison_document import (
    ComparedExample,
    ComparedSide,
    ComparisonDocument,
    LabelDifference,
    SliceDifference,
)
from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title, sort_metric_names
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import (
    format_count,
    format_percent,
    format_score,
    format_signed,
    format_span,
    name_language,
)
from insula.evaluation.reports.sanitize import sanitize_document
from insula.evaluation.result import Difference

MAX_NAMES = 60
SPLIT_ABOVE = 10  # labels; more are drawn in two charts


def write_comparison(path: str | Path, document: ComparisonDocument) -> None:
    """Write the page of a comparison as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_comparison(document))


def render_comparison(document: ComparisonDocument) -> str:
    """Return the page that `write_comparison` writes."""
    document = sanitize_document(document)
    difference, title = document.main.difference, get_metric_title(document.headline)
    return render_page(
        "comparison.html.j2",
        created=(document.created or "")[:10],
        a=document.a,
        b=document.b,
        headline=title,
        meaning=get_metric_meaning(document.headline),
        value=format_signed(difference.value),
        interval=format_span(difference, format_signed),
        verdict=describe_verdict(document),
        rows=format_count(document.rows),
        sides=_draw_sides(document, title),
        notes=document.data.notes,
        facts=_list_facts(document),
        metrics=[
            _format_row(get_metric_title(name), document.metrics[name])
            for name in sort_metric_names(list(document.metrics))
        ],
        names=_draw_name_figures(document),
        name_rows=[_format_row(name, found, found.support) for name, found in document.by_name.items()],
        dimensional=document.scheme.is_dimensional,
        slices=_draw_slice_figures(document, title),
        examples={
            "only_a": [_format_example(one) for one in document.examples.only_a],
            "only_b": [_format_example(one) for one in document.examples.only_b],
        },
        models=[("a", one) for one in document.a.models] + [("b", one) for one in document.b.models],
        command=document.command,
    )


def describe_verdict(document: ComparisonDocument) -> str:
    """Return one sentence: which side is better by the headline metric, or that the difference is not significant."""
    found, title = document.main, get_metric_title(document.headline)
    if found.difference.value is None:
        return f"{title} is not defined on these rows."
    rows = "This row" if document.rows == 1 else f"These {format_count(document.rows)} rows"
    values = f"{format_score(found.a)} for A, {format_score(found.b)} for B"
    if not found.difference.excludes_zero:
        return f"{rows} cannot tell which is better: {title} is {values}."
    better = "B" if found.difference.value > 0 else "A"
    return f"{better} is better: {title} is {values} on the same {format_count(document.rows)} rows."


def _list_facts(document: ComparisonDocument) -> list[tuple[str, str]]:
    facts = [("rows compared on", format_count(document.rows))]
    if document.data.left_out:
        facts.append(("rows left out: in training data", format_count(document.data.left_out)))
    test = document.mcnemar
    if test is not None:
        facts += [("only A correct", format_count(test.only_a)), ("only B correct", format_count(test.only_b))]
        facts.append(("McNemar p", "below 0.001" if test.p < 0.001 else format_score(test.p)))
    for name, side in (("A", document.a), ("B", document.b)):
        values = [one.headline for one in side.models if one.headline is not None]
        if len(values) > 1:
            facts.append((f"seeds of {name}", ", ".join(format_score(value) for value in values)))
    return facts


def _draw_sides(document: ComparisonDocument, title: str) -> Figure:
    rows = [
        IntervalRow(f"{name}: {side.name}", side.headline.value, side.headline.low, side.headline.high,
                    note=_describe_seeds(side), strong=name == "B")
        for name, side in (("A", document.a), ("B", document.b))
    ]  # fmt: skip
    svg = draw_interval_chart(rows, key="sides", title=f"{title} of both sides")
    caption = f"{title[:1].upper()}{title[1:]} with 95% intervals of each side."
    return Figure("Each side alone", svg, f"{caption} The paired difference on the left has a narrower interval.")


def _describe_seeds(side: ComparedSide) -> str:
    return f"mean of {len(side.models)} models" if len(side.models) > 1 else ""


def _draw_name_figures(document: ComparisonDocument) -> list[Figure]:
    """Charts of the difference of each label (dimension), largest gain of B first."""
    rows = [_build_interval_row(name, found) for name, found in list(document.by_name.items())[:MAX_NAMES]]
    rows.sort(key=lambda row: -math.inf if row.value is None else row.value, reverse=True)
    if not rows:
        return []
    what = "Pearson r" if document.scheme.is_dimensional else "F1"
    half = math.ceil(len(rows) / 2) if len(rows) > SPLIT_ABOVE else len(rows)
    titles = (
        ("Largest gains of B", "Smallest gains and losses of B") if half < len(rows) else (f"{what}, B minus A", "")
    )
    caption = f"{what} of B minus A with 95% intervals; the dashed line is no difference."
    return [
        Figure(title, draw_interval_chart(part, key=f"names-{title}", title=f"{what}: {title}", reference=0.0), caption)
        for part, title in zip((rows[:half], rows[half:]), titles, strict=True)
        if part
    ]


def _draw_slice_figures(document: ComparisonDocument, title: str) -> list[Figure]:
    figures = []
    for name, parts in document.slices.items():
        rows = [
            _build_interval_row(
                name_language(part.name) if name == "language" else part.name, part, format_count(part.rows)
            )
            for part in parts
        ]
        if rows:
            svg = draw_interval_chart(rows, key=f"slice-{name}", title=f"{title} by {name}, B minus A", reference=0.0)
            figures.append(
                Figure(f"By {name}", svg, f"{title[:1].upper()}{title[1:]}, B minus A; number of rows in brackets.")
            )
    return figures


def _build_interval_row(name: str, found: LabelDifference | SliceDifference, rows: str = "") -> IntervalRow:
    difference = found.difference
    note = f"{format_score(found.a)} → {format_score(found.b)}" + (f" ({rows})" if rows else "")
    return IntervalRow(
        name, difference.value, difference.low, difference.high, note=note, strong=difference.excludes_zero
    )


def _format_row(
    title: str, found: Difference | LabelDifference, support: int | None = None
) -> tuple[str, str, str, str, str, str]:
    difference = found.difference
    rows = "" if support is None else format_count(support)
    return (
        title,
        format_score(found.a),
        format_score(found.b),
        format_signed(difference.value),
        format_span(difference, format_signed),
        rows,
    )


def _format_example(row: ComparedExample) -> dict[str, str]:
    def format_answer(answer: Sequence[str]) -> str:
        return ", ".join(answer) or "nothing"

    sure = "" if row.confidence is None else format_percent(row.confidence)
    return {
        "text": row.text,
        "gold": format_answer(row.gold),
        "a": format_answer(row.a),
        "b": format_answer(row.b),
        "sure": sure,
    }
