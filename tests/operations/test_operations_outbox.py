"""Notifications: stored with what they report, sent until they arrive, to real webhooks and a real mail server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError

from debian_services import free_port
from hook import Hook
from insula.core.errors import ServiceError, SettingsError
from insula.operations.outbox import outbox as outbox_module
from insula.operations.outbox.dispatcher import Dispatcher
from insula.operations.outbox.outbox import ATTEMPTS, Delivery, Notification, Outbox, add_notifications
from insula.operations.outbox.receivers import Receiver
from insula.operations.outbox.senders import send, sign
from insula.operations.store.database import Database
from insula.operations.store.tables import OUTBOX
from waiting import wait_until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ALERT = Notification("alert.raised", "alert.raised 1", "Alert anger: 20% <of> messages.", {"rule": "愤怒"})


@pytest.fixture
def hook() -> Iterator[Hook]:
    """An open webhook."""
    made = Hook()
    made.open()
    yield made
    made.close()


def delivery(notification: Notification = ALERT) -> Delivery:
    """Return a delivery that is not stored."""
    return Delivery(1, "ops", notification, NOW, 0, NOW, "waiting", None)


def add(database: Database, *receivers: Receiver, notifications: tuple[Notification, ...] = (ALERT,)) -> None:
    """Store notifications."""
    with database.begin_write() as connection:
        add_notifications(database, connection, notifications, receivers, database.now(connection))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that follow each other at once."""
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE", outbox_module.FIRST_PAUSE * 0)
    monkeypatch.setattr("insula.operations.outbox.dispatcher.LOOK_SECONDS", 0.01)


def test_webhook_is_signed(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    send(Receiver(name="ops", kind="webhook", url=hook.url, secret_env="HOOK_SECRET"), delivery())
    ((headers, body),) = hook.received
    row = json.loads(body)
    assert (row["event"], row["key"], row["data"]) == ("alert.raised", "alert.raised 1", {"rule": "愤怒"})
    moment = int(headers["insula-signature"].partition(",")[0].removeprefix("t="))
    assert abs(moment - time.time()) < 100
    assert headers["insula-signature"] == sign("s3cret", moment, body)
    assert headers["insula-signature"] != sign("s3cret", moment, body + b" ")
    assert headers["insula-delivery"] == "alert.raised%201"


def test_slack_gets_its_json(hook: Hook) -> None:
    send(Receiver(name="chat", kind="slack", url=hook.url), delivery())
    assert json.loads(hook.received[0][1]) == {"text": "Alert anger: 20% &lt;of&gt; messages."}


@pytest.mark.parametrize(
    ("status", "pause", "reason"), [(500, 0.0, "status 500"), (302, 0.0, "status 302"), (200, 1.0, "does not answer")]
)
def test_receiver_that_does_not_accept(hook: Hook, status: int, pause: float, reason: str) -> None:
    hook.status, hook.pause = status, pause
    with pytest.raises(ServiceError, match=reason):
        send(Receiver(name="ops", kind="webhook", url=hook.url, seconds=0.3), delivery())


class Mailbox:
    """What a mail server accepts; it rejects the address `gone@example.org`."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 - the names are those of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == "gone@example.org":
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[int, Mailbox]]:
    """The port of a mail server, and what it accepts."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port, box
    controller.stop()


def test_mail_is_sent(mailbox: tuple[int, Mailbox]) -> None:
    port, box = mailbox
    settings: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "insula@example.org"}
    receiver = Receiver(name="team", kind="email", to=("ann@example.org", "gone@example.org"), **settings)
    assert "gone@example.org" in (send(receiver, delivery()) or "")
    (envelope,) = box.messages
    assert envelope.rcpt_tos == ["ann@example.org"]
    text = envelope.content.decode() if isinstance(envelope.content, bytes) else str(envelope.content)
    assert "Subject: [insula] Alert anger: 20% <of> messages." in text
    with pytest.raises(ServiceError, match="does not accept the message"):
        send(receiver.model_copy(update={"to": ("gone@example.org",)}), delivery())
    with pytest.raises(ServiceError, match="does not accept the message"):
        send(receiver.model_copy(update={"security": "starttls"}), delivery())


