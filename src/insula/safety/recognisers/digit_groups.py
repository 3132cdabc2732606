"""Numbers as people write them: in one piece, in groups with spaces, dots or hyphens, or digit by digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DIGITS = "0123456789"
_GROUP = re.compile(r"[0-9]++")
_SEPARATOR = re.compile(r"[ .\-]{1,2}+(?=[0-9])")


def written_numbers(text: str, lengths: frozenset[int], last: str = "") -> Iterator[tuple[int, int, str]]:
    """Yield start, end and digits of every run of whole groups that has as many digits as one of `lengths`.

    last  characters that are allowed as the last digit, such as "Xx"

    Of the runs that start at a group the longest comes first. Time is linear: a run has at most `max(lengths)` digits.
    """
    most = max(lengths)
    fewest = min(lengths)
    for first in _GROUP.finditer(text):
        if _is_mid_number(text, first.start(), first.end()):
            continue
        ends: list[tuple[int, int]] = []  # digits so far, end
        count, at = 0, first.start()
        while group := _GROUP.match(text, at, at + most - count + 1):
            count += group.end() - at
            if count > most:
                break
            at = group.end()
            if last and count + 1 in lengths and text[at : at + 1] and text[at] in last:
                ends.append((count + 1, at + 1))
            elif count >= fewest and count in lengths:
                ends.append((count, at))
            separator = _SEPARATOR.match(text, at)
            if separator is None:
                if (
                    last
                    and count + 1 in lengths
                    and text[at : at + 1] in (" ", "-")
                    and text[at + 1 : at + 2] in (*last,)
                ):
                    ends.append((count + 1, at + 2))
                break
            at = separator.end()
        for count, end in reversed(ends):
            written = text[first.start() : end]
            yield first.start(), end, written if count == len(written) else re.sub(r"[ .\-]", "", written)


def _is_mid_number(text: str, start: int, end: int) -> bool:
    """Return whether one or two digits follow one or two: a number spelled like this starts at its first group."""
    if end - start > 2 or start < 2 or text[start - 1] not in " .-" or text[start - 2] not in _DIGITS:
        return False
    return not (start >= 4 and text[start - 3] in _DIGITS and text[start - 4] in _DIGITS)
