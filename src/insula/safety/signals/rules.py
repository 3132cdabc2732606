"""The rules of a language, read from its table: patterns by kind of risk and by wording, and contexts without risk.

A table (`english.toml`, `chinese.toml`) has these parts:

hints       how many different hints of one kind of risk together are oblique
words       alternatives that patterns name in braces: {blade}
KIND        `firm`: explicit, and counts in every context; `explicit`; `oblique`; `hint`
benign      by name: patterns of contexts in which only firm rules count (plots, games, idioms)
frames      patterns that show a joke, a quotation, the past, a third person
urgent      patterns that show that it happens now

A pattern is a regular expression for plain text (`PlainText`). ` ~ ` stands for a few words of the same sentence,
` ~~ ` for a few words that may be in the next one. A pattern matches whole words, unless `*` is its first or last
character. After ` !! ` comes a pattern that, anywhere in the message, cancels the match.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, cast

from insula.safety.signals.result import KINDS, RiskKind

Strength = Literal["firm", "explicit", "oblique", "hint"]
STRENGTHS: tuple[Strength, ...] = ("firm", "explicit", "oblique", "hint")
LANGUAGES = {"en": "english", "zh": "chinese"}
_NAMED = re.compile(r"\{([a-z_]+)\}")
_UNLESS = " !! "
# How far ` ~ ` and ` ~~ ` reach, in characters, and what ends a sentence.
_GAPS = {"en": (45, 110), "zh": (14, 45)}
_SENTENCE_END = {"en": ".!?;\\n", "zh": "。！？!?；\\n"}


@dataclass(frozen=True)
class Rule:
    """A pattern that shows a kind of risk, unless `cancelled_by` matches the message, too."""

    name: str
    kind: RiskKind
    strength: Strength
    pattern: re.Pattern[str]
    cancelled_by: re.Pattern[str] | None


@dataclass(frozen=True)
class RuleSet:
    """The rules of a language."""

    rules: tuple[Rule, ...]
    benign: dict[str, re.Pattern[str]]
    frames: dict[str, re.Pattern[str]]
    urgent: re.Pattern[str]
    hints: int


@functools.cache
def rule_set(language: str) -> RuleSet:
    """Return the rules of `en` or `zh`; they are compiled at the first call."""
    text = (files(__package__) / f"{LANGUAGES[language]}.toml").read_text(encoding="utf-8")
    return build_rule_set(tomllib.loads(text), language)


def build_rule_set(table: dict[str, Any], language: str) -> RuleSet:
    """Return the rules of a table; raise `re.error` for a wrong pattern and `KeyError` for an unknown word."""
    compiled = functools.partial(compiled_pattern, words=table["words"], language=language)
    rules = [
        _rule(f"{language}.{kind}.{strength}.{number}", kind, strength, line, compiled)
        for kind in KINDS
        for strength in STRENGTHS
        for number, line in enumerate(table[kind].get(strength, ()), 1)
    ]
    return RuleSet(
        tuple(rules),
        {name: compiled("|".join(lines), group=True) for name, lines in table["benign"].items()},
        {name: compiled("|".join(lines), group=True) for name, lines in table["frames"].items()},
        compiled("|".join(table["urgent"]["now"]), group=True),
        table["hints"],
    )


def _rule(name: str, kind: RiskKind, strength: Strength, line: str, compiled: Any) -> Rule:
    pattern, _, unless = line.partition(_UNLESS)
    return Rule(name, kind, strength, compiled(pattern), compiled(unless) if unless else None)


def compiled_pattern(pattern: str, *, words: Mapping[str, str], language: str, group: bool = False) -> re.Pattern[str]:
    """Return a pattern of a table as a regular expression; `group` is for several patterns joined by |."""
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
