"""What cancels a match of a pattern cancels it only near it: a joke or a film elsewhere hides nothing."""

from __future__ import annotations

import pytest

from insula.safety.signals.detect import check_message
from insula.safety.signals.patterns import CancellablePattern

BETWEEN = {"en": " We walked home. " + "It was a long way. " * 6, "zh": "我们走回家。" + "路很长。" * 12}


def _found(text: str, language: str = "en", *, can_cancel: bool = True) -> str | None:
    line = {"en": "storm !! film", "zh": "暴雨 !! 电影"}[language]
    match = CancellablePattern.parse(line, words={}, language=language).search(text, can_cancel=can_cancel)
    return match and match[0]


@pytest.mark.parametrize(("language", "match", "cancels"), [("en", "storm", "film"), ("zh", "暴雨", "电影")])
def test_only_words_near_a_match_cancel_it(language: str, match: str, cancels: str) -> None:
    near, far = f"{cancels} {match}", f"{cancels}{BETWEEN[language]}{match}"
    assert _found(near, language) is None
    assert _found(near, language, can_cancel=False) == match
    assert _found(far, language) == match
    assert _found(f"{match}{BETWEEN[language]}{cancels}", language) == match


@pytest.mark.parametrize(("language", "match", "cancels"), [("en", "storm", "film"), ("zh", "暴雨", "电影")])
def test_a_cancelled_match_does_not_hide_a_later_one(language: str, match: str, cancels: str) -> None:
    assert _found(f"{cancels} {match}{BETWEEN[language]}{match}", language) == match


@pytest.mark.parametrize(
    ("language", "line", "negation", "other"),
    [
        ("en", "storm !! film !< not(?: really)?", "not really ", "not now, "),
        ("zh", "暴雨 !! 电影 !< 没有", "没有", "没有,"),
    ],
)
def test_a_negation_cancels_only_what_follows_it(language: str, line: str, negation: str, other: str) -> None:
    pattern = CancellablePattern.parse(line, words={}, language=language)
    match = line.split(" ", 1)[0]
    assert pattern.search(f"{negation}{match}") is None
    assert pattern.search(f"{negation}{match}", can_cancel=False)
    assert pattern.search(f"{other}{match}")
    assert pattern.search(f"{match} {negation}")
    assert pattern.search(f"{negation}{match},{match}"), "a later match counts"


def test_a_word_that_is_cut_at_the_border_cancels_nothing() -> None:
    assert _found("microfilm " + "a" * 104 + " storm") == "storm"
    assert _found("storm " + "a" * 104 + " filmography") == "storm"


@pytest.mark.parametrize(
    ("context", "signal"),
    [
        ("The film last night was good.", "My stepdad hits me when he drinks."),
        ("昨晚的电影很好看。", "我室友说她想不开，活着没意思。"),
    ],
)
def test_a_film_elsewhere_does_not_cancel_a_signal(context: str, signal: str) -> None:
    language = "zh" if "电" in context else "en"
    assert check_message(f"{context}{BETWEEN[language]}{signal}").signal
    assert check_message(f"{signal}{BETWEEN[language]}{context}").signal
