"""Building blocks of charts: escaped SVG elements, the accessible frame, text widths."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

WIDTH = 360.0  # user units; charts are shown at 320 to 460 px, where 12-unit text is readable on a phone
TEXT_SIZE = 12.0

Child = Markup | str
Attribute = str | float | int | None


def build_element(name: str, *children: Child, **attributes: Attribute) -> Markup:
    """Return one SVG element; children and attribute values are escaped, None attributes are left out.

    `class_` becomes `class`, `text_anchor` becomes `text-anchor`; numbers are rounded to hundredths of a unit.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_format_attribute(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def draw_figure(width: float, height: float, *children: Child, key: str, title: str, description: str) -> Markup:
    """Return the `<svg>` of a chart with its title and description for screen readers.

    `key` is the prefix of element ids and must be unique on the page.
    """
    key = re.sub(r"[^A-Za-z0-9-]+", "-", key)
    return build_element(
        "svg",
        build_element("title", title, id=f"{key}-title"),
        build_element("desc", description, id=f"{key}-desc"),
        *children,
        viewBox=f"0 0 {_format_attribute(width)} {_format_attribute(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def draw_text(content: str, x: float, y: float, *, room: float | None = None, **attributes: Attribute) -> Markup:
    """Return a text element; text wider than `room` units is shortened and has the full text as tooltip."""
    size = attributes.get("font_size", TEXT_SIZE)
    shown = content if room is None else shorten(content, room, float(size or TEXT_SIZE))
    if shown == content:
        return build_element("text", content, x=x, y=y, **attributes)
    return build_element("text", build_element("title", content), shown, x=x, y=y, **attributes)


def draw_polyline(points: list[tuple[float, float]], **attributes: Attribute) -> Markup:
    """Return a line through the points; a single point is a dot, no point an empty string."""
    if not points:
        return Markup("")
    if len(points) == 1:
        return build_element(
            "circle", cx=points[0][0], cy=points[0][1], r=3, class_=f"{attributes.get('class_', '')} dot"
        )
    return build_element(
        "polyline", points=" ".join(f"{_format_attribute(x)},{_format_attribute(y)}" for x, y in points), **attributes
    )


def estimate_text_width(content: str, size: float = TEXT_SIZE) -> float:
    """Return the estimated width of a text in units, as in wide system fonts; no font can be measured here."""
    return size * sum(_estimate_width(character) for character in content)


def shorten(content: str, room: float, size: float = TEXT_SIZE) -> str:
    """Return the text, cut with an ellipsis if it is wider than `room` units."""
    if estimate_text_width(content, size) <= room:
        return content
    used = size  # the ellipsis
    for position, character in enumerate(content):
        used += size * _estimate_width(character)
        if used > room:
            return content[:position].rstrip() + "…"
    return content


def downsample(items: list[list[float]], limit: int) -> list[list[float]]:
    """Return at most `limit` items, evenly spaced, with the first and the last."""
    if len(items) <= limit:
        return items
    step = (len(items) - 1) / (limit - 1)
    return [items[round(index * step)] for index in range(limit)]


def _estimate_width(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) >= 0x1F000:
        return 1.15 if ord(character) >= 0x1F000 else 1.0
    if character in "iljtfI.,:;'|!()[] ":
        return 0.4
    if character in "mwMW%@—":
        return 0.95
    return 0.7 if character.isupper() else 0.62


def _format_attribute(value: Attribute) -> str:
    if isinstance(value, float):
        rounded = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if rounded == "-0" else rounded
    return str(value)
