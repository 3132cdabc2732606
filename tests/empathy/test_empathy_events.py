"""Events of messages: what a reply may restate, the nouns that it may name, and weak signals of danger."""

from __future__ import annotations

import re

import pytest

from insula import load_model, reply
from insula.empathy.cue_words import read_cues
from insula.empathy.drafts import read_templates
from insula.empathy.find_events import find_events, find_named, read_events
from insula.empathy.reply import WEAK_BELOW, choose_risk, is_weak_signal
from insula.empathy.state import FEELINGS
from insula.inference.predictor import Predictor
from insula.safety.replies.check import check_reply
from insula.safety.signals.result import RiskCheck, RiskSpan

LANGUAGES = ("en", "zh")
SLOT = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def starter() -> Predictor:
    return load_model("starter")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_may_be_sent(language: str) -> None:
    words = {"who": "your mother", "thing": "the exam", "noun": "idea"}
    if language == "zh":
        words = {"who": "你妈妈", "thing": "考试", "noun": "方案"}
    for event in read_events(language).values():
        for sentence in (*event.says, *event.asks, *event.suggests):
            assert set(SLOT.findall(sentence)) <= set(words), sentence
            filled = SLOT.sub(lambda slot: words[slot[1]], sentence)
            assert check_reply(filled).allowed, (event.name, filled, check_reply(filled).faults)


@pytest.mark.parametrize("language", LANGUAGES)
def test_events_belong_to_topics_and_feelings(language: str) -> None:
    topics = set(read_cues(language).topics)
    for event in read_events(language).values():
        assert event.topic is None or event.topic in topics, event.name
        assert event.feeling is None or event.feeling in FEELINGS, event.name
        # A sentence without a slot is needed where the pattern may find none.
        slots = {name.rstrip("0123456789") for pattern in event.patterns for name in pattern.groupindex}
        assert set(SLOT.findall("".join((*event.says, *event.asks, *event.suggests)))) <= slots, event.name


@pytest.mark.parametrize(("text", "language", "name", "slots"), [
    ("My boss used my report.", "en", "credit_taken", {"who": "your boss", "noun": "report"}),
    ("I did not pass my driving test.", "en", "failed_exam", {"thing": "your driving test"}),
    ("Grandma passed away on Monday.", "en", "person_died", {"who": "your grandma"}),
    ("I yelled at our kids.", "en", "lost_temper", {"who": "your kids"}),
    ("高考没过线。", "zh", "failed_exam", {"thing": "高考"}),
    ("我爸去世了。", "zh", "person_died", {"who": "你爸爸"}),
    ("她翻了我的抽屉。", "zh", "privacy_broken", {"noun": "抽屉"}),
])  # fmt: skip
def test_nouns_are_named_as_a_reply_says_them(text: str, language: str, name: str, slots: dict[str, str]) -> None:
    found = find_events(text, language)[0]
    assert (found.event.name, dict(found.slots)) == (name, slots)


@pytest.mark.parametrize(("text", "language"), [
    ("What if I failed the exam?", "en"),
    ("I'd cry if my dog died.", "en"),
    ("要是没考上，我就去工作。", "zh"),
    ("The meeting is at three.", "en"),
    ("会议三点开始。", "zh"),
])  # fmt: skip
def test_what_did_not_happen_is_no_event(text: str, language: str) -> None:
    assert find_events(text, language) == []


def test_a_sentence_that_names_something_is_preferred() -> None:
    (found,) = find_events("My dad died in May.", "en")
    assert all("your dad" in sentence for sentence in found.fill(found.event.says))
    (unnamed,) = find_events("Anna's funeral was on Friday.", "en")
    assert unnamed.fill(unnamed.event.says) == ["I'm so sorry for your loss."]


