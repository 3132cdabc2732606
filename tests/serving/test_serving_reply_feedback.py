"""`POST /v1/reply/feedback` and the page: what people did with drafts, recorded without a word of any text."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running
from serving_visiting import Visitor

from insula.client import AsyncClient, Client
from insula.core.errors import DataError, ServiceError
from insula.empathy.policy.choice import Choice
from insula.empathy.policy.outcomes import read_outcomes
from insula.serving.pages.words import WORDS
from insula.serving.routes.reply import FEEDBACK_EXAMPLES

SAD = "I failed the exam again. I can't tell my parents."
WEAK = "Some nights I wish I could just not be here for a while."
DANGER = "I am going to kill myself tonight."


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outcomes") / "outcomes.jsonl"


@pytest.fixture(scope="module")
def exploring(linear_model: Path, log: Path) -> Iterator[Running]:
    """A service that explores and records outcomes."""
    with running(linear_model, reply={"policy": "explore", "outcomes": str(log)}) as service:
        yield service


def draft(service: Running, text: str = SAD, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = service.post("/v1/reply", {"text": text, **options}).json()
    return found


def test_an_outcome_is_appended_to_the_log(exploring: Running, log: Path) -> None:
    answer = draft(exploring, n=1)
    choice = answer["choice"]
    assert [one["strategy"] for one in answer["drafts"]] == [choice["strategy"]]
    sent = exploring.post("/v1/reply/feedback", {"choice": choice, "action": "edited", "used": "affirmation"})
    assert (sent.status_code, sent.json()) == (201, {"kept": True})
    kept = {one.choice.id: one for one in read_outcomes(log).outcomes}[choice["id"]]
    assert (kept.action, kept.used, kept.choice.to_dict()) == ("edited", "affirmation", choice)
    assert "exam" not in log.read_text(encoding="utf-8")


def test_clients_send_feedback(exploring: Running, log: Path) -> None:
    async def ask() -> Choice:
        async with AsyncClient(exploring.address) as client:
            choice = (await client.reply(SAD)).choice
            assert choice is not None
            await client.send_reply_feedback(choice, "rejected")
            return choice

    with Client(exploring.address) as client:
        choice = client.reply(SAD).choice
        assert choice is not None
        client.send_reply_feedback(choice, "sent")
        client.send_reply_feedback(choice.to_dict(), "edited", used=choice.candidates[-1])
        with pytest.raises(ServiceError, match="answered 422") as caught:
            client.send_reply_feedback({**choice.to_dict(), "version": "other"}, "sent")
    assert (caught.value.status, caught.value.code) == (422, "validation")
    other = asyncio.run(ask())
    kept = {one.choice.id: (one.action, one.used) for one in read_outcomes(log).outcomes}
    assert kept[choice.id] == ("edited", choice.candidates[-1])
    assert kept[other.id][0] == "rejected"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probabilities": [0.2, 0.4, 0.4]}, "not those of the policy"),
        ({"version": "other"}, "the policy has changed"),
        ({"policy": "thompson"}, "the policy has changed"),
        ({"why": "risk"}, "not those of the policy"),
        ({"strategy": "shouting"}, "strategy"),
        ({"id": "x" * 101}, "id"),
        ({"text": SAD}, "is not known"),
        ({"context": {"feeling": SAD}}, "context"),
        ({"candidates": ["question"], "probabilities": [0.5]}, "not one that insula made"),
    ],
)
def test_what_this_service_did_not_choose_is_refused(
    exploring: Running, log: Path, change: dict[str, Any], words: str
) -> None:
    choice = draft(exploring)["choice"]
    before = log.read_bytes() if log.exists() else b""
    answer = exploring.post("/v1/reply/feedback", {"choice": {**choice, **change}, "action": "sent"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    assert words in answer.text
    assert (log.read_bytes() if log.exists() else b"") == before


def test_a_danger_is_not_chosen_about(exploring: Running) -> None:
    assert draft(exploring, DANGER)["choice"] is None
    for _ in range(10):
        weak = draft(exploring, WEAK)
        assert weak["check_in"] is not None
        assert (weak["choice"]["why"], weak["choice"]["probabilities"][0]) == ("risk", 1.0)
    assert draft(exploring, strategy="question")["choice"]["why"] == "named"


@pytest.mark.parametrize("example", FEEDBACK_EXAMPLES)
def test_the_examples_of_the_document_are_accepted(linear_model: Path, tmp_path: Path, example: str) -> None:
    with running(linear_model, reply={"policy": "rules", "outcomes": str(tmp_path / "log.jsonl")}) as service:
        shown = service.get("/openapi.json").json()["paths"]["/v1/reply/feedback"]["post"]["requestBody"]
        body = shown["content"]["application/json"]["examples"][example]["value"]
        for given in (body, drop_nulls(body)):  # the page of the API shows the second form
            assert service.post("/v1/reply/feedback", given).status_code == 201
    (kept,) = read_outcomes(tmp_path / "log.jsonl").outcomes
    assert kept.action == body["action"]


def drop_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: drop_nulls(one) for name, one in value.items() if one is not None}


def test_without_a_log_nothing_is_recorded(linear_model: Path, exploring: Running) -> None:
    choice = draft(exploring)["choice"]
    with running(linear_model) as plain:
        assert draft(plain)["choice"] is None
        answer = plain.post("/v1/reply/feedback", {"choice": choice, "action": "sent"})
        assert (answer.status_code, answer.json()["code"]) == (501, "disabled")
        assert 'id="outcome"' not in Visitor(plain).send("/pages/reply", page="/reply", text=SAD).text


def test_a_service_does_not_start_with_an_unusable_policy(linear_model: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text("{}", encoding="utf-8")
    with (
        pytest.raises(DataError, match="cannot be used"),
        running(linear_model, reply={"policy": str(tmp_path / "policy.json")}),
    ):
        pass


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["form", "htmx"])
def test_the_page_records_an_explicit_choice(
    exploring: Running, log: Path, language: str, headers: dict[str, str]
) -> None:
    visitor, say = Visitor(exploring), WORDS[language]
    page = visitor.send("/pages/reply", page=f"/reply?lang={language}", lang=language, text=SAD, headers=headers).text
    assert page.count(say["outcome_button_sent"]) == page.count('<textarea id="draft-')
    choice = html.unescape(re.findall(r'name="choice" value="([^"]*)"', page)[0])
    fields = {"page": f"/reply?lang={language}", "lang": language, "choice": choice}
    for did, words in (("sent:question", "outcome_sent"), ("rejected", "outcome_rejected")):
        answer = visitor.send("/pages/reply/feedback", did=did, headers=headers, **fields)
        assert (answer.status_code, say[words] in answer.text) == (200, True)
        assert ("<html" in answer.text) == (headers == {})
    kept = {one.choice.id: one for one in read_outcomes(log).outcomes}[json.loads(choice)["id"]]
    assert kept.action == "rejected", "the last answer counts"
    for wrong in ({"did": "liked"}, {"choice": "{"}, {"did": ""}):
        assert visitor.send("/pages/reply/feedback", **{"did": "rejected", **fields, **wrong}).status_code == 422
    assert visitor.post("/pages/reply/feedback", data={"did": "rejected", "choice": choice}).status_code == 403


def test_the_page_does_not_ask_after_a_danger(exploring: Running) -> None:
    for text in (DANGER, WEAK):
        page = Visitor(exploring).send("/pages/reply", page="/reply", text=text).text
        assert 'id="outcome"' not in page
