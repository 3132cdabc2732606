"""Patterns for plain text (`FoldedText`), as the tables of messages and of replies write them.

A pattern is a regular expression. ` ~ ` stands for a few words of the same sentence, ` ~~ ` for a few words that may be
in the next one. A pattern matches whole words, unless `*` is its first or last character. `{blade}` stands for the
alternatives under that name in the part `words` of the table. At the end, after ` !< `, may come a pattern that cancels
a match right behind it, such as a negation; before that, after ` !! `, one that cancels a match near it, as near as
` ~~ ` reaches.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

LANGUAGES = {"en": "english", "zh": "chinese"}
_NAMED = re.compile(r"\{([a-z_]+)\}")
_UNLESS = " !! "
_UNLESS_BEHIND = " !< "
# How far ` ~ ` and ` ~~ ` reach, in characters, and what ends a sentence.
_GAPS = {"en": (45, 110), "zh": (14, 45)}
REACH = {language: far for language, (_, far) in _GAPS.items()}
_SENTENCE_END = {"en": ".!?;\\n", "zh": "。！？!?；\\n"}


@dataclass(frozen=True)
class CancellablePattern:
    """A pattern whose matches do not count where another one cancels them.

    cancelled_by      cancels a match within `reach` characters before or after it
    cancelled_behind  cancels a match that begins where it ends, but for blanks
    """

    pattern: re.Pattern[str]
    cancelled_by: re.Pattern[str] | None
    cancelled_behind: re.Pattern[str] | None
    reach: int

    @classmethod
    def parse(cls, line: str, *, words: Mapping[str, str], language: str) -> CancellablePattern:
        """Return the pattern of a line of a table; raise `re.error` or `KeyError` as `compile_pattern`."""
        rest, _, behind = line.partition(_UNLESS_BEHIND)
        pattern, _, unless = rest.partition(_UNLESS)
        return cls(
            compile_pattern(pattern, words=words, language=language),
            compile_pattern(unless, words=words, language=language) if unless else None,
            compile_pattern(f"(?:{behind}) *\\Z", words=words, language=language) if behind else None,
            REACH[language],
        )

    def search(self, text: str, *, can_cancel: bool = True) -> re.Match[str] | None:
        """Return the first match in a text that is not cancelled; None if there is none.

        can_cancel  whether a match can be cancelled at all
        """
        for match in self.pattern.finditer(text):
            if not can_cancel or not self._is_cancelled(text, match):
                return match
        return None

    def _is_cancelled(self, text: str, match: re.Match[str]) -> bool:
        start = match.start()
        if self.cancelled_behind is not None and self.cancelled_behind.search(text, max(0, start - self.reach), start):
            return True
        return self.cancelled_by is not None and is_near(self.cancelled_by, text, match, self.reach)


def is_near(pattern: re.Pattern[str], text: str, match: re.Match[str], reach: int) -> bool:
    """Return whether a pattern matches within `reach` characters before or after a match."""
    end = match.end() + reach
    while end < len(text) and text[end - 1].isascii() and text[end].isalpha():  # do not cut a word
        end += 1
    return pattern.search(text, max(0, match.start() - reach), end) is not None


def read_table(package: str, language: str) -> dict[str, Any]:
    """Return the table of `en` or `zh` in a package."""
    return tomllib.loads((files(package) / f"{LANGUAGES[language]}.toml").read_text(encoding="utf-8"))


def compile_pattern(pattern: str, *, words: Mapping[str, str], language: str, group: bool = False) -> re.Pattern[str]:
    """Return a pattern of a table as a regular expression; `group` is for several patterns joined by |.

    Raises `re.error` for a wrong pattern, `KeyError` for an unknown name in braces.
    """
    for _ in range(3):  # words may name words
        pattern = _NAMED.sub(lambda named: f"(?:{words[named[1]]})", pattern)
    near, far = _GAPS[language]
    before = pattern.startswith("*") or group
    after = (pattern.endswith("*") and not pattern.endswith("\\*")) or group
    pattern = pattern.strip().removeprefix("*")
    pattern = pattern.removesuffix("*") if after and not group else pattern
    edge = "\\b" if language == "en" else ""
    end = _SENTENCE_END[language]
    pattern = pattern.replace(" ~~ ", f"{edge}[^\\x00]{{0,{far}}}?{edge}")
    pattern = pattern.replace(" ~ ", f"{edge}[^{end}]{{0,{near}}}?{edge}")
    if language == "en":
        start, stop = ("" if before and not group else "(?<![a-z])"), ("" if after and not group else "(?![a-z])")
        pattern = f"{start}(?:{pattern}){stop}"
    return cast(re.Pattern[str], re.compile(pattern))
