"""Size against quality of several models, with the Pareto front: the models that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, draw_frame, format_ticks
from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_polyline, estimate_text_width

HEIGHT = 270.0
# The chart is a file of its own, without the style sheet of the report.
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#555}.grid{stroke:#ddd}.axis{stroke:#999}"
    ".line{fill:none;stroke:#b3541e;stroke-width:2}.front{fill:#b3541e}.dominated{fill:#999}"
)


@dataclass(frozen=True)
class Point:
    """A model: size in megabytes, metric, name, and whether it is on the Pareto front."""

    megabytes: float
    value: float
    name: str
    on_front: bool


def draw_pareto_front_chart(points: Sequence[Point], *, y_title: str) -> Markup:
    """Return an SVG file: a dot for each model with its name as tooltip, a line through the front."""
    x_ticks = choose_ticks(
        min((p.megabytes for p in points), default=0.0), max((p.megabytes for p in points), default=1.0)
    )
    y_ticks = choose_ticks(min((p.value for p in points), default=0.0), max((p.value for p in points), default=1.0))
    left = 20 + max(estimate_text_width(label) for label in format_ticks(y_ticks))
    plot = Plot(Scale(x_ticks[0], x_ticks[-1], left, WIDTH - 16), Scale(y_ticks[0], y_ticks[-1], HEIGHT - 42, 36))
    front = sorted((p.megabytes, p.value) for p in points if p.on_front)
    parts = [
        build_element("style", Markup(STYLE)),
        draw_frame(plot, x_ticks, y_ticks, x_title="megabytes", y_title=y_title),
        draw_polyline(plot.map_points(front), class_="line"),
    ]
    for point in points:
        ((x, y),) = plot.map_points([(point.megabytes, point.value)])
        summary = f"{point.name}: {point.megabytes:.1f} MB, {point.value:.4f}"
        shape = "front" if point.on_front else "dominated"
        parts.append(build_element("circle", build_element("title", summary), cx=x, cy=y, r=4, class_=shape))
    summary = f"{len(points)} models by size and {y_title}; {len(front)} of them on the Pareto front"
    drawn = draw_figure(WIDTH, HEIGHT, *parts, key="front", title="Size and quality", description=summary)
    return Markup(str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
