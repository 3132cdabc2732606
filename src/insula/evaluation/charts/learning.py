"""Learning curves: losses and metrics during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, draw_frame, format_ticks
from insula.evaluation.charts.svg import (
    WIDTH,
    build_element,
    downsample,
    draw_figure,
    draw_polyline,
    draw_text,
    estimate_text_width,
)

HEIGHT = 270.0


@dataclass(frozen=True)
class Series:
    """A line; `points` are (x, y) in order of x; `style` is a class of the style sheet: first, second or rest.

    A series without a name is not in the legend.
    """

    name: str
    points: list[list[float]]
    style: str = "first"


def draw_learning_chart(series: Sequence[Series], *, key: str, title: str, x_title: str, y_title: str) -> Markup:
    """Return the lines on shared axes, each with at most 200 points."""
    series = [Series(line.name, downsample(line.points, 200), line.style) for line in series if line.points]
    xs = [point[0] for line in series for point in line.points]
    ys = [point[1] for line in series for point in line.points]
    x_ticks = choose_ticks(min(xs, default=0.0), max(xs, default=1.0))
    y_ticks = choose_ticks(min(ys, default=0.0), max(ys, default=1.0))
    left = 20 + max(estimate_text_width(label) for label in format_ticks(y_ticks))
    plot = Plot(
        Scale(min(xs, default=x_ticks[0]), max(xs, default=x_ticks[-1]), left, WIDTH - 16),
        Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42, 36),
    )
    if plot.x.high > plot.x.low:  # the lines fill the width: no ticks beyond the last step
        x_ticks = [tick for tick in x_ticks if plot.x.low - 1e-9 <= tick <= plot.x.high + 1e-9]
    else:
        x_ticks = [plot.x.low]
    parts = [draw_frame(plot, x_ticks, y_ticks, x_title=x_title, y_title=y_title)]
    end = WIDTH - 16
    for line in reversed([line for line in series if line.name]):
        name_start = end - estimate_text_width(line.name)
        parts.append(draw_text(line.name, end, 24, text_anchor="end", class_="label"))
        parts.append(
            build_element("line", x1=name_start - 24, x2=name_start - 6, y1=20, y2=20, class_=f"line {line.style}")
        )
        end = name_start - 40
    for line in series:
        places = plot.map_points(line.points)
        parts.append(draw_polyline(places, class_=f"line {line.style}"))
        if line.style == "second" and 1 < len(places) <= 40:
            parts.extend(build_element("circle", cx=x, cy=y, r=3, class_=f"dot {line.style}") for x, y in places)
    summary = "; ".join(
        f"{line.name} from {line.points[0][1]:.3f} to {line.points[-1][1]:.3f}" for line in series if line.name
    )
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title=title, description=summary)
