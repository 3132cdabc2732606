"""Axes: scales, round ticks, the frame of a plot."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.svg import build_element, draw_text


@dataclass(frozen=True)
class Scale:
    """A linear map from data (`low` to `high`) to units on the page (`start` to `end`)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value; values outside are clipped."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


@dataclass(frozen=True)
class Plot:
    """The plotting area, with a scale for each axis."""

    x: Scale
    y: Scale

    def map_points(self, pairs: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        """Return the positions of data points."""
        return [(self.x(pair[0]), self.y(pair[1])) for pair in pairs]


def choose_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers (steps of 1, 2, 2.5 or 5 times a power of ten) that cover `low` to `high`."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return [0.0, 1.0]
    if high - low <= 1e-6 * max(1.0, abs(low), abs(high)):  # a single value, up to rounding
        room = 0.5 * max(abs(low), abs(high)) if abs(low) > 1e-3 else 0.5
        # Most single values are scores, which have no ticks above 1.
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low - room, high + room)
    rough = (high - low) / max(1, about - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return [index * step for index in range(first, last + 1)]


def format_ticks(values: Sequence[float]) -> list[str]:
    """Return tick labels with the same number of decimals; thousands as 10k, millions as 2M."""
    step = min((b - a for a, b in itertools.pairwise(values)), default=1.0)
    largest = max((abs(value) for value in values), default=0.0)
    divisor, unit = (1e6, "M") if largest >= 2e6 else (1e3, "k") if largest >= 1e4 else (1.0, "")
    digits = 0
    while digits < 9 and abs(round(step / divisor, digits) - step / divisor) > 1e-9 + 1e-6 * abs(step / divisor):
        digits += 1
    return [f"{value / divisor:.{digits}f}{unit if value else ''}".replace("-", "−") for value in values]


def format_percents(values: Sequence[float]) -> list[str]:
    """Return shares as percentages."""
    return [f"{label}%" for label in format_ticks([100 * value for value in values])]


def draw_frame(
    plot: Plot,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    *,
    x_title: str,
    y_title: str,
    x_text: Callable[[Sequence[float]], list[str]] = format_ticks,
    y_text: Callable[[Sequence[float]], list[str]] = format_ticks,
) -> Markup:
    """Return grid lines, tick labels and axis titles; the y title is horizontal, above the axis."""
    left, right, bottom, top = plot.x.start, plot.x.end, plot.y.start, plot.y.end
    children = []
    for value, label in zip(y_ticks, y_text(y_ticks), strict=True):
        y = plot.y(value)
        children.append(build_element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        children.append(draw_text(label, left - 8, y + 4, text_anchor="end", class_="tick"))
    for value, label in zip(x_ticks, x_text(x_ticks), strict=True):
        x = plot.x(value)
        children.append(build_element("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        children.append(draw_text(label, x, bottom + 17, text_anchor="middle", class_="tick"))
    children.append(build_element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    children.append(draw_text(x_title, right, bottom + 35, text_anchor="end", class_="axis-title"))
    children.append(draw_text(y_title, 4, top - 12, class_="axis-title"))
    return build_element("g", *children)
