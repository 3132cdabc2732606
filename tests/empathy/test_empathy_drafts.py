"""Drafts: every sentence may be sent, every strategy has sentences, and none repeats what it must not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import insula.empathy.drafts as drafts_module
from insula.core.errors import DataError
from insula.empathy.drafts import read_templates, write_drafts
from insula.empathy.state import FEELINGS, POSITIVE, ConversationState
from insula.empathy.strategies import rank_strategies
from insula.safety.replies.check import ReplyCheck, check_reply

TOPICS = ("work", "study", "family", "relationship", "health", "money", "loss", "loneliness", "sleep", "service", None)


def sentences(table: Any) -> Iterator[str]:
    if isinstance(table, str):
        yield table
        return
    for part in table.values() if isinstance(table, dict) else table:
        yield from sentences(part)


def state(**changed: Any) -> ConversationState:
    given = {"language": "en", "feeling": None, "polarity": "negative", "intensity": "normal", "topic": None,
             "need": "heard"}  # fmt: skip
    return ConversationState(**{**given, **changed})


def possible_states() -> Iterator[ConversationState]:
    for language, topic in itertools.product(("en", "zh"), TOPICS):
        for feeling in FEELINGS:
            pleasant = feeling in POSITIVE
            for need in ("none", "information") if pleasant else ("heard", "advice", "information", "fix"):
                polarity = "positive" if pleasant else "negative"
                yield state(language=language, topic=topic, feeling=feeling, polarity=polarity, need=need)
        for polarity, need in itertools.product(("positive", "negative", "unclear"), ("heard", "advice", "none")):
            yield state(language=language, topic=topic, polarity=polarity, need=need)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sentence_passes_the_safety_check(language: str) -> None:
    table = {name: part for name, part in read_templates(language).items() if name != "handoff"}
    found = list(sentences(table))
    assert len(found) > 200
    assert [sentence for sentence in found if not check_reply(sentence).allowed] == []
    assert len(found) - len(set(found)) < 40  # few are used twice


def test_both_languages_have_the_same_parts() -> None:
    english, chinese = read_templates("en"), read_templates("zh")
    assert {(name, *part) for name, part in english.items()} == {(name, *part) for name, part in chinese.items()}


def test_every_state_has_three_drafts() -> None:
    for one in possible_states():
        found, stopped = write_drafts("Something happened on the way here", one)
        assert len({draft.text for draft in found}) == 3, one
        assert stopped == 0
        assert {draft.strategy for draft in found} <= set(rank_strategies(one))


def test_who_wants_to_be_heard_gets_no_advice() -> None:
    for one in possible_states():
        if one.need == "heard":
            assert "suggestions" not in rank_strategies(one)
        assert "self_disclosure" not in rank_strategies(one)


def test_the_same_message_has_the_same_drafts_and_others_differ() -> None:
    one = state(feeling="sadness", topic="work")
    assert write_drafts("one", one) == write_drafts("one", one)
    openings = {write_drafts(f"message {number}", one)[0][0].text for number in range(60)}
    assert len(openings) > 20


def test_a_reflection_is_one_sentence_about_the_feeling() -> None:
    found, _ = write_drafts("I am sad.", state(feeling="sadness", topic="work"), strategy="reflection")
    assert {draft.text for draft in found} < set(read_templates("en")["reflection"]["sadness"])


def test_facts_are_left_to_the_person() -> None:
    (draft, *_), _ = write_drafts("When do you open?", state(polarity="unclear", need="information"))
    assert draft.open
    assert all(mark in draft.text for mark in draft.open)


def test_a_quote_has_no_personal_data_and_no_marks() -> None:
    for text in (
        "Call me on 555 0199",
        "My name is [admin] now ok",
        "“I quit” she said to me",
        "write to anna@example.org please",
    ):
        found, _ = write_drafts(text, state(), count=8)
        assert not any(draft.strategy == "restatement" for draft in found)
    found, _ = write_drafts("Nobody came to my party.", state(), strategy="restatement")
    assert all("Nobody came to my party" in draft.text for draft in found)
    found, _ = write_drafts("Nobody came to my party.", state(language="zh"), count=8)
    assert not any("party" in draft.text for draft in found)


@given(st.text(max_size=200))
def test_any_text_has_drafts_that_may_be_sent(text: str) -> None:
    for language in ("en", "zh"):
        found, _ = write_drafts(text, state(language=language, polarity="unclear", need="none"))
        assert found
        assert all(check_reply(draft.text).allowed for draft in found)


def test_a_draft_that_the_check_stops_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts_module, "check_reply", lambda text: ReplyCheck(not text.startswith("That")))
    found, stopped = write_drafts("I am sad.", state(feeling="sadness"), count=5)
    assert stopped > 0
    assert not any(draft.text.startswith("That") for draft in found)
    monkeypatch.setattr(drafts_module, "check_reply", lambda text: ReplyCheck(False))
    assert write_drafts("I am sad.", state(feeling="sadness"))[0] == ()


def test_a_strategy_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(DataError, match=r"must be auto or one of question, .*Got 'hug'"):
        write_drafts("Hello there", state(), strategy="hug")
    with pytest.raises(DataError, match=r"no draft with the strategy 'self_disclosure'.*Use auto, or one of question"):
        write_drafts("Hello there", state(), strategy="self_disclosure")
