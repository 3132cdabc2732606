"""The scores of the trials of a search by the value of one option."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from insula.evaluation.charts.axes import Plot, Scale, choose_ticks, format_ticks
from insula.evaluation.charts.svg import build_element, draw_figure, draw_text, estimate_text_width

WIDE, HIGH = 240.0, 190.0


def draw_option_values_chart(
    name: str, values: Sequence[float | str], scores: Sequence[float], *, key: str, log: bool = False
) -> Markup:
    """Return one dot per trial: the value on the x axis, numeric or by category, and the score on the y axis.

    `values` are all numbers or all strings. The best dot is highlighted and drawn last.
    """
    y_ticks = choose_ticks(min(scores, default=0.0), max(scores, default=1.0), 4)
    left = 16 + max(estimate_text_width(label) for label in format_ticks(y_ticks))
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) == len(values):
        places = [math.log10(value) if log else float(value) for value in numbers]
        marks = (
            [(place, f"{10**place if log else place:.3g}") for place in (min(places), max(places))] if places else []
        )
        low, high = (min(places), max(places)) if places else (0.0, 1.0)
    else:
        names = list(dict.fromkeys(map(str, values)))
        places = [float(names.index(str(value))) for value in values]
        marks = [(float(index), word) for index, word in enumerate(names)]
        low, high = -0.5, len(names) - 0.5
    plot = Plot(Scale(low, high, left + 6, WIDE - 16), Scale(y_ticks[0], y_ticks[-1], HIGH - 34, 34))
    parts = [draw_text(name, 6, 18, room=WIDE - 12, class_="label strong")]
    for value, label in zip(y_ticks, format_ticks(y_ticks), strict=True):
        parts.append(build_element("line", x1=left, x2=WIDE - 10, y1=plot.y(value), y2=plot.y(value), class_="grid"))
        parts.append(draw_text(label, left - 6, plot.y(value) + 4, text_anchor="end", class_="tick"))
    room = (WIDE - left) / max(1, len(marks))
    for index, (place, label) in enumerate(dict(marks).items()):
        words = len(numbers) != len(values)
        anchor = "middle" if words or len(dict(marks)) == 1 else "start" if index == 0 else "end"
        shift = {"start": -6, "end": 6, "middle": 0}[anchor]
        parts.append(
            draw_text(
                label, plot.x(place) + shift, HIGH - 12, room=room, text_anchor=anchor, font_size=11, class_="tick"
            )
        )
    best = max(scores, default=0.0)
    for place, tried, score in sorted(zip(places, values, scores, strict=True), key=lambda dot: dot[2]):
        ((x, y),) = plot.map_points([(place, score)])
        strong = score == best
        summary = f"{tried if isinstance(tried, str) else format(tried, '.4g')}: {score:.4f}"
        parts.append(
            build_element(
                "circle", build_element("title", summary), cx=x, cy=y, r=4.5 if strong else 3.2,
                class_="dot strong" if strong else "dot plain",
            )
        )  # fmt: skip
    summary = f"score of {len(scores)} trials by {name}"
    return draw_figure(WIDE, HIGH, *parts, key=key, title=name, description=summary)
