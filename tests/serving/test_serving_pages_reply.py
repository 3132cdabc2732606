"""The page that drafts replies, without JavaScript: drafts, danger, and what goes wrong."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from serving_running import Running, running
from serving_visiting import EVIL, Visitor

from insula.serving.pages.sentences.reply_words import REPLY_CHINESE, REPLY_ENGLISH
from insula.serving.pages.words import WORDS
from insula.serving.queueing import safety_queue

SAD = "I failed the exam again. I can't tell my parents."
HTMX = {"HX-Request": "true"}


def drafts_of(page: str) -> list[str]:
    """Return the drafts on a page."""
    return [html.unescape(one) for one in re.findall(r'<textarea id="draft-\d"[^>]*>\n(.*?)</textarea>', page, re.S)]


def test_the_page_has_the_state_and_the_drafts_of_the_api(served: Running) -> None:
    visitor = Visitor(served)
    wanted = served.post("/v1/reply", {"text": SAD, "model": "linear-single"}).json()
    for headers in ({}, HTMX):
        answer = visitor.send("/pages/reply", page="/reply", text=SAD, model="linear-single", headers=headers)
        assert answer.status_code == 200
        assert drafts_of(answer.text) == [draft["text"] for draft in wanted["drafts"]]
        assert answer.text.count(REPLY_ENGLISH["reply_made"]) >= len(wanted["drafts"])
        for name in ("topic_study", "need_heard", "reply_risk_none", f"strategy_{wanted['drafts'][0]['strategy']}"):
            assert REPLY_ENGLISH[name] in answer.text
        assert ("<html" in answer.text) == (headers == {})


def test_earlier_turns_language_and_strategy_count(served: Running) -> None:
    visitor = Visitor(served)
    fields = {"text": "Fine.", "turns": "A: I lost my job.\nB: How are you?", "speaker": "A", "model": "linear-single"}
    whole = visitor.send("/pages/reply", page="/reply", **fields).text
    assert REPLY_ENGLISH["topic_work"] in whole
    chinese = visitor.send("/pages/reply", page="/reply?lang=zh", lang="zh", drafts_in="zh", text=SAD).text
    assert REPLY_CHINESE["reply_state"] in chinese
    assert 'lang="zh-CN"' in chinese
    assert re.search("[\u4e00-\u9fff]", drafts_of(chinese)[0])
    one = visitor.send("/pages/reply", page="/reply", text=SAD, strategy="question").text
    assert len(drafts_of(one)) == one.count(f": {REPLY_ENGLISH['strategy_question']}</h3>")


@pytest.mark.parametrize(
    ("language", "text"), [("en", "I am going to kill myself tonight."), ("zh", "我今晚就去死，绳子准备好了。")]
)
def test_danger_has_no_draft_but_help(served: Running, language: str, text: str) -> None:
    page = Visitor(served).send("/pages/reply", page=f"/reply?lang={language}", lang=language, text=text, country="GB")
    assert page.status_code == 200
    assert drafts_of(page.text) == []
    for name in ("reply_danger", "reply_nobody", "level_name_immediate", "reply_made"):
        assert WORDS[language][name] in page.text
    assert ("United Kingdom" if language == "en" else "英国") in page.text


def test_a_weak_signal_is_shown_before_the_drafts(served: Running) -> None:
    text = "The scan is tomorrow. I keep reading about it at night."
    page = Visitor(served).send("/pages/reply", page="/reply", text=text, country="GB", model="linear-single").text
    assert REPLY_ENGLISH["reply_risk_weak"] in page
    assert page.index("A weak signal of danger.") < page.index('id="draft-1"')
    assert len(drafts_of(page)) == 3


def test_what_fails_is_shown_on_the_page(served: Running, linear_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, say = Visitor(served), REPLY_ENGLISH
    assert visitor.get("/reply").status_code == 200
    assert visitor.post("/pages/reply", data={"text": SAD}).status_code == 403
    empty = visitor.send("/pages/reply", page="/reply", text=" ")
    assert (empty.status_code, WORDS["en"]["problem_empty"] in empty.text) == (422, True)
    assert visitor.send("/pages/reply", page="/reply", text="long " * 5000).status_code == 413
    shown = visitor.send("/pages/reply", page="/reply", text=EVIL, turns=EVIL, speaker=EVIL[:200]).text
    assert "<script>alert" not in shown
    assert "<img" not in shown

    def fail(texts: object) -> None:
        raise OSError

    monkeypatch.setattr(safety_queue, "check_messages", fail)
    unchecked = visitor.send("/pages/reply", page="/reply", text=SAD)
    assert unchecked.status_code == 200
    assert drafts_of(unchecked.text) == []
    assert say["reply_unchecked"] in unchecked.text
    with running(linear_model, safety={"enabled": False}) as service:
        off = Visitor(service).send("/pages/reply", page="/reply", text=SAD)
        assert (off.status_code, WORDS["en"]["problem_disabled"] in off.text) == (501, True)
