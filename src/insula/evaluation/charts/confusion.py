"""The confusion matrix as a heat map: the predictions for the rows of each label."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from insula.evaluation.charts.svg import WIDTH, build_element, draw_figure, draw_text, estimate_text_width, shorten

STEPS = 10  # shades h0 (none) to h9 (all), which the style sheet defines for each theme


def draw_confusion_chart(labels: Sequence[str], counts: Sequence[Sequence[int]], *, key: str, title: str) -> Markup:
    """Return a matrix of gold labels (rows) by predicted labels (columns), shaded by the share of the row.

    Cells show percentage and count with up to 8 labels, the percentage with up to 14, nothing with more; the tooltip
    has both. Matrices of more than 14 labels are wider than the page and need a scrolling frame.
    """
    size = len(labels)
    gutter = 4 + min(110.0, max((estimate_text_width(label) for label in labels), default=0.0)) + 10
    gutter = max(gutter, 92.0)  # space for the axis titles in the corner
    cell = 22.0 if size > 14 else max(24.0, min(84.0, (WIDTH - gutter - 8) / max(1, size)))
    names = [shorten(label, 110.0) for label in labels]
    widest = max((estimate_text_width(name) for name in names), default=0.0)
    turned = widest > cell - 4
    slope = math.sin(math.radians(45))
    top = max(44.0, widest * slope + 18) if turned else 44.0
    reach = (
        [gutter + cell * (i + 0.5) + estimate_text_width(name) * slope for i, name in enumerate(names)]
        if turned
        else []
    )
    width = max(WIDTH, gutter + cell * size + 4, *(end + 6 for end in reach))
    height = min(cell, 60.0)

    parts = [
        draw_text("predicted →", gutter - 8, top - 24, text_anchor="end", class_="axis-title"),
        draw_text("labelled ↓", gutter - 8, top - 8, text_anchor="end", class_="axis-title"),
    ]
    for column, name in enumerate(names):
        x = gutter + cell * (column + 0.5)
        if turned:
            place = f"translate({x - 2:.2f} {top - 8:.2f}) rotate(-45)"
            parts.append(
                build_element("text", build_element("title", labels[column]), name, transform=place, class_="label")
            )
        else:
            parts.append(draw_text(name, x, top - 8, text_anchor="middle", class_="label"))
    if size > 14:
        parts.append(build_element("rect", x=gutter, y=top, width=cell * size, height=height * size, class_="h0"))
    for row, gold in enumerate(labels):
        y = top + height * row
        total = sum(counts[row])
        parts.append(draw_text(gold, gutter - 8, y + height / 2 + 4, room=110.0, text_anchor="end", class_="label"))
        for column, predicted in enumerate(names):
            count = counts[row][column]
            share = count / total if total else 0.0
            if size > 14 and not count:
                continue  # large matrices are mostly empty: the background shows through
            summary = f"{names[row]} predicted as {predicted}: {count:,} of {total:,} ({100 * share:.1f}%)"
            parts.append(_draw_cell(gutter + cell * column, y, cell, height, share, count, summary, size))
    right = sum(counts[index][index] for index in range(size))
    total = sum(sum(row) for row in counts)
    summary = f"{right:,} of {total:,} rows on the diagonal (correct predictions)."
    return draw_figure(width, top + height * size + 6, *parts, key=key, title=title, description=summary)


def _draw_cell(
    x: float, y: float, width: float, height: float, share: float, count: int, summary: str, size: int
) -> Markup:
    step = min(STEPS - 1, int(share * STEPS))
    square = build_element("rect", x=x + 1, y=y + 1, width=width - 2, height=height - 2, rx=3, class_=f"h{step}")
    parts = [build_element("title", summary), square]
    ink = f"cell {'on' if step >= STEPS / 2 else 'off'}"
    middle, centre = x + width / 2, y + height / 2
    if size <= 8 and height >= 34:
        parts.append(draw_text(f"{100 * share:.0f}%", middle, centre - 1, text_anchor="middle", class_=f"{ink} share"))
        parts.append(draw_text(f"{count:,}", middle, centre + 13, text_anchor="middle", font_size=11, class_=ink))
    elif size <= 14 and count:
        parts.append(
            draw_text(f"{100 * share:.0f}", middle, centre + 4, text_anchor="middle", font_size=11, class_=ink)
        )
    return build_element("g", *parts)