def test_summary_cannot_add_a_header(mailbox: tuple[int, Mailbox]) -> None:
    port, box = mailbox
    receiver = Receiver(
        name="team", kind="email", host="127.0.0.1", port=port, security="none", sender="a@b.c", to=("ann@example.org",)
    )
    send(receiver, delivery(Notification("alert.raised", "k\r\nBcc: x@y.z", "hi\r\nBcc: x@y.z", {})))
    content = box.messages[0].content
    assert isinstance(content, bytes)
    assert b"\nBcc:" not in content.partition(b"\r\n\r\n")[0]


def test_notification_is_stored_once_for_those_who_want_it(database: Database) -> None:
    ops = Receiver(name="ops", kind="webhook", url="https://example.org/a")
    late = Receiver(name="late", kind="slack", url="https://example.org/b", events=("case.*",))
    add(database, ops, late)
    add(database, ops, late)
    assert [(one.receiver, one.state) for one in Outbox(database).list_deliveries()] == [("ops", "waiting")]


def test_receiver_that_is_down_gets_everything_later(database: Database, hook: Hook, quick: None) -> None:
    hook.close()
    receiver = Receiver(name="ops", kind="webhook", url=hook.url, seconds=5)
    some = tuple(Notification("alert.raised", f"n{number}", "An alert.", {}) for number in range(5))
    add(database, receiver, notifications=some)
    said: list[str] = []
    with Dispatcher(database, [receiver], say=said.append):
        wait_until(lambda: said, "no attempt fails")
        hook.open()
        wait_until(lambda: len(hook.received) == 5, "not all notifications arrive")
    assert "will be sent again" in said[0]
    assert sorted(json.loads(body)["key"] for _, body in hook.received) == [one.key for one in some]
    assert {one.state for one in Outbox(database).list_deliveries()} == {"delivered"}


def test_two_processes_send_each_notification_once(database: Database, hook: Hook, quick: None) -> None:
    receiver = Receiver(name="ops", kind="webhook", url=hook.url, seconds=120)  # an attempt that times out is repeated
    some = tuple(Notification("alert.raised", f"n{number}", "An alert.", {}) for number in range(20))
    add(database, receiver, notifications=some)
    with Dispatcher(database, [receiver]), Dispatcher(database, [receiver]):
        wait_until(lambda: len(hook.received) >= 20, "not all notifications arrive")
    assert sorted(json.loads(body)["key"] for _, body in hook.received) == sorted(one.key for one in some)


def test_receiver_that_hangs_delays_no_other(database: Database, hook: Hook, quick: None) -> None:
    hanging = Hook()
    hanging.open()
    hanging.pause = 5.0
    slow = Receiver(name="slow", kind="webhook", url=hanging.url, seconds=1.0)
    receiver = Receiver(name="ops", kind="webhook", url=hook.url)
    add(database, slow, receiver)
    said: list[str] = []
    with Dispatcher(database, [slow, receiver], say=said.append):
        wait_until(lambda: hook.received, "the receiver waits for another one")
    hanging.close()
    assert said[-1].startswith("1 notification not delivered yet")


def test_too_many_attempts_are_given_up(database: Database, hook: Hook, quick: None) -> None:
    hook.status = 503
    receiver = Receiver(name="ops", kind="webhook", url=hook.url)
    add(database, receiver)
    outbox = Outbox(database)
    with Dispatcher(database, [receiver]):
        wait_until(lambda: outbox.list_deliveries(state="failed"), "it is never given up")
    (failed,) = outbox.list_deliveries(state="failed")
    assert failed.attempts == ATTEMPTS
    assert "status 503" in (failed.error or "")
    hook.status = 200
    assert outbox.retry_failed() == 1
    assert Dispatcher(database, [receiver]).deliver_due(receiver) == 1


