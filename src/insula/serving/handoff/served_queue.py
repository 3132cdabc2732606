"""`ServedQueue`: the hand-off queue of a service, which escalates late cases automatically."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import shlex
from collections.abc import Callable
from typing import TypeVar

from insula.core.errors import CaseConflictError, DataError, StoreError, UnknownNameError
from insula.operations.handoff.notifications import EVENTS
from insula.operations.handoff.notified_words import add_words
from insula.operations.handoff.queue import HandoffQueue
from insula.operations.outbox.dispatcher import Dispatcher
from insula.operations.outbox.outbox import Outbox
from insula.operations.outbox.subscriptions import subscribe
from insula.operations.store.retention import Retention
from insula.serving.authentication.callers import Caller
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.problems import ProblemError
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings
from insula.serving.telemetry import Telemetry

Result = TypeVar("Result")
ACT_FOR_OTHERS = "admin"
"""The scope with which a caller may name the agent; without it, a key acts under its own name."""
log = logging.getLogger("insula.serving")


class ServedQueue:
    """The queue of the settings; calls are answered with `disabled` if they have none.

    While it is started, it looks for late cases and for leases that are over, every `handoff.check_seconds`, and sends
    receivers what they are notified of. If the store does not answer it goes on trying. Raises `SettingsError` for a
    secret of a receiver that is not set, `MissingExtraError` if notifying webhooks needs the extra `client`.
    """

    def __init__(self, settings: Settings, store: ServerStore, pool: BlockingPool, telemetry: Telemetry) -> None:
        self._options = settings.handoff
        self._pool = pool
        self._telemetry = telemetry
        self._timer: asyncio.Task[None] | None = None
        self._queue: HandoffQueue | None = None
        self._outbox: Outbox | None = None
        self._dispatcher: Dispatcher | None = None
        database = store.open_database() if self._options.is_served else None
        if database is not None:
            # Texts are masked before they get here, in threads and within a time of their own.
            masked = (lambda text: text) if self._options.texts == "masked" else None
            self._queue = HandoffQueue(database, Retention(self._options.days, mask=masked))
            self._outbox = Outbox(database)
            self._dispatcher = Dispatcher(
                database,
                settings.receivers,
                prepare=functools.partial(add_words, database),
                say=log.warning,
            )
            for other in subscribe(database, settings.receivers, EVENTS):
                log.warning(
                    "The store also notifies the receiver %r of cases, which these settings do not have. If no other "
                    "server has it, end that with: insula store deliveries --stop %s",
                    other,
                    shlex.quote(other),
                )

    @property
    def is_served(self) -> bool:
        """Whether there is a queue."""
        return self._queue is not None

    @property
    def stores_texts(self) -> bool:
        """Whether cases have the words of messages."""
        return self._options.texts == "masked"

    @property
    def lease(self) -> int:
        """Default number of seconds for which an agent holds a case."""
        return round(self._options.lease_minutes * 60)

    async def run(self, call: Callable[[HandoffQueue], Result]) -> Result:
        """Return the result of a call of the queue; raise `ProblemError` if it is not possible."""
        queue = self._queue
        if queue is None:
            raise ProblemError(
                "disabled",
                "This service has no hand-off queue. Its operator can set handoff.enabled or handoff.routes.",
            )
        try:
            return await self._pool.run(lambda: call(queue))
        except DataError as error:
            raise ProblemError("validation", str(error)) from None
        except CaseConflictError as error:
            raise ProblemError("conflict", str(error), reason=error.code) from None
        except UnknownNameError:
            raise ProblemError("not_found", "No case has this number. List the cases with GET /v1/queue.") from None
        except StoreError:
            raise ProblemError(
                "unavailable",
                "The store does not answer. The step may or may not have been carried out: "
                "check the case before you repeat it.",
                headers={"retry-after": "2"},
            ) from None

    def start(self) -> None:
        """Start looking for late cases and notifying receivers."""
        if self._queue is not None and self._outbox is not None:
            self._timer = asyncio.ensure_future(self._watch(self._queue, self._outbox))
        if self._dispatcher is not None:
            self._dispatcher.start()

    async def stop(self, seconds: float) -> None:
        """Stop looking for late cases, and send due notifications one last time."""
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer
        if self._dispatcher is not None:
            await asyncio.to_thread(self._dispatcher.close, seconds)

    async def _watch(self, queue: HandoffQueue, outbox: Outbox) -> None:
        answers = True
        while True:
            try:
                found = await self._pool.run(queue.escalate)
                self._telemetry.set_handoff_depth(await self._pool.run(queue.depth))
                self._telemetry.set_notifications(await self._pool.run(outbox.count_by_state))
            except StoreError as error:
                if answers:  # once per outage
                    log.error("Late cases cannot be found now; the service keeps trying: %s", error)
                answers = False
            except Exception as error:  # noqa: BLE001 - whatever is wrong, later cases must be found
                log.error("The check for late cases failed with %s.", type(error).__name__)
            else:
                if not answers:
                    log.warning("The store answers again: late cases are found again.")
                answers = True
                if found.late:
                    self._telemetry.count_late_cases(len(found.late))
                    log.warning("Cases are late: %s", ", ".join(str(case.id) for case in found.late))
            await asyncio.sleep(self._options.check_seconds)


def get_agent(caller: Caller, given: str | None) -> str:
    """Return the agent who acts: the caller, or the one it names if it has the scope `admin`.

    Raises `ProblemError` for another name without that scope: the trail of a case must name who acted.
    """
    if given is None or given == caller.name:
        return caller.name
    if ACT_FOR_OTHERS not in caller.scopes:
        raise ProblemError(
            "forbidden",
            "The key acts under its own name only. Leave out agent, or use a key that also has the scope admin.",
        )
    return given
