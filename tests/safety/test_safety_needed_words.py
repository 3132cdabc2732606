"""Words of the rules: a message without them is not searched, and every rule that matches a message is."""

from __future__ import annotations

import pytest

from insula.safety.signals.needed_words import RuleWordIndex, digest_table, read_needed_words
from insula.safety.signals.patterns import LANGUAGES
from insula.safety.signals.plain_text import FoldedText
from insula.safety.signals.rules import load_rule_set
from make_needed_words import find_needed_words
from signal_cases import signal_cases


def size(words: frozenset[str]) -> tuple[int, int]:
    return len(words), 0


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?:storm|rain) ahead", [{" ahead"}, {"storm", "rain"}]),
        ("(?:storm|rain)s?", [{"storm", "rain"}]),
        ("(?:a|b)?c+", [{"c"}]),
        ("[xyz] ?", [{"x", "y", "z"}]),
        ("(?<![a-z])(?:gale)(?! force)", [{"gale"}]),
        ("storm.*gale|rain", [{"storm", "rain"}, {"gale", "rain"}]),
    ],
)
def test_words_that_every_match_has(pattern: str, words: list[set[str]]) -> None:
    assert find_needed_words(pattern, size) == words


@pytest.mark.parametrize("pattern", [r"\w+", "(?:storm|.)", "(?:storm)?", "[a-z]"])
def test_a_pattern_may_need_no_word(pattern: str) -> None:
    assert find_needed_words(pattern, size) == []


def test_rules_are_found_by_their_words() -> None:
    words = RuleWordIndex(
        ["storm", "any", "wind"], {"storm": [["storm", "gale"], ["a", "the"]], "wind": [["ill wind"]]}
    )
    assert words.find("a gale") == [0, 1]
    assert words.find("one storm") == [1]
    assert words.find("wind") == [1]
    assert words.find("it is an ill wind") == [1, 2]
    assert words.find("") == [1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_those_of_the_present_rules(language: str) -> None:
    words = read_needed_words(language)
    assert set(words) == {rule.name for rule in load_rule_set(language).rules}, "run scripts/make_needed_words.py"
    assert len(digest_table(language)) == 64


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_rule_that_matches_is_left_out(language: str) -> None:
    rules = load_rule_set(language)
    for case in signal_cases("development"):
        if case.language == language and case.signal:
            text = FoldedText(case.text).text
            candidates = {rule.name for rule in rules.find_candidates(text)}
            assert {rule.name for rule in rules.rules if rule.pattern.pattern.search(text)} <= candidates
            assert len(candidates) < len(rules.rules) / 3