def test_attempts_are_further_apart_each_time(database: Database) -> None:
    receiver = Receiver(name="ops", kind="webhook", url="https://example.org/a")
    add(database, receiver)
    outbox = Outbox(database)
    taken = outbox.claim_due("ops")
    assert taken is not None
    assert outbox.claim_due("ops") is None  # another process leaves it alone
    pauses = []
    for _ in range(4):
        outbox.record_failure(taken, "down", NOW)
        (taken,) = outbox.list_deliveries()
        pauses.append((taken.due - NOW).total_seconds())
    assert pauses == [15, 30, 60, 120]


@pytest.mark.parametrize(("seconds", "held"), [(1.0, 60), (120.0, 720)])
def test_a_delivery_is_held_while_it_is_sent(database: Database, hook: Hook, seconds: float, held: int) -> None:
    receiver = Receiver(name="ops", kind="webhook", url=hook.url, seconds=seconds)
    add(database, receiver)
    (before,) = Outbox(database).list_deliveries()
    due: list[datetime] = []

    def look(receiver: Receiver, notification: Notification) -> Notification:
        due.append(Outbox(database).list_deliveries()[0].due)
        return notification

    Dispatcher(database, [receiver], prepare=look).deliver_due(receiver)
    assert (due[0] - before.created).total_seconds() >= held


def test_what_arrived_long_ago_is_deleted(database: Database) -> None:
    receiver = Receiver(name="ops", kind="webhook", url="https://example.org/a")
    add(database, receiver)
    outbox = Outbox(database)
    (one,) = outbox.list_deliveries()
    outbox.record_success(one)
    assert outbox.delete_old() == 0
    with database.begin_write() as connection:
        connection.execute(sa.update(OUTBOX).values(created=NOW.replace(year=2020)))
    assert outbox.delete_old() == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"kind": "webhook"}, "needs url"), ({"kind": "slack", "url": "file:///etc/passwd"}, "https://"),
        ({"kind": "email"}, "must set `host`"),
        ({"kind": "email", "host": "a", "sender": "x", "to": ["a@b.c"]}, "e-mail addresses"),
        ({"kind": "email", "host": "a", "sender": "a@b.c", "to": ["a@b.c"], "user": "x"}, "must be set together"),
    ],
)  # fmt: skip
def test_receivers_that_are_not_valid(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Receiver.model_validate({"name": "ops", **given})


def test_secret_that_is_not_set(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    receiver = Receiver(name="ops", kind="webhook", url="https://example.org", secret_env="HOOK_SECRET")
    with pytest.raises(SettingsError, match="HOOK_SECRET"):
        Dispatcher(database, [receiver])


def test_alert_of_a_monitor_arrives(
    database: Database, hook: Hook, quick: None, trained_run: Callable[..., Any], tmp_path: Any
) -> None:
    from insula.api.monitoring import monitor
    from insula.operations.monitoring.settings import parse_monitor_file

    times = [datetime(2026, 11, 1, minute // 60, minute % 60, tzinfo=UTC).isoformat() for minute in range(200)]
    lines = [json.dumps({"id": moment, "text": "an awful, terrible day", "time": moment}) for moment in times]
    (tmp_path / "feed.jsonl").write_text("\n".join(lines))
    settings = parse_monitor_file(
        '[[alerts]]\nname = "bad"\nkind = "threshold"\nlabels = ["negative"]\nabove = 0.5\n'
        f'[[receivers]]\nname = "ops"\nkind = "webhook"\nurl = "{hook.url}"\n',
        "'monitor.toml'",
    )
    report = monitor(
        tmp_path / "feed.jsonl", trained_run("linear", "single").path, store=tmp_path / "store", settings=settings
    )
    assert len(report.alerts) == 1
    wait_until(lambda: hook.received, "the alert does not arrive")
    assert json.loads(hook.received[0][1])["data"]["rule"] == "bad"
