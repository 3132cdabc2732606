"""Receivers of a service: notified of cases whichever process changes them, until they have everything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from serving_running import running
from typer.testing import CliRunner

from hook import Hook
from insula.api.handoff import open_queue
from insula.cli.app import app
from insula.core.errors import SettingsError
from insula.operations.handoff.cases import NewCase
from insula.operations.outbox import outbox as outbox_module
from insula.operations.outbox.senders import sign
from insula.serving.settings.config_file import to_toml
from insula.serving.settings.settings import load_settings
from waiting import wait_until

SECRET = "a secret that nobody guesses"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A webhook that is open; attempts follow each other soon."""
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE", timedelta(seconds=0.1))
    monkeypatch.setattr("insula.operations.outbox.dispatcher.LOOK_SECONDS", 0.02)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    made = Hook()
    made.open()
    yield made
    made.close()


def options(store: Path, *receivers: dict[str, Any], **handoff: Any) -> dict[str, Any]:
    """Return the settings of a service with receivers."""
    return {
        "store": {"address": str(store)},
        "handoff": {"enabled": True, "check_seconds": 0.1, **handoff},
        "receivers": receivers,
    }


def test_cases_are_notified_and_signed(linear_model: Path, tmp_path: Path, hook: Hook) -> None:
    store = tmp_path / "data"
    ops = {"name": "ops", "kind": "webhook", "url": hook.url, "secret_env": "HOOK_SECRET"}
    desk = {**ops, "name": "desk", "texts": "masked", "events": ["case.opened"]}
    with open_queue(store) as queue:
        queue.open(NewCase(message="before", text="no receiver is subscribed yet"))
    with running(linear_model, **options(store, ops, desk)) as service:
        with open_queue(store) as queue:  # another process, which knows no receivers
            (case,) = queue.open(NewCase(message="m-1", text="call anna@example.org", deadline=1))
        wait_until(lambda: "case.escalated" in events(hook), "the late case is not reported")
        assert service.post(f"/v1/queue/{case.id}/claim", {}).status_code == 200
        assert service.post(f"/v1/queue/{case.id}/reassign", {"to": "ben"}).status_code == 200
        hook.status = 500
        assert service.post(f"/v1/queue/{case.id}/close", {"outcome": "called", "agent": "ben"}).status_code == 200
        waits = re.compile(rb'insula_notifications{state="waiting"} [1-9]')
        wait_until(lambda: waits.search(service.service.telemetry.export()), "the metric does not show what waits")
        hook.status = 200
        wait_until(lambda: "case.closed" in events(hook), "the end is not reported")
    assert sorted(events(hook)) == [
        "case.closed", "case.escalated", "case.opened", "case.opened", "case.reassigned",
    ]  # fmt: skip
    for headers, body in hook.received:
        moment = int(headers["insula-signature"].partition(",")[0].removeprefix("t="))
        assert headers["insula-signature"] == sign(SECRET, moment, body)
    told = [json.loads(body)["data"] for _, body in hook.received]
    assert {data["case"] for data in told} == {case.id}
    assert [data["text"] for data in told if "text" in data] == ["call [EMAIL]"]
    shown = CliRunner().invoke(app, ["store", "deliveries", "--store", str(store), "--json"])
    assert {row["state"] for row in json.loads(shown.output)} == {"delivered"}


def events(hook: Hook) -> list[str]:
    """Return the events that a webhook was notified of."""
    return [json.loads(body)["event"] for _, body in hook.received]


def test_what_happens_without_a_service_is_sent_by_the_next(linear_model: Path, tmp_path: Path, hook: Hook) -> None:
    ops = {"name": "ops", "kind": "slack", "url": hook.url, "texts": "masked"}
    with running(linear_model, **options(tmp_path, ops)):
        pass
    opened = CliRunner().invoke(app, ["queue", "open", "help me", "--message", "m-1", "--store", str(tmp_path)])
    assert opened.exit_code == 0, opened.output
    with running(linear_model, **options(tmp_path, ops)):
        wait_until(lambda: hook.received, "the notification was lost")
    text = json.loads(hook.received[0][1])["text"]
    assert text.startswith("Case 1 was opened in the queue default")
    assert text.endswith("\n&gt; help me")


def test_a_receiver_that_has_left_the_settings(
    linear_model: Path, tmp_path: Path, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    ops = {"name": "old chat", "kind": "slack", "url": hook.url}
    with running(linear_model, **options(tmp_path, ops)):
        pass
    with running(linear_model, **options(tmp_path)):
        assert "insula store deliveries --stop 'old chat'" in caplog.text
        with open_queue(tmp_path) as queue:
            queue.open(NewCase(message="m-1"))
    command = ["store", "deliveries", "--stop", "old chat", "--store", str(tmp_path)]
    assert CliRunner().invoke(app, command).output == "deleted  1 notification\n"
    again = CliRunner().invoke(app, command)
    assert (again.exit_code, "no notifications for the receiver 'old chat'" in again.output) == (1, True)


RECEIVER = '[[receivers]]\nname = "ops"\nkind = "slack"\nurl = "https://example.org/a"\n'
ENABLED = "[handoff]\nenabled = true\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (RECEIVER, "Set handoff.enabled"),
        (ENABLED + RECEIVER * 2, "Got 'ops' twice. Rename one."),
        (ENABLED + RECEIVER + 'events = ["case.late"]', "must match some of case.opened"),
        (ENABLED + RECEIVER + 'texts = "all"', "In [[receivers]] number 1: texts must be 'none' or 'masked'"),
        (ENABLED + RECEIVER + 'evnts = ["case.*"]', "Did you mean 'events'"),
        (ENABLED + '[[receivers]]\nname = "ops"\nkind = "webhook"\n', "webhook needs url"),
    ],
)
def test_wrong_receivers(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(file, environment={})
    assert said in str(error.value)


def test_a_secret_that_is_not_set_stops_the_start(linear_model: Path, tmp_path: Path) -> None:
    ops = {"name": "ops", "kind": "slack", "url": "https://example.org", "secret_env": "NOT_SET_ANYWHERE"}
    with pytest.raises(SettingsError, match="NOT_SET_ANYWHERE"), running(linear_model, **options(tmp_path, ops)):
        pass


def test_receivers_are_printed_and_read_again(tmp_path: Path) -> None:
    given = {"handoff": {"enabled": True}, "receivers": [
        {"name": "ops", "kind": "webhook", "url": "https://example.org/a", "secret_env": "S", "texts": "masked"},
        {"name": "team", "kind": "email", "host": "mail.example.org", "sender": "a@b.c", "to": ["x@y.z"]},
    ]}  # fmt: skip
    settings = load_settings(environment={}, given=given)
    file = tmp_path / "serve.toml"
    file.write_text(to_toml(settings), encoding="utf-8")
    assert load_settings(file, environment={}) == settings
    variable = {"INSULA_SERVE_RECEIVERS": json.dumps(given["receivers"])}
    assert load_settings(environment=variable, given={"handoff": {"enabled": True}}) == settings
    assert "# [[receivers]]" in to_toml(load_settings(environment={}))
