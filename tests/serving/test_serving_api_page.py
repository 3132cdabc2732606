"""`/docs`: every operation of the API with commands that work, from this server alone."""

from __future__ import annotations

import html
import json
import re
import shlex

import httpx2
from serving_running import Running

from insula.serving.pages.rendering import POLICY
from insula.serving.pages.words import TAGS, WORDS
from waiting import DEADLINE

SKIPPED = ("batches", "feedback", "predictions", "queue", "reply/feedback", "route")
"""Commands that need files, a store, a queue or rules, which the service does not have."""


def _page(service: Running) -> httpx2.Response:
    answer = service.get("/docs")
    assert answer.status_code == 200
    return answer


def test_every_operation_is_on_the_page(served: Running) -> None:
    page, document = _page(served).text, served.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, facts in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page
            assert html.escape(facts["summary"], quote=False).replace("'", "&#39;") in page


def test_its_examples_are_commands_that_work(served: Running) -> None:
    commands = [
        html.unescape(command) for command in re.findall(r"<pre[^>]*><code>(.*?)</code>", _page(served).text, re.S)
    ]
    tried = 0
    for command in commands:
        words = [word for word in shlex.split(command) if word.strip()]
        if "-d" not in words or any(f"/v1/{name}" in words[1] for name in SKIPPED):
            continue
        address = words[1].replace("{name}", served.service.models.default.name)
        assert (
            httpx2.post(address, json=json.loads(words[words.index("-d") + 1]), timeout=DEADLINE).status_code == 200
        ), command
        tried += 1
    assert tried >= 9


def test_it_loads_nothing_from_elsewhere(served: Running) -> None:
    answer = _page(served)
    assert answer.headers["content-security-policy"] == POLICY
    assert not re.findall(r'(?:src|href)="(?!/|#)', answer.text)
    assert "<style" not in answer.text
    assert "<script" not in answer.text


def test_its_frame_is_in_the_visitor_s_language(served: Running) -> None:
    for language, words in WORDS.items():
        page = served.get("/docs", params={"lang": language}).text
        assert f'lang="{TAGS[language]}"' in page
        for name in ("api", "api_title", "api_scope", "api_parameters", "api_command", "api_answers"):
            assert words[name] in page
        assert "up to <code>context_turns</code> turns" in page
        assert ('<p lang="en">' in page) == (language != "en")
