"""`Dispatcher`: delivers due notifications, with one thread per receiver, so that no receiver delays another."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType

from insula.core.errors import InsulaError, StoreError
from insula.core.sentences import pluralise
from insula.operations.outbox.outbox import HELD, Notification, Outbox
from insula.operations.outbox.receivers import Receiver
from insula.operations.outbox.senders import check_receiver, send
from insula.operations.store.database import Database

LOOK_SECONDS = 1.0
"""Seconds between two looks at the outbox."""


class Dispatcher:
    """Delivers the notifications of some receivers while it is open.

    prepare  returns what a receiver is sent of a notification (default: what is stored)
    say      called with a sentence for each failed attempt
    clock    returns the time in UTC

    A process that dies loses nothing: another one delivers what it left, after a minute, or six times the time-out of
    the receiver if that is longer. A receiver may get a notification twice, with the same key, if the process dies
    between sending and recording.
    """

    def __init__(
        self,
        database: Database,
        receivers: Sequence[Receiver],
        *,
        prepare: Callable[[Receiver, Notification], Notification] = lambda receiver, notification: notification,
        say: Callable[[str], object] = lambda sentence: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        for receiver in receivers:
            check_receiver(receiver)
        self._outbox = Outbox(database)
        self._prepare = prepare
        self._say = say
        self._clock = clock
        self._stop = threading.Event()
        self._wake = {receiver.name: threading.Event() for receiver in receivers}
        self._threads = [
            threading.Thread(target=self._run, args=(receiver,), name=f"notify {receiver.name}", daemon=True)
            for receiver in receivers
        ]

    def __enter__(self) -> Dispatcher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start to deliver."""
        for thread in self._threads:
            thread.start()

    def close(self, wait: float = 10.0) -> None:
        """Stop after the current attempts and one last check; abandon attempts after `wait` seconds.

        If notifications are still waiting, it says so.
        """
        self._stop.set()
        for event in self._wake.values():
            event.set()
        until = time.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        with contextlib.suppress(StoreError):
            if self._threads and (left := self._outbox.count_by_state()["waiting"]):
                self._say(
                    f"{pluralise(left, 'notification')} not delivered yet: the next monitor or service with this store "
                    "tries again. See: insula store deliveries"
                )

    def deliver_due(self, receiver: Receiver) -> int:
        """Try every delivery that is due for a receiver once; return how many arrived."""
        arrived = 0
        held = max(HELD, timedelta(seconds=6 * receiver.seconds))  # a mail is several steps, each with the time-out
        while (delivery := self._outbox.claim_due(receiver.name, held)) is not None:
            notification = self._prepare(receiver, delivery.notification)
            try:
                warning = send(receiver, replace(delivery, notification=notification))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others must be sent
                reason = str(error) if isinstance(error, InsulaError) else _describe_fault(receiver, error)
                self._outbox.record_failure(delivery, reason, self._clock())
                self._say(f"{reason} {delivery.notification.event} will be sent again.")
                if self._stop.is_set():
                    break
            else:
                self._outbox.record_success(delivery)
                if warning:
                    self._say(warning)
                arrived += 1
        return arrived

    def _run(self, receiver: Receiver) -> None:
        wake = self._wake[receiver.name]
        while True:
            stopping = self._stop.is_set()
            try:
                self.deliver_due(receiver)
            except StoreError as error:
                self._say(f"{error} Notifications wait.")
            if stopping:
                return
            wake.wait(LOOK_SECONDS)


def _describe_fault(receiver: Receiver, error: Exception) -> str:
    return f"A notification for the receiver {receiver.name!r} cannot be sent: {type(error).__name__}. Report this."
