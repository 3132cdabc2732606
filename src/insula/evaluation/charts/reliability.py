"""The reliability diagram: are eight in ten predictions with probability 0.8 correct?"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, draw_frame, format_percents
from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_polyline, draw_text
from insula.evaluation.result import ReliabilityBin

HEIGHT, STRIP = 340.0, 44.0


def draw_reliability_chart(
    bins: Sequence[ReliabilityBin],
    *,
    key: str,
    x_title: str = "confidence",
    y_title: str = "accuracy",
) -> Markup:
    """Return accuracy against confidence for each bin, with row counts in a strip below; empty bins are skipped."""
    filled = [
        (one, one.confidence, one.accuracy)
        for one in bins
        if one.count and one.confidence is not None and one.accuracy is not None
    ]
    base = HEIGHT - 42 - STRIP
    plot = Plot(Scale(0.0, 1.0, 52, WIDTH - 22), Scale(0.0, 1.0, base, 34))
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    parts = [draw_frame(plot, [], marks, x_title="", y_title=y_title, y_text=format_percents)]
    diagonal = plot.map_points([[0, 0], [1, 1]])
    parts.append(draw_polyline(diagonal, class_="reference", stroke_dasharray="4"))
    largest = max((float(one.count) for one, *_ in filled), default=1.0)
    places = plot.map_points([[confidence, accuracy] for _, confidence, accuracy in filled])
    for (x, y), (_, confidence, _) in zip(places, filled, strict=True):
        parts.append(build_element("line", x1=x, x2=x, y1=y, y2=plot.y(confidence), class_="gap"))
    if len(places) > 1:
        parts.append(draw_polyline(places, class_="line first"))
    strip_top, strip_base = base + 10, base + STRIP
    for (x, y), (one, confidence, accuracy) in zip(places, filled, strict=True):
        summary = f"confidence {100 * confidence:.0f}%: accuracy {100 * accuracy:.1f}% of {one.count:,} rows"
        parts.append(build_element("circle", build_element("title", summary), cx=x, cy=y, r=4.5, class_="dot strong"))
        low, high = plot.x(one.low), plot.x(one.high)
        height = max(1.0, (strip_base - strip_top) * one.count / largest)
        width = max(1.0, high - low - 2)
        title = build_element("title", summary)
        parts.append(
            build_element("rect", title, x=low + 1, y=strip_base - height, width=width, height=height, class_="bar")
        )
    parts.append(draw_text("rows", 44, strip_base - 4, text_anchor="end", class_="tick"))
    below = Plot(plot.x, Scale(0.0, 1.0, strip_base, strip_top))
    parts.append(draw_frame(below, marks, [], x_title=x_title, y_title="", x_text=format_percents))
    summary = "; ".join(
        f"confidence {100 * stated:.0f}%, accuracy {100 * observed:.0f}%" for _, stated, observed in filled
    )
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title="Reliability diagram", description=summary)
