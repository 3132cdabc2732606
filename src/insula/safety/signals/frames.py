"""Frames of a risk in a message: the writer, another person, a joke, a quotation, or the past."""

from __future__ import annotations

import re
from collections.abc import Sequence

from insula.safety.signals.result import Frame
from insula.safety.signals.rules import RuleSet

_QUOTED = re.compile(r"[\"“「『《].{2,}?[\"”」』》]", re.DOTALL)
_LAUGHING = re.compile("[😂🤣😆😹😅🙃😜😝💀]")


def detect_frames(original: str, plain: str, sets: Sequence[RuleSet]) -> tuple[Frame, ...]:
    """Return the frames of a message in a fixed order, always with the first or the third person."""
    found: list[Frame] = []

    def is_shown(name: str) -> bool:
        return any(rules.frame_patterns[name].search(plain) for rules in sets)

    third, first = is_shown("third_person"), is_shown("first_person")
    if first or not third:
        found.append("first_person")
    if third:
        found.append("third_person")
    if is_shown("joking") or _LAUGHING.search(original):
        found.append("joking")
    if _QUOTED.search(original) or is_shown("quoted"):
        found.append("quoted")
    if is_shown("past"):
        found.append("past")
    return tuple(found)
