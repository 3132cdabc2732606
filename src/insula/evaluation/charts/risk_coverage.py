"""The risk-coverage curve: error rate against the share of rows on which the model does not abstain."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, draw_frame, format_percents
from insula.evaluation.charts.svg import (
    WIDTH,
    build_element,
    downsample,
    draw_figure,
    draw_polyline,
    estimate_text_width,
)

HEIGHT = 300.0


def draw_risk_coverage_chart(
    curve: Sequence[Sequence[float]], *, key: str, chosen: tuple[float, float] | None = None
) -> Markup:
    """Return the error rate (risk) against the share of answered rows (coverage); `chosen` is the rule in use."""
    pairs = downsample(sorted([[float(c), float(r)] for c, r in curve]), 200)
    highest = max([pair[1] for pair in pairs] + ([chosen[1]] if chosen else []), default=0.0)
    y_ticks = choose_ticks(0.0, highest or 1.0)
    left = 20 + max(estimate_text_width(label) for label in format_percents(y_ticks))
    plot = Plot(Scale(0.0, 1.0, left, WIDTH - 22), Scale(0.0, y_ticks[-1], HEIGHT - 42, 34))
    parts = [
        draw_frame(
            plot, [0.0, 0.25, 0.5, 0.75, 1.0], y_ticks, x_title="share of rows answered",
            y_title="error rate of answered rows", x_text=format_percents, y_text=format_percents,
        )
    ]  # fmt: skip
    parts.append(draw_polyline(plot.map_points(pairs), class_="line first"))
    summary = "Error rate of answered rows against the share of rows answered"
    if chosen is not None:
        ((x, y),) = plot.map_points([chosen])
        words = f"in use: {100 * chosen[0]:.0f}% answered, {100 * chosen[1]:.1f}% errors"
        summary += f"; {words}"
        parts.append(build_element("line", x1=x, x2=x, y1=y, y2=plot.y.start, class_="reference", stroke_dasharray=4))
        parts.append(build_element("circle", build_element("title", words), cx=x, cy=y, r=5.5, class_="dot second"))
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title="Risk and coverage", description=summary)
