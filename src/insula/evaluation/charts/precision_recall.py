"""The precision-recall curve of one label, as one of many small charts."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale
from insula.evaluation.charts.svg import build_element, downsample, draw_figure, draw_polyline, draw_text

WIDTH, HEIGHT = 180.0, 150.0


def draw_precision_recall_chart(
    label: str,
    recall: Sequence[float],
    precision: Sequence[float],
    *,
    key: str,
    average_precision: float | None = None,
    prevalence: float | None = None,
) -> Markup:
    """Return the curve of one label; the dashed line is the `prevalence`, the precision of random guessing."""
    plot = Plot(Scale(0.0, 1.0, 24, WIDTH - 8), Scale(0.0, 1.0, HEIGHT - 20, 26))
    pairs = [[r, p] for r, p in zip(recall, precision, strict=False)]
    places = plot.map_points(downsample(sorted(pairs, key=lambda pair: (pair[0], -pair[1])), 60))
    base, top, left, right = plot.y.start, plot.y.end, plot.x.start, plot.x.end
    parts = [
        draw_text(label, 4, 15, room=WIDTH - 62, class_="label strong"),
        build_element("path", d=f"M{left},{top}V{base}H{right}", class_="axis open"),
        build_element("line", x1=left, x2=right, y1=plot.y(0.5), y2=plot.y(0.5), class_="grid"),
    ]
    parts += [
        draw_text(words, left - 5, plot.y(value) + 4, font_size=11, text_anchor="end", class_="tick")
        for words, value in (("0", 0.0), ("1", 1.0))
    ]
    parts.append(draw_text("1", right, base + 14, font_size=11, text_anchor="end", class_="tick"))
    parts.append(draw_text("recall", (left + right) / 2, base + 14, font_size=11, text_anchor="middle", class_="tick"))
    if prevalence is not None:
        y = plot.y(prevalence)
        parts.append(build_element("line", x1=left, x2=right, y1=y, y2=y, class_="reference", stroke_dasharray=3))
    if len(places) > 1:
        area = [(places[0][0], base), *places, (places[-1][0], base)]
        parts.append(build_element("polygon", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in area), class_="area"))
    parts.append(draw_polyline(places, class_="line first"))
    summary = f"Precision against recall for {label}"
    if average_precision is not None:
        parts.append(
            draw_text(f"AP {average_precision:.3f}", WIDTH - 6, 15, font_size=11, text_anchor="end", class_="note")
        )
        summary += f"; average precision {average_precision:.3f}"
    return draw_figure(WIDTH, HEIGHT, *parts, key=key, title=f"{label}: precision and recall", description=summary)
