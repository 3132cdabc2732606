"""The how-to of helpdesks: its functions between a real service and a local server in place of the helpdesk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving_running import running

from hook import Hook
from insula.client import Client
from waiting import DEADLINE, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "helpdesk.md").read_text(encoding="utf-8")
ROUTES = '[[routes]]\nname = "all"\nqueue = "care"\ndeadline = "1h"\npriority = "high"\n'


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The functions and examples of the page."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    return names


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Hook, Hook]]:
    """A relay that insula notifies, and a server in place of a helpdesk."""
    monkeypatch.setattr("insula.operations.outbox.dispatcher.LOOK_SECONDS", 0.02)
    made = Hook(), Hook()
    for hook in made:
        hook.open()
    yield made
    for hook in made:
        hook.close()


def test_messages_go_in_out_and_back(
    linear_model: Path, tmp_path: Path, page: dict[str, Any], hooks: tuple[Hook, Hook]
) -> None:
    relay, helpdesk = hooks
    (tmp_path / "routes.toml").write_text(ROUTES, encoding="utf-8")
    options = {
        "store": {"address": str(tmp_path / "data")},
        "handoff": {"routes": str(tmp_path / "routes.toml"), "check_seconds": 0.1, "explain_ms": 0},
        "receivers": [{"name": "relay", "kind": "webhook", "url": relay.url}],
    }
    zendesk = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert zendesk is not None
    filled = zendesk[1].replace("{{ticket.id}}", "35").replace("{{ticket.updated_at_with_timestamp}}", "2026-11-30")
    sent = [json.loads(filled), page["from_chatwoot"](page["chat"]), page["from_zammad"](page["mail"])]
    assert sent[2]["messages"][0]["text"] == "Two hours on hold!"
    with running(linear_model, **options) as service, Client(service.address) as client:
        for body in (*sent, sent[0]):  # a helpdesk may send a message twice
            answer = service.post("/v1/route", body).json()["messages"][0]
            assert answer["case"]["state"] == "waiting"
        wait_until(lambda: len(relay.received) == 3, "the cases are not reported")
        base = helpdesk.url.removesuffix("/hook")
        for _, content in relay.received:
            for method, path, body in page["to_update"](json.loads(content)):
                httpx2.request(method, f"{base}{path}", json=body, timeout=DEADLINE).raise_for_status()
        assert sorted(helpdesk.requests) == [
            "POST /api/v1/accounts/1/conversations/12/messages",
            "POST /api/v1/accounts/1/conversations/12/toggle_priority",
            "PUT /api/v1/tickets/5",
            "PUT /api/v2/tickets/35.json",
        ]
        told = {one: json.loads(body) for one, (_, body) in zip(helpdesk.requests, helpdesk.received, strict=True)}
        ticket = told["PUT /api/v2/tickets/35.json"]["ticket"]
        assert (ticket["priority"], ticket["comment"]["public"]) == ("high", False)
        assert "was opened in the queue care" in ticket["comment"]["body"]
        assert told["PUT /api/v1/tickets/5"]["priority"] == "3 high"
        assert "hold" not in json.dumps(told)  # the words of the message stay here
        (closed,) = page["close_cases"](client, "zendesk", "35", "ann")
        case = client.cases.show(closed)
        assert (case["state"], case["outcome"], case["events"][-1]["actor"]) == ("closed", "solved", "ann")
        assert page["close_cases"](client, "zendesk", "35", "ann") == []
        assert len(client.cases.find()) == 2
        wait_until(lambda: len(relay.received) == 5, "reassignment and end are not reported")


def test_what_agents_write_gets_no_case(page: dict[str, Any]) -> None:
    assert page["from_chatwoot"](page["chat"] | {"message_type": "outgoing"}) is None
    note = page["article"] | {"internal": True}
    assert page["from_zammad"](page["mail"] | {"article": note}) is None
    other = {"summary": "", "data": {"source": "mail", "message": "m-1", "risk": "none"}}
    assert page["to_update"](other) == []
