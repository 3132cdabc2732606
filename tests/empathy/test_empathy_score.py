"""Scores of empathy by rules: levels, the words that show them, and no reward for length."""

from __future__ import annotations

import importlib.util
import random
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from insula import ModelInput, Turn, score_empathy
from insula.core.errors import DataError
from insula.empathy.scoring.rules import score_by_rules
from insula.empathy.scoring.score import get_message

SCRIPT = Path(__file__).parents[2] / "scripts" / "fit_empathy_scorer.py"
FAILED = "I failed the exam again. I can't tell my parents."
PLAIN = "The form is on the second floor."
CASES = [  # message, reply, levels of emotional reaction, interpretation, exploration
    (FAILED, PLAIN, (0, 0, 0)),
    (FAILED, "I am so worried about you.", (2, 0, 0)),
    (FAILED, "Hang in there, things will get better.", (1, 0, 0)),
    (FAILED, "Sorry, but I don't see the problem.", (0, 0, 0)),
    (FAILED, "I understand how you feel.", (0, 1, 0)),
    (FAILED, "That must be really hard.", (0, 2, 0)),
    (FAILED, "I failed twice myself when I was your age.", (0, 2, 0)),
    (FAILED, "What happened?", (0, 0, 1)),
    (FAILED, "What are you most afraid of when you think of telling your parents?", (0, 0, 2)),
    (FAILED, "Why don't you just tell them?", (0, 0, 0)),
    (FAILED, "Have you tried a tutor?", (0, 0, 0)),
    ("我又没考上。", "表格在二楼领取。", (0, 0, 0)),
    ("我又没考上。", "好心疼你。", (2, 0, 0)),
    ("我又没考上。", "抱抱，加油！", (1, 0, 0)),
    ("我又没考上。", "我理解你的感受。", (0, 1, 0)),
    ("我又没考上。", "听起来你已经筋疲力尽了。", (0, 2, 0)),
    ("我又没考上。", "怎么了？", (0, 0, 1)),
    ("我又没考上。", "你最担心爸妈说什么？", (0, 0, 2)),
    ("我又没考上。", "你为什么不直接问他们？", (0, 0, 0)),
]


def get_levels(message: str, reply: str) -> tuple[int, ...]:
    return tuple(one.level for one in score_by_rules(message, reply).mechanisms.values())


@pytest.fixture(scope="module")
def fitting() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_empathy_scorer", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("message", "reply", "levels"), CASES)
def test_plain_cases_get_their_levels(message: str, reply: str, levels: tuple[int, int, int]) -> None:
    assert get_levels(message, reply) == levels


@pytest.mark.parametrize("language", ["en", "zh"])
def test_scores_do_not_rise_with_length(fitting: ModuleType, language: str) -> None:
    fluff = [one.text for one in fitting.read_sentences(language, held_out=False)[0]]
    fluff = [text for text in fluff if get_levels("", text) == (0, 0, 0)]
    draw, raised = random.Random(3), 0
    pairs = list(fitting.build_pairs(language, 30, held_out=True))
    for pair in pairs:
        space = " " if language == "en" else ""
        padding = space.join(draw.choices(fluff, k=20))
        before = score_by_rules(pair.message, pair.reply)
        padded = [
            score_by_rules(pair.message, text)
            for text in (f"{pair.reply}{space}{padding}", f"{padding}{space}{pair.reply}", f"{pair.reply}\n" * 5)
        ]
        for after in padded:
            raised += any(
                one.scores[0] < before.mechanisms[name].scores[0] - 1e-9 for name, one in after.mechanisms.items()
            )
    assert raised == 0


def test_words_are_at_their_offsets() -> None:
    reply = "Hi!  I’m so sorry, that sounds awful…\n\nWhat did they say to you?"
    score = score_by_rules(FAILED, reply)
    shown = [words for one in score.mechanisms.values() for words in one.words]
    assert [reply[words.start : words.end] for words in shown] == [words.text for words in shown]
    assert score.emotional_reaction.words[0].text == "I’m so sorry"
    assert score.exploration.words[0].text == "What did they say to you?"


def test_what_is_missing_is_in_the_reply_s_language() -> None:
    english, chinese = score_by_rules(FAILED, PLAIN), score_by_rules(FAILED, "表格在二楼领取。")
    assert "open question" in str(english.exploration.missing)
    assert "问一个开放的问题" in str(chinese.exploration.missing)
    assert score_by_rules(FAILED, "That must be hard.").interpretation.missing is None


def test_a_feeling_of_the_message_counts_if_named() -> None:
    reply = "There is a lot of anger in what you write."
    assert score_by_rules("They gave it to him.", reply).interpretation.level == 0
    assert score_by_rules("They gave it to him.", reply, "anger").interpretation.level > 0


def test_the_shipped_weights_are_those_of_the_script(fitting: ModuleType) -> None:
    fitted, shipped = (tomllib.loads(text) for text in (fitting.build_table(), fitting.WEIGHTS.read_text("utf-8")))
    for mechanism, row in shipped.items():
        assert fitted[mechanism]["cuts"] == pytest.approx(row["cuts"], abs=0.21)
        assert fitted[mechanism]["cues"] == pytest.approx(row["cues"], abs=0.21)


def test_a_reply_answers_the_last_turns_of_others() -> None:
    turns = (Turn("Hi", "B"), Turn("It broke.", "A"), Turn("Twice.", "A"), Turn("Oh no.", "B"))
    assert get_message(ModelInput("What now?", turns=turns, speaker="B")) == "It broke.\nTwice."
    assert get_message(ModelInput("What now?", turns=turns[:1], speaker="B")) == ""
    assert get_message(ModelInput("What now?", turns=turns[1:2])) == "It broke."


def test_pairs_are_scored_in_order_and_none_is_empty() -> None:
    found = score_empathy([(FAILED, PLAIN), ModelInput("好心疼你。", turns=(Turn("我又没考上。"),))])
    assert [(one.total, one.language, one.scorer) for one in found] == [(0, "en", "rules"), (2, "zh", "rules")]
    assert score_empathy([]) == []
    with pytest.raises(DataError, match="The reply of pair 2 must have text"):
        score_empathy([(FAILED, PLAIN), (FAILED, " ")])


def test_a_sentence_without_an_end_is_read_to_its_end() -> None:
    reply = "i " * 6_000 + "am so worried about you"
    (words,) = score_by_rules(FAILED, reply).emotional_reaction.words
    assert reply[words.start : words.end].endswith("worried about you")
    assert score_by_rules(FAILED, "so, " * 30 + "what are you most afraid of?").exploration.level == 2
