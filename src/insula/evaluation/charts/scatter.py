"""Predicted against gold values of one dimension."""

from __future__ import annotations

from collections.abc import Sequence

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

HEIGHT = 360.0
MAX_POINTS = 1500


def draw_scatter_chart(
    pairs: Sequence[Sequence[float]], *, key: str, name: str, limits: tuple[float, float] | None = None
) -> Markup:
    """Return one dot per row, gold on the x axis and predicted on the y axis; the dashed line is the identity.

    At most 1,500 evenly spaced rows are drawn. `limits` is the range of the dimension, that of the data if None.
    """
    drawn = downsample([[float(gold), float(predicted)] for gold, predicted in pairs], MAX_POINTS)
    values = [value for pair in drawn for value in pair] + list(limits or ())
    marks = choose_ticks(min(values, default=0.0), max(values, default=1.0))
    left = 20 + max(estimate_text_width(label) for label in format_ticks(marks))
    plot = Plot(Scale(marks[0], marks[-1], left, WIDTH - 16), Scale(marks[0], marks[-1], HEIGHT - 42, 34))
    dots = "".join(
        f"M{x:.1f},{y:.1f}h0" for x, y in plot.map_points(drawn)
    )  # a path takes a third of the bytes of circles
    parts = [
        draw_frame(plot, marks, marks, x_title="annotators", y_title=f"model: {name}"),
        draw_polyline(
            plot.map_points([[marks[0], marks[0]], [marks[-1], marks[-1]]]), class_="reference", stroke_dasharray=4
        ),
        build_element("path", d=dots, class_=f"cloud {'many' if len(drawn) > 400 else 'few'}") if dots else "",
    ]
    summary = f"{len(drawn):,} rows drawn, predicted against annotators' {name}"
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title=f"{name}: predicted and annotated", description=summary)
