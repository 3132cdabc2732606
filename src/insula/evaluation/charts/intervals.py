"""Values as dots with intervals as whiskers, one row each: baselines, text lengths, languages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Scale, choose_ticks, format_ticks
from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_text, estimate_text_width

ROW, TOP, BOTTOM = 38.0, 8.0, 30.0


@dataclass(frozen=True)
class IntervalRow:
    """One row: a value with its interval, None where unknown, and a note below the label.

    span  names the interval, in the language of the page, with {low} and {high}
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    strong: bool = False
    span: str = "95% interval {low} to {high}"


def draw_interval_chart(
    rows: Sequence[IntervalRow],
    *,
    key: str,
    title: str,
    description: str = "",
    reference: float | None = None,
    value_text: Callable[[float], str] | None = None,
) -> Markup:
    """Return dots with whiskers on a shared axis.

    reference   a dashed line, such as the value of all rows
    value_text  writes a value (default: with three decimals)
    """
    write = value_text or _format_number
    known = [number for row in rows for number in (row.value, row.low, row.high) if number is not None]
    known += [reference] if reference is not None else []
    marks = choose_ticks(min(known), max(known)) if known else [0.0, 0.5, 1.0]
    widest = max((max(estimate_text_width(row.label), estimate_text_width(row.note, 11)) for row in rows), default=0.0)
    left = 4 + min(150.0, widest) + 16
    x = Scale(marks[0], marks[-1], left, WIDTH - 60)
    bottom = TOP + ROW * len(rows)

    parts = []
    labels = format_ticks(marks)
    room = (x.end - x.start) / max(1, len(marks) - 1)
    # With a wide left column only every second (third, ...) tick has space for its label.
    step = math.ceil((max(map(estimate_text_width, labels)) + 6) / room)
    for index, (value, label) in enumerate(zip(marks, labels, strict=True)):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=TOP, y2=bottom, class_="grid"))
        if index % step == 0:
            parts.append(draw_text(label, x(value), bottom + 18, text_anchor="middle", class_="tick"))
    if reference is not None:
        parts.append(
            build_element(
                "line", x1=x(reference), x2=x(reference), y1=TOP, y2=bottom, class_="reference", stroke_dasharray=4
            )
        )
    parts.extend(_draw_row(row, TOP + ROW * (index + 0.5), x, left, write) for index, row in enumerate(rows))
    summary = "; ".join(f"{row.label}: {_write(row.value, write)}" for row in rows)
    return draw_figure(WIDTH, bottom + BOTTOM, *parts, key=key, title=title, description=description or summary)


def _draw_row(row: IntervalRow, y: float, x: Scale, left: float, write: Callable[[float], str]) -> Markup:
    strength = "strong" if row.strong else "plain"
    label_y = y - 2 if row.note else y + 4
    parts = [draw_text(row.label, 4, label_y, room=left - 16, class_=f"label {strength}")]
    if row.note:
        parts.append(draw_text(row.note, 4, y + 12, room=left - 16, font_size=11, class_="note"))
    if row.low is not None and row.high is not None:
        ends = f"M{x(row.low):.2f},{y - 6:.2f}v12M{x(row.high):.2f},{y - 6:.2f}v12"
        parts.append(
            build_element("path", d=f"M{x(row.low):.2f},{y:.2f}H{x(row.high):.2f}{ends}", class_=f"whisker {strength}")
        )
    if row.value is not None:
        parts.append(
            build_element("circle", cx=x(row.value), cy=y, r=4.5 if row.strong else 3.5, class_=f"dot {strength}")
        )
    parts.append(draw_text(_write(row.value, write), WIDTH - 4, y + 4, text_anchor="end", class_=f"value {strength}"))
    summary = f"{row.label}: {_write(row.value, write)}"
    if row.low is not None and row.high is not None:
        summary += f" ({row.span.format(low=write(row.low), high=write(row.high))})"
    return build_element("g", build_element("title", summary), *parts)


def _write(value: float | None, write: Callable[[float], str]) -> str:
    return "–" if value is None else write(value)


def _format_number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
