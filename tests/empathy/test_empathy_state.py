"""What a message is about, how the writer feels, and what they want: from cues and a prediction together."""

from __future__ import annotations

from typing import Any

import pytest

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.prediction import Prediction
from insula.empathy.state import ConversationState, read_state

SCHEME = get_builtin_scheme("goemotions")


def predicted(text: str, label: str = "neutral", score: float = 0.9, *, abstained: bool = False) -> Prediction:
    scores = dict.fromkeys(SCHEME.names, 0.01) | {label: score}
    return Prediction(text=text, labels=(label,), label=label, scores=scores, confidence=score, abstained=abstained)


def read(text: str, label: str = "neutral", score: float = 0.9, **options: Any) -> ConversationState:
    abstained = options.pop("abstained", False)
    return read_state(text, predicted(text, label, score, abstained=abstained), SCHEME, **options)


def test_words_outweigh_a_wrong_prediction() -> None:
    state = read("谢谢你们，太贴心了！", "annoyance", abstained=True)
    assert (state.feeling, state.polarity, state.need) == ("gratitude", "positive", "none")
    state = read("My dad died in March.", "joy")
    assert (state.feeling, state.polarity, state.topic, state.need) == ("grief", "negative", "loss", "heard")


def test_thanks_that_a_sure_model_calls_anger_are_not_cheered() -> None:
    assert read("Thanks a lot, they cancelled my holiday.", "anger").polarity != "positive"


@pytest.mark.parametrize(("text", "label", "abstained"), [
    ("Card got stuck. Smiled at the cashier.", "joy", True),
    ("I left the table and that was funny to them.", "amusement", False),
    ("The phone rang and I was so pleased, but it was an advert.", "joy", False),
    ("生日那天第一个祝我快乐的是运营商。", "joy", False),
])  # fmt: skip
def test_no_cheer_without_a_cue_or_a_sure_plain_answer(text: str, label: str, abstained: bool) -> None:
    assert read(text, label, abstained=abstained).polarity != "positive"


def test_a_prediction_names_the_feeling_where_words_do_not() -> None:
    assert read("It was all for the birds.", "sadness").feeling == "sadness"
    assert read("It was all for the birds.", "sadness", 0.3).feeling is None
    assert read("It was all for the birds.", "sadness", abstained=True).feeling is None


def test_a_negated_word_is_no_cue() -> None:
    assert read("I am not angry about it.").feeling is None
    assert read("我不担心明天的比赛。").feeling is None


def test_cues_of_both_kinds_are_no_good_news() -> None:
    state = read("Thank you, I am so sad that it is over.", "sadness")
    assert state.polarity == "negative"


def test_a_complaint_is_no_joy_whatever_the_model_says() -> None:
    state = read("Great, another update that deletes all my playlists. Well done.", "admiration")
    assert (state.feeling, state.polarity, state.need) == (None, "negative", "fix")


@pytest.mark.parametrize(("text", "need"), [
    ("What should I do?", "advice"),
    ("How do I tell my manager?", "advice"),
    ("I don't know how to tell them.", "none"),
    ("How do I change my password?", "information"),
    ("What time do you open?", "information"),
    ("考研没过，我该怎么办？", "advice"),
    ("怎么修改密码？", "information"),
    ("我不知道怎么跟他说。", "none"),
    ("扣了我两次钱。", "fix"),
    ("你们到底有没有人管？", "fix"),
    ("公积金异地能取吗？", "information"),
    ("Do I tell my tutor?", "advice"),
])  # fmt: skip
def test_needs(text: str, need: str) -> None:
    found = read(text).need
    assert found == need or (need == "none" and found == "heard")


def test_a_topic_is_the_first_that_is_named() -> None:
    assert read("My parents say nursing is no job for a man.").topic == "family"
    assert read("My job is a joke, even my mother says so.").topic == "work"
    assert read("At work nobody knows that my father died.").topic == "loss"
    assert read("Nothing in particular.").topic is None


@pytest.mark.parametrize("text", ["ok", "嗯", "😂", "Fine."])
def test_a_word_is_too_little_for_a_feeling(text: str) -> None:
    assert read(text, "joy").polarity == "unclear"


def test_earlier_messages_give_topic_and_direction() -> None:
    before = predicted("I lost my job.", "sadness")
    state = read("Fine.", "neutral", earlier=[before])
    assert (state.topic, state.polarity, state.need, state.moved) == ("work", "negative", "heard", "same")
    assert read("I got the job!", "joy", earlier=[before]).moved == "better"
    assert read("I got the job!", "joy").moved is None


def test_words_are_read_in_their_own_language() -> None:
    state = read("I failed the exam again.", language="zh")
    assert (state.language, state.topic, state.feeling) == ("zh", "study", "disappointment")


def test_other_schemes_have_a_polarity() -> None:
    scheme = get_builtin_scheme("sentiment3")
    names = dict.fromkeys(scheme.names, 0.0)
    for name, polarity in (("negative", "negative"), ("positive", "positive"), ("neutral", "unclear")):
        prediction = Prediction(text="A b c.", labels=(name,), label=name, scores=names | {name: 0.9}, confidence=0.9)
        state = read_state("A b c.", prediction, scheme)
        assert (state.polarity, state.feeling) == (polarity, None)


@pytest.mark.parametrize(("text", "kind"), [
    ("do you sell gift cards", "fact"),
    ("搬家公司周日上班不", "fact"),
    ("should i go back for my phd at 41", "advice"),
    ("室友打呼噜，怎么提才不尴尬", "advice"),
    ("could u turn the heating up in 204", "request"),
    ("麻烦把周六的座位换到靠窗", "request"),
    ("45 minutes on hold, then the line went dead. Fantastic.", "complaint"),
    ("快递显示签收，可我根本没收到", "complaint"),
    ("Thanks for nothing. Still no internet.", "complaint"),
    ("Please thank the gardener, he was lovely to my dad.", "gratitude"),
    ("The meeting has been moved to room B12.", "notice"),
    ("got in!!! my first choice", "pride"),
    ("五连胜，直接上王者", "pride"),
    ("I passed, but my best friend didn't.", "mixed"),
    ("我考过了，闺蜜没过，我都不敢发朋友圈", "mixed"),
    ("My bike was stolen from the hallway.", "setback"),
    ("健身房跑路了", "setback"),
    ("We painted the kitchen yellow.", "plain"),
    ("住院这几天她一直陪着我妈，我图啥", None),
])  # fmt: skip
def test_the_kind_of_a_message(text: str, kind: str | None) -> None:
    found = read(text, abstained=True).kind
    assert found == kind if kind else found not in ("fact", "request", "advice", "complaint")


@pytest.mark.parametrize("text", [
    "They found her by the river.",
    "They promoted the new guy instead of me.",
    "I dropped the ring in the river on the day he proposed.",
    "爷爷的烟斗还在抽屉里",
    "领导谢了所有人，除了我",
    "The boss thanked everyone but me.",
    "我弟结婚，爸妈出了首付。我结婚那年，他们说女儿是泼出去的水。",
    "He said \"thanks\" and walked out.",
])  # fmt: skip
def test_bad_news_is_never_cheered(text: str) -> None:
    assert read(text, abstained=True).polarity != "positive"
