"""How a message speaks of a risk: of whom, whether it is meant as a joke, quotes somebody, or tells of the past."""

from __future__ import annotations

import re

from insula.safety.signals.result import Frame
from insula.safety.signals.rules import RuleSet

_QUOTED = re.compile(r"[\"“「『《].{2,}?[\"”」』》]", re.DOTALL)
_LAUGHING = re.compile("[😂🤣😆😹😅🙃😜😝💀]")


def frames_of(original: str, plain: str, rules: RuleSet) -> tuple[Frame, ...]:
    """Return the frames of a message in a fixed order, always with the first or the third person."""
    found: list[Frame] = []
    patterns = rules.frames
    third = patterns["third_person"].search(plain)
    first = patterns["first_person"].search(plain)
    if first or not third:
        found.append("first_person")
    if third:
        found.append("third_person")
    if patterns["joking"].search(plain) or _LAUGHING.search(original):
        found.append("joking")
    if _QUOTED.search(original) or patterns["quoted"].search(plain):
        found.append("quoted")
    if patterns["past"].search(plain):
        found.append("past")
    return tuple(found)
