"""Parses turns as people type them: `Speaker: text`, or the text alone."""

from __future__ import annotations

import re

from insula.core.model_input import Turn

# The colon after a speaker is followed by a space; that of a time (`10:30`) or address (`https://...`) is not.
_SPOKEN = re.compile(r"(?P<speaker>[^\s:：][^:：\n]{0,39}?)?\s*(?::\s+|：\s*)(?P<text>\S.*)", re.DOTALL)


def parse_turn(typed: str) -> Turn:
    """Return a typed turn: `Anna: I am back.` has the speaker Anna; `I am back.` and `: Note: I am back.` have none."""
    typed = typed.strip()
    spoken = _SPOKEN.fullmatch(typed)
    return Turn(typed) if spoken is None else Turn(spoken["text"], spoken["speaker"])


def parse_turns(text: str) -> tuple[Turn, ...]:
    """Return the turns of all non-blank lines, in order."""
    return tuple(parse_turn(line) for line in text.splitlines() if line.strip())
