"""The rules of a language, read from its table: patterns by kind of risk and by wording, and contexts without risk.

A table (`english.toml`, `chinese.toml`) has these parts:

words       alternatives that patterns (`patterns.py`) name in braces: {blade}
KIND        `firm`: explicit, and counts in every context; `explicit`; `oblique`
benign      by name: patterns of contexts in which only firm rules count (plots, games, idioms), if they are near
frames      patterns that show a joke, a quotation, the past, a third person
urgent      patterns that show that it happens now
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from insula.safety.signals.needed_words import RuleWordIndex, WordSets, read_needed_words
from insula.safety.signals.patterns import REACH, CancellablePattern, compile_pattern, is_near, read_table
from insula.safety.signals.result import KINDS, RiskKind

Strength = Literal["firm", "explicit", "oblique"]
STRENGTHS: tuple[Strength, ...] = ("firm", "explicit", "oblique")


@dataclass(frozen=True)
class SignalRule:
    """A pattern that shows a kind of risk; it is compiled at its first use.

    line      the pattern as the table has it
    words     alternatives that it names in braces
    """

    name: str
    kind: RiskKind
    strength: Strength
    line: str
    words: Mapping[str, str] = field(repr=False)
    language: str

    @functools.cached_property
    def pattern(self) -> CancellablePattern:
        """The compiled pattern. Raises `re.error` if it is wrong, `KeyError` if it names an unknown word."""
        return CancellablePattern.parse(self.line, words=self.words, language=self.language)


class RuleSet:
    """The rules of a language, in the order of the table. Patterns are compiled at their first use.

    needed  the words without which a rule cannot match
    """

    def __init__(
        self, rules: Sequence[SignalRule], table: Mapping[str, Any], language: str, needed: RuleWordIndex
    ) -> None:
        self.rules = tuple(rules)
        self.reach = REACH[language]
        self._table = table
        self._language = language
        self._needed = needed

    def find_candidates(self, text: str) -> Iterator[SignalRule]:
        """Yield the rules that may match a plain text, because it has the words they need."""
        return (self.rules[place] for place in self._needed.find(text))

    def is_benign(self, text: str, match: re.Match[str]) -> bool:
        """Return whether words that show a context without risk are near a match."""
        return any(is_near(context, text, match, self.reach) for context in self.benign_patterns.values())

    @functools.cached_property
    def benign_patterns(self) -> dict[str, re.Pattern[str]]:
        """Patterns of contexts without risk, by name."""
        return {name: self._compile(lines) for name, lines in self._table["benign"].items()}

    @functools.cached_property
    def frame_patterns(self) -> dict[str, re.Pattern[str]]:
        """Patterns that show a frame, such as a joke or a quotation, by name."""
        return {name: self._compile(lines) for name, lines in self._table["frames"].items()}

    @functools.cached_property
    def urgent_pattern(self) -> re.Pattern[str]:
        """Pattern that shows that the danger is present now."""
        return self._compile(self._table["urgent"]["now"])

    def _compile(self, lines: Sequence[str]) -> re.Pattern[str]:
        return compile_pattern("|".join(lines), words=self._table["words"], language=self._language, group=True)


@functools.cache
def load_rule_set(language: str) -> RuleSet:
    """Return the rules of `en` or `zh`; the table is read at the first call."""
    return build_rule_set(read_table(__package__, language), language, read_needed_words(language))


def build_rule_set(table: Mapping[str, Any], language: str, needed: WordSets = MappingProxyType({})) -> RuleSet:
    """Return the rules of a table.

    needed  sets of words of rules, by name: every match of a rule has a word of each of its sets
    """
    rules = [
        SignalRule(f"{language}.{kind}.{strength}.{number}", kind, strength, line, table["words"], language)
        for kind in KINDS
        for strength in STRENGTHS
        for number, line in enumerate(table[kind].get(strength, ()), 1)
    ]
    return RuleSet(rules, table, language, RuleWordIndex([rule.name for rule in rules], needed))
