"""F1 of every label as bars, with precision and recall as marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Scale, format_ticks
from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_text, estimate_text_width

ROW, TOP = 22.0, 46.0


@dataclass(frozen=True)
class LabelScore:
    """The metrics of one label; `support` is its number of gold rows."""

    label: str
    f1: float | None
    precision: float | None
    recall: float | None
    support: int | None


def draw_label_bars(scores: Sequence[LabelScore], *, key: str, title: str) -> Markup:
    """Return one row per label, in the given order."""
    left = 4 + min(130.0, max((estimate_text_width(score.label) for score in scores), default=0.0)) + 10
    widest = max((estimate_text_width(_format_support(score.support)) for score in scores), default=0.0)
    right = WIDTH - 58 - max(widest, estimate_text_width("rows"))
    x = Scale(0.0, 1.0, left, right)
    bottom = TOP + ROW * len(scores)
    marks = [0.0, 0.5, 1.0]

    parts = [_draw_legend(left)]
    for value, label in zip(marks, format_ticks(marks), strict=True):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=TOP, y2=bottom, class_="grid"))
        parts.append(draw_text(label, x(value), bottom + 18, text_anchor="middle", class_="tick"))
    parts.append(draw_text("F1", right + 42, TOP - 6, text_anchor="end", class_="axis-title"))
    parts.append(draw_text("rows", WIDTH - 4, TOP - 6, text_anchor="end", class_="axis-title"))
    parts.extend(_draw_row(score, TOP + ROW * (index + 0.5), x) for index, score in enumerate(scores))
    summary = "; ".join(f"{score.label} {_format_number(score.f1)}" for score in scores)
    return draw_figure(WIDTH, bottom + 26, *parts, key=key, title=title, description=f"F1 by label: {summary}")


def _draw_row(score: LabelScore, y: float, x: Scale) -> Markup:
    summary = (
        f"{score.label}: F1 {_format_number(score.f1)}, precision {_format_number(score.precision)}, recall "
        f"{_format_number(score.recall)}"
    )
    parts = [
        build_element("title", summary),
        draw_text(score.label, x.start - 8, y + 4, room=130.0, text_anchor="end", class_="label"),
    ]
    parts.append(
        build_element("rect", x=x.start, y=y - 6, width=x(score.f1 or 0.0) - x.start, height=12, rx=2, class_="bar")
    )
    if score.precision is not None:
        parts.append(build_element("circle", cx=x(score.precision), cy=y, r=3.5, class_="mark hollow"))
    if score.recall is not None:
        parts.append(build_element("path", d=_draw_diamond(x(score.recall), y), class_="mark full"))
    parts.append(draw_text(_format_number(score.f1), x.end + 42, y + 4, text_anchor="end", class_="value"))
    parts.append(draw_text(_format_support(score.support), WIDTH - 4, y + 4, text_anchor="end", class_="note"))
    return build_element("g", *parts)


def _draw_legend(left: float) -> Markup:
    return build_element(
        "g",
        build_element("rect", x=left, y=8, width=16, height=10, rx=2, class_="bar"),
        draw_text("F1", left + 22, 17, class_="label"),
        build_element("circle", cx=left + 58, cy=13, r=3.5, class_="mark hollow"),
        draw_text("precision", left + 66, 17, class_="label"),
        build_element("path", d=_draw_diamond(left + 138, 13), class_="mark full"),
        draw_text("recall", left + 146, 17, class_="label"),
    )


def _draw_diamond(x: float, y: float) -> str:
    return f"M{x - 4:.2f},{y:.2f}l4,-4l4,4l-4,4z"


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _format_support(support: int | None) -> str:
    return "" if support is None else f"{support:,}"
