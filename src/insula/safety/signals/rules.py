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
from dataclasses import dataclass
from typing import Any, Literal

from insula.safety.signals.patterns import REACH, CancellablePattern, compile_pattern, is_near, read_table
from insula.safety.signals.result import KINDS, RiskKind

Strength = Literal["firm", "explicit", "oblique"]
STRENGTHS: tuple[Strength, ...] = ("firm", "explicit", "oblique")


@dataclass(frozen=True)
class SignalRule:
    """A pattern that shows a kind of risk."""

    name: str
    kind: RiskKind
    strength: Strength
    pattern: CancellablePattern


@dataclass(frozen=True)
class RuleSet:
    """The rules of a language."""

    rules: tuple[SignalRule, ...]
    benign: dict[str, re.Pattern[str]]
    frames: dict[str, re.Pattern[str]]
    urgent: re.Pattern[str]
    reach: int

    def is_benign(self, text: str, match: re.Match[str]) -> bool:
        """Return whether a match is in a context without risk: the words of one are near it."""
        return any(is_near(context, text, match, self.reach) for context in self.benign.values())


@functools.cache
def load_rule_set(language: str) -> RuleSet:
    """Return the rules of `en` or `zh`; they are compiled at the first call."""
    return build_rule_set(read_table(__package__, language), language)


def build_rule_set(table: dict[str, Any], language: str) -> RuleSet:
    """Return the rules of a table; raise `re.error` for a wrong pattern and `KeyError` for an unknown word."""
    words = table["words"]
    rules = [
        SignalRule(
            f"{language}.{kind}.{strength}.{number}",
            kind,
            strength,
            CancellablePattern.parse(line, words=words, language=language),
        )
        for kind in KINDS
        for strength in STRENGTHS
        for number, line in enumerate(table[kind].get(strength, ()), 1)
    ]
    compiled = functools.partial(compile_pattern, words=words, language=language, group=True)
    return RuleSet(
        tuple(rules),
        {name: compiled("|".join(lines)) for name, lines in table["benign"].items()},
        {name: compiled("|".join(lines)) for name, lines in table["frames"].items()},
        compiled("|".join(table["urgent"]["now"])),
        REACH[language],
    )
