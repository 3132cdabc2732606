"""Detokenising: undo the splitting of a treebank tokenizer."""

from __future__ import annotations

import re

_MARK = r"(?![:;] [()\[\]/\\])(?:\.{1,3}|[,;:!?%]+)"  # `: )` is a face
_ENDING = r"(?:n't|'(?:s|re|ve|ll|d|m))"
_APART = re.compile(rf"(?<=\w) (?:{_MARK}|{_ENDING})(?= |$)", re.IGNORECASE)
_JOINED = re.compile(rf"\w(?:{_MARK}|{_ENDING})(?= |$)", re.IGNORECASE)
_LOOSE_MARK = re.compile(rf"(?<=[\w)\]\"'.]) (?={_MARK}(?: |$))")
_LOOSE_ENDING = re.compile(rf"(?<=\w) (?={_ENDING}(?:\W|$))", re.IGNORECASE)
_QUOTED = re.compile(r"(?:``|'') ([^`]*?) ''")
_IN_BRACKETS = re.compile(r"\( ([^()]*?) \)")
_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]"}
_BRACKET_NAME = re.compile("|".join(_BRACKETS), re.IGNORECASE)


def detokenize(text: str, language: str | None = None) -> str:
    """Return tokenised English (`it 's bad , is n't it ?`) as people write it; other text is unchanged.

    Penn Treebank tokens (Marcus et al. 1993): separate marks and endings, brackets by name, two-stroke quotes. A text
    counts as tokenised if more of its marks and endings are separated from a word than attached to one.
    """
    if " " not in text or len(_APART.findall(text)) <= len(_JOINED.findall(text)):
        return text
    text = _BRACKET_NAME.sub(lambda found: _BRACKETS[found.group().lower()], text)
    text = _IN_BRACKETS.sub(r"(\1)", _QUOTED.sub(r'"\1"', text))
    return _LOOSE_MARK.sub("", _LOOSE_ENDING.sub("", text))
