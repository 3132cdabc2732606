"""Numbers as people write them: in one piece, in groups with spaces, dots or hyphens, or digit by digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

_DIGITS = "0123456789"
_GROUP = re.compile(r"[0-9]++")
_SEPARATOR = re.compile(r"[ .\-]{1,2}+(?=[0-9])")
_HEAD = re.compile(r"[0-9](?:[ .\-]{0,2}[0-9]){0,5}+")
_SEPARATORS = str.maketrans("", "", " .-")
# A number does not start or end inside a word, nor inside digits that hyphens or dots join.
_INSIDE = re.compile(r"[A-Za-z_]|[.\-]{1,2}[0-9]")


def find_numbers(
    text: str, lengths: Callable[[str], Collection[int]], last: str = ""
) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and digits of every run of whole groups with an allowed number of digits.

    lengths  allowed lengths of a number that starts with these digits, at most 6; none if empty
    last     characters that are allowed as the last digit, such as "Xx"

    Of the runs that start at a group the longest comes first. Time is linear: a run has at most `max(lengths)` digits.
    """
    for first in _GROUP.finditer(text):
        start = first.start()
        if _is_mid_number(text, start, first.end()):
            continue
        head = _HEAD.match(text, start)
        allowed = lengths(head[0].translate(_SEPARATORS)) if head else ()
        if not allowed:
            continue
        most = max(allowed)
        ends: list[tuple[int, int]] = []  # digits so far, end
        count, at = 0, start
        while group := _GROUP.match(text, at, at + most - count + 1):
            count += group.end() - at
            if count > most:
                break
            at = group.end()
            if last and count + 1 in allowed and text[at : at + 1] and text[at] in last:
                ends.append((count + 1, at + 1))
            elif count in allowed:
                ends.append((count, at))
            separator = _SEPARATOR.match(text, at)
            if separator is None:
                if (
                    last
                    and count + 1 in allowed
                    and text[at : at + 1] in (" ", "-")
                    and text[at + 1 : at + 2] in (*last,)
                ):
                    ends.append((count + 1, at + 2))
                break
            at = separator.end()
        for count, end in reversed(ends):
            if not _INSIDE.match(text, end):
                written = text[start:end]
                yield start, end, written if count == len(written) else written.translate(_SEPARATORS)


def _is_mid_number(text: str, start: int, end: int) -> bool:
    """Return whether no number starts here: in a word, after a hyphen or dot, or in a number spelled digit by digit."""
    if start == 0:
        return False
    before = text[start - 1]
    if (before.isascii() and before.isalpha()) or before == "_":
        return True
    if start < 2 or before not in " .-":
        return False
    joined = text[start - 2] in _DIGITS or (text[start - 2] in ".-" and text[start - 3 : start - 2] in (*_DIGITS,))
    if before != " " and joined:
        return True
    # One or two digits after one or two digits: a number that is spelled like this starts at its first group.
    if end - start > 2 or text[start - 2] not in _DIGITS:
        return False
    return not (start >= 4 and text[start - 3] in _DIGITS and text[start - 4] in _DIGITS)
