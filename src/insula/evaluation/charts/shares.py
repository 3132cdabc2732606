"""Shares of a whole as bars, one per row, such as the importance of each option of a search."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from insula.evaluation.charts.axes import Scale, format_percents
from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_text, estimate_text_width

ROW, TOP = 26.0, 8.0


def draw_shares_chart(shares: Mapping[str, float], *, key: str, title: str) -> Markup:
    """Return one bar per name, in the given order; shares are in [0, 1]."""
    left = 4 + min(170.0, max((estimate_text_width(name) for name in shares), default=0.0)) + 10
    x = Scale(0.0, 1.0, left, WIDTH - 52)
    bottom = TOP + ROW * len(shares)
    marks = [0.0, 0.5, 1.0]
    parts = []
    for value, label in zip(marks, format_percents(marks), strict=True):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=TOP, y2=bottom, class_="grid"))
        parts.append(draw_text(label, x(value), bottom + 18, text_anchor="middle", class_="tick"))
    for index, (name, share) in enumerate(shares.items()):
        y = TOP + ROW * (index + 0.5)
        parts.append(draw_text(name, left - 8, y + 4, room=170.0, text_anchor="end", class_="label"))
        parts.append(build_element("rect", x=left, y=y - 7, width=x(share) - left, height=14, rx=2, class_="bar"))
        parts.append(draw_text(f"{100 * share:.0f}%", WIDTH - 4, y + 4, text_anchor="end", class_="value"))
    summary = "; ".join(f"{name} {100 * share:.0f}%" for name, share in shares.items())
    return draw_figure(WIDTH, bottom + 26, *parts, key=key, title=title, description=summary)