@pytest.mark.parametrize(("text", "noun", "named"), [
    ("Failed my tractor test. On reversing.", "thing", ("your tractor test", 7)),
    ("I ordered a skip. You delivered a skip. On my car.", "thing", None),
    ("Between my bike and my phone, nothing works.", "thing", None),
    ("My loaf got second at the county show.", "achieved", ("your loaf", 0)),
    ("Gran fell off the step ladder.", "who", ("your gran", 0)),
    ("MY SISTER got in!", "who", ("your sister", 0)),
    ("We lost him at ten. His wife was there.", "who", None),
    ("Mum called me by my brother's name.", "who", ("your mum", 0)),
    ("暖气坏了第十天。", "thing", ("暖气", 0)),
    ("弟弟水痘，一直哭着要挠。", "who", ("你弟弟", 0)),
    ("来大姨妈疼得冒冷汗。", "who", None),
])  # fmt: skip
def test_a_draft_names_only_what_is_clear(text: str, noun: str, named: tuple[str, int] | None) -> None:
    language = "zh" if ord(text[0]) > 0x2E80 else "en"
    assert find_named(text, language, noun) == named  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "words"), [
    ("I failed my driving test again.", "driving test"),
    ("My manager presented my design as her own.", "your design"),
    ("养了十年的猫昨天走了。", "猫"),
    ("我爸今天问我是谁。", "你爸爸"),
])  # fmt: skip
def test_drafts_name_what_happened(text: str, words: str, starter: Predictor) -> None:
    found = reply(text, starter)
    assert found.state is not None
    assert found.state.event is not None
    assert any(words in draft.text for draft in found.drafts)
    assert not {draft.strategy for draft in found.drafts} & {"suggestions", "information"}


def test_an_event_is_named_in_another_language_without_nouns(starter: Predictor) -> None:
    found = reply("我考研没过线。", starter, language="en")
    assert all(draft.text.isascii() for draft in found.drafts)
    assert found.state is not None
    assert found.state.event == "failed_exam"


def _check(score: float, **facts: object) -> RiskCheck:
    known: dict[str, object] = {"signal": True, "level": "concern", "kinds": ("suicide",), "needs_person": True}
    return RiskCheck(**{**known, "score": score, **facts})  # type: ignore[arg-type]


def test_only_a_low_score_alone_is_weak() -> None:
    assert is_weak_signal(_check(0.6))
    assert not is_weak_signal(_check(WEAK_BELOW))
    assert not is_weak_signal(_check(0.6, spans=(RiskSpan(0, 3, "suicide", "oblique", "en.suicide.oblique.1"),)))
    assert not is_weak_signal(_check(0.6, level="high"))
    assert not is_weak_signal(_check(0.6).with_failure("The check failed."))
    failed = RiskCheck(False, "none").with_failure("The check failed.")
    assert not is_weak_signal(failed)
    assert choose_risk([_check(0.6), failed, RiskCheck(False, "none")]) == failed
    assert choose_risk([RiskCheck(False, "none")]) is None


def test_a_weak_signal_gets_drafts_that_ask_gently(starter: Predictor) -> None:
    found = reply(
        "The scan is tomorrow. I keep reading about it at night.", starter, strategy="suggestions", country="GB"
    )
    assert found.hand_off is not None
    assert found.check_in is not None
    assert found.check_in.notified is False
    assert "United Kingdom" in found.check_in.help
    words = read_templates("en")["check_in"]
    assert len(found.drafts) == 3
    for draft in found.drafts:
        assert draft.strategy == "question", "advice is not what a person in danger needs first"
        assert any(ask in draft.text for ask in words["ask"])
        assert any(door in draft.text for door in words["door"])
    assert found.to_dict()["check_in"]["risk"]["needs_person"] is True


def test_good_news_with_a_weak_signal_is_flagged_and_met(starter: Predictor) -> None:
    found = reply("我妈第一次发语音跟我说“妈想你了”，以前她从来不说这种话。", starter)
    assert found.hand_off is not None
    assert found.check_in is not None
    assert found.state is not None
    assert found.state.polarity != "negative"
    assert found.drafts
