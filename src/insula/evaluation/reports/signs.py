"""A sign and a colour for every emotion, so that emotions can be distinguished without colour vision.

The six emotions of Ekman and neutral have faces, sentiments have marks. Any other label has the sign of the group that
it belongs to. The colours are those of the classes of the same names in `page.css`.
"""

from __future__ import annotations

from collections.abc import Mapping

from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.core.scheme import LabelScheme

_CIRCLE = "M8 1.2a6.8 6.8 0 1 0 .01 0z"
_FACE = f"{_CIRCLE}M5.8 5.8v1.2M10.2 5.8v1.2"
SIGNS: Mapping[str, str] = {
    "joy": f"{_FACE}M4.7 9.3c1.4 2.6 5.2 2.6 6.6 0",
    "sadness": f"{_FACE}M4.9 11.4c1.3-2.2 4.9-2.2 6.2 0",
    "anger": f"{_CIRCLE}M4.4 4.9l2.6 1.7M11.6 4.9l-2.6 1.7M5.2 11.2h5.6",
    "fear": f"{_FACE}M4.4 11.2l1.2-1.6 1.2 1.6 1.2-1.6 1.2 1.6 1.2-1.6 1.2 1.6",
    "surprise": f"{_FACE}M8 9a1.7 1.7 0 1 0 .01 0z",
    "disgust": f"{_FACE}M4.8 10.4c1-1.4 2.1-1.4 3.2 0s2.2 1.4 3.2 0",
    "neutral": f"{_FACE}M5.2 10.4h5.6",
    "positive": f"{_CIRCLE}M8 4.6v6.8M4.6 8h6.8",
    "negative": f"{_CIRCLE}M4.6 8h6.8",
    "ambiguous": f"{_CIRCLE}M6 6.2c0-2.6 4-2.6 4 0 0 1.6-2 1.5-2 3M8 11.2v.6",
}
"""Name to the path of its lines in a box of 16 by 16."""

_LEVELS = ("ekman", "sentiment")


def find_sign(scheme: LabelScheme, label: str) -> str:
    """Return the name of a label's sign in `SIGNS`, an empty text for a label of no known emotion or sentiment."""
    name = label.lower()
    known = BUILTIN_SCHEMES["goemotions"].mappings["ekman"]
    groups = [scheme.mappings[level].get(label, "") for level in _LEVELS if level in scheme.mappings]
    for group in (*groups, name, name.removeprefix("very "), known.get(name, "")):
        if group in SIGNS:
            return group
    return ""


def find_signs(scheme: LabelScheme) -> dict[str, str]:
    """Return the names of the signs of all labels that have one."""
    return {label: sign for label in scheme.names if (sign := find_sign(scheme, label))}
