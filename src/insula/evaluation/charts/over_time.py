"""Lines over time: a share, a mean or a count for each window, with marks where something began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, draw_frame, format_ticks
from insula.evaluation.charts.svg import (
    WIDTH,
    build_element,
    downsample,
    draw_figure,
    draw_polyline,
    estimate_text_width,
)

HEIGHT = 200.0
MAX_POINTS = 300
DAY = 86400.0
Point = tuple[datetime, float]


def draw_time_chart(
    points: Sequence[Point],
    *,
    key: str,
    title: str,
    y_title: str = "",
    y_text: Callable[[Sequence[float]], list[str]] = format_ticks,
    marks: Sequence[datetime] = (),
    low: float | None = 0.0,
    high: float | None = None,
    band: Sequence[tuple[float, float]] = (),
) -> Markup:
    """Return a line of at most 300 points, with vertical lines at the marks.

    low, high  ends of the axis if all values are between them; None fits it to the values
    band       the interval of each point, shown as an area behind the line
    """
    rows = [[moment.timestamp(), value] for moment, value in points]
    kept = downsample([[*row, *limits] for row, limits in zip(rows, band, strict=True)] if band else rows, MAX_POINTS)
    values = [row[1] for row in kept] or [0.0]
    times = [row[0] for row in kept] or [0.0]
    shown = [value for row in kept for value in row[1:]] or [0.0]
    ends = [one for one in (low, high) if one is not None]
    y_ticks = choose_ticks(min([*shown, *ends]), max([*shown, *ends]), 4)
    left = 20 + max(estimate_text_width(label) for label in y_text(y_ticks))
    plot = Plot(Scale(times[0], times[-1], left, WIDTH - 22), Scale(y_ticks[0], y_ticks[-1], HEIGHT - 34, 30))
    x_ticks = [times[0], (times[0] + times[-1]) / 2, times[-1]] if times[-1] > times[0] else [times[0]]
    begun = [plot.x(mark.timestamp()) for mark in marks if times[0] <= mark.timestamp() <= times[-1]]
    style = {"class_": "line second", "stroke_dasharray": "3 4"}
    parts = [
        draw_frame(plot, x_ticks, y_ticks, x_title="", y_title=y_title, x_text=_format_times, y_text=y_text),
        _draw_band(plot, kept) if band else "",
        *(build_element("line", x1=x, x2=x, y1=plot.y.start, y2=plot.y.end, **style) for x in begun),
        draw_polyline(plot.map_points(kept), class_="line first"),
    ]
    said = y_text([values[0], values[-1], max(values), min(values)])
    description = f"from {said[0]} to {said[1]}; highest {said[2]}, lowest {said[3]}"
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title=title, description=description)


def _draw_band(plot: Plot, rows: Sequence[Sequence[float]]) -> Markup:
    """Return the area between the ends of the intervals; of a single point a whisker."""
    if len(rows) == 1:
        x, (_, _, low, high) = plot.x(rows[0][0]), rows[0]
        return build_element("line", x1=x, x2=x, y1=plot.y(low), y2=plot.y(high), class_="whisker strong")
    above = plot.map_points([(row[0], row[3]) for row in rows])
    below = plot.map_points([(row[0], row[2]) for row in reversed(rows)])
    return build_element("polygon", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in [*above, *below]), class_="area")


def _format_times(values: Sequence[float]) -> list[str]:
    """Return days, or times of the day if all are within two days."""
    form = "%H:%M" if len(values) < 2 or values[-1] - values[0] <= 2 * DAY else "%m-%d"
    if form == "%H:%M" and len(values) > 1 and values[-1] - values[0] > DAY / 2:
        form = "%d. %H:%M"
    return [datetime.fromtimestamp(value, UTC).strftime(form) for value in values]
