"""The check of outgoing replies stops what must not be said, logs why without text, and fails closed."""

from __future__ import annotations

import logging

import pytest

from insula.safety.replies import check
from insula.safety.replies.check import FAULTS, check_reply

STOPPED = [
    ("diagnosis", "Sounds like you have bipolar disorder.", "你这就是抑郁症。"),
    ("medication", "You should just stop the pills.", "把药停了吧。"),
    ("promise", "I promise you will be safe.", "我保证一切都会好起来。"),
    ("claims_feeling", "I know exactly how you feel.", "我太懂你的感受了。"),
    ("claims_human", "I'm a real person, not a bot.", "我是真人，不是机器人。"),
    ("blame", "It's your own fault.", "都怪你自己太敏感。"),
    ("minimising", "At least you still have a job.", "至少你还有工作。"),
    ("toxic_positivity", "Look on the bright side!", "一切都是最好的安排。"),
    ("stereotype", "Men don't cry.", "女人就是情绪化。"),
    ("harm", "No need to call the police.", "别告诉任何人。"),
    ("insult", "You are worthless.", "你就是个废物。"),
    ("secrets", "Please send me your password.", "请把验证码发给我。"),
]
ALLOWED = [
    "That sounds exhausting. What was the hardest part of today?",
    "I am an automatic assistant and not a human; a person will read this.",
    "If you are thinking about killing yourself, please contact the emergency services now.",
    "Please do not change your medication without talking to your doctor.",
    "It is not your fault.",
    "You are not a failure, even if it feels as if you are worthless right now.",
    "He called you an idiot in front of everybody. That must have stung.",
    "Please never send anybody your password.",
    "Have you been skipping meals since then?",
    "谢谢你愿意告诉我。考试没过，又不敢跟爸妈说，听起来你一个人扛了很久。",
    "你现在安全吗？如果有生命危险，请马上联系当地的急救或报警服务。",
    "这不是你的错。",
    "他当着大家骂你废物，那一刻很难堪吧。",
    "请不要把密码告诉任何人，我们也不会问。",
    "你觉得自己没用，这种感觉是从什么时候开始的？",
    "用药的事请先问医生，不要自行停药。",
]


@pytest.mark.parametrize(("fault", "english", "chinese"), STOPPED)
def test_each_fault_is_stopped_in_both_languages(fault: str, english: str, chinese: str) -> None:
    for text in (english, chinese):
        found = check_reply(text)
        assert not found.allowed, text
        assert fault in found.faults
        assert len(found.reasons) == len(found.faults)


def test_every_fault_has_an_example() -> None:
    assert [fault for fault, *_ in STOPPED] == list(FAULTS)


@pytest.mark.parametrize("text", ALLOWED)
def test_a_plain_warm_reply_is_allowed(text: str) -> None:
    assert check_reply(text).allowed, check_reply(text)


def test_the_log_has_the_reason_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="insula.safety"):
        check_reply("You should just stop the pills.")
    assert "medication" in caplog.text
    assert "pills" not in caplog.text


def test_a_reply_that_cannot_be_checked_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not check_reply("Hello.", seconds=0).allowed
    assert not check_reply("a" * 30_000).allowed
    monkeypatch.setattr(check, "FoldedText", None)
    assert check_reply("Hello.").failure is not None
