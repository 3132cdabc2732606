"""Turns as people type them: one on each line, `Speaker: text` or the text alone."""

from __future__ import annotations

import re

from insula.core.model_input import Turn

LONGEST_SPEAKER = 40  # characters; a longer beginning is part of a sentence
# A colon in a time (`10:30`) or an address (`https://...`) ends no speaker: a space follows one that does.
_SPOKEN = re.compile(rf"([^:：]{{1,{LONGEST_SPEAKER}}}?)\s*(?::\s|：)\s*(\S.*)")


def parse_turn(line: str) -> Turn:
    """Return the turn of a line: `Anna: I am back.` has the speaker Anna, `I am back.` has none."""
    line = line.strip()
    spoken = _SPOKEN.fullmatch(line)
    return Turn(line) if spoken is None else Turn(spoken[2], spoken[1].strip())


def parse_turns(text: str) -> tuple[Turn, ...]:
    """Return the turns of all lines that are not blank, in their order."""
    return tuple(parse_turn(line) for line in text.splitlines() if line.strip())
