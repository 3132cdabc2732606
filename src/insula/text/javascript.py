"""Translates Python's regular expressions into equivalent JavaScript (ECMAScript 2024, flag `v`).

The differences: `\\w`, `\\d`, `\\s` and `\\b` are Unicode-aware in Python and ASCII (or other white space) in
JavaScript, and JavaScript requires more escapes in a character class.
"""

from __future__ import annotations

import re

_WORD, _DIGIT = r"\p{L}\p{N}_", r"\p{Nd}"
_SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # str.isspace()
_SETS = {"w": _WORD, "d": _DIGIT, "s": _SPACE}
_HEX = {"x": 2, "u": 4, "U": 8}
_IN_CLASS = frozenset("()[]{}/|-&!#%,:;<=>@`~$*+.?^\\")
_OUTSIDE = frozenset("^$\\.*+?()[]{}|/")
_FLAGS = re.IGNORECASE | re.UNICODE
_GROUPS = ("?:", "?=", "?!", "?<=", "?<!")


def to_javascript(pattern: re.Pattern[str]) -> dict[str, str]:
    """Return `source` and `flags` for `new RegExp(source, flags)`.

    Raises `ValueError` for features without a counterpart: flags other than IGNORECASE, named and inline-flag groups,
    anchors of the whole text.
    """
    if pattern.flags & ~_FLAGS:
        raise ValueError(f"The flags of {pattern.pattern!r} must be IGNORECASE or none. Remove the others.")
    flags = "gvi" if pattern.flags & re.IGNORECASE else "gv"
    return {"source": _translate(pattern.pattern), "flags": flags}


def _translate(source: str) -> str:
    out: list[str] = []
    place, inside, first = 0, False, False
    while place < len(source):
        character = source[place]
        if character == "\\":
            text, place = _escape(source, place + 1, inside)
            out.append(text)
            first = False
            continue
        place += 1
        if not inside:
            if character == "(" and source[place : place + 1] == "?":
                if not source.startswith(_GROUPS, place):
                    raise ValueError(
                        f"The group at {place} of {source!r} has no counterpart in JavaScript. Write the pattern "
                        "without it."
                    )
            elif character == "[":
                inside, first = True, True
            out.append(character)
            continue
        if character == "^" and first:
            out.append("^")
            continue  # the next character still counts as the first
        if character == "]" and not first:
            inside = False
            out.append("]")
            continue
        ranges = character == "-" and not first and source[place] != "]"
        out.append(character if ranges or character not in _IN_CLASS else f"\\{character}")
        first = False
    return "".join(out)


def _escape(source: str, place: int, inside: bool) -> tuple[str, int]:
    """Return the counterpart of the escape whose letter is at `place`, and the position after it."""
    letter = source[place]
    if letter in _HEX:
        end = place + 1 + _HEX[letter]
        return f"\\u{{{source[place + 1 : end]}}}", end
    place += 1
    if letter.lower() in _SETS:
        members = _SETS[letter.lower()]
        if letter.isupper():
            return f"[^{members}]", place
        return (members if inside else f"[{members}]"), place
    if letter == "b" and not inside:
        return f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))", place
    if letter in "nrtfv" or (letter.isdigit() and not inside):
        return f"\\{letter}", place
    if letter.isalnum():
        raise ValueError(
            f"The escape \\{letter} of {source!r} has no counterpart in JavaScript. Write the pattern without it."
        )
    return (f"\\{letter}" if letter in (_IN_CLASS if inside else _OUTSIDE) else letter), place
