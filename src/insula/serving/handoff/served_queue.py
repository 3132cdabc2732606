"""`ServedQueue`: the hand-off queue of a service, which escalates late cases without anybody asking."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from insula.core.errors import CaseConflictError, DataError, StoreError, UnknownNameError
from insula.operations.handoff.queue import HandoffQueue
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

    While it is started, it looks for late cases and for leases that are over, every `handoff.check_seconds`. If the
    store does not answer it goes on looking.
    """

    def __init__(self, settings: Settings, store: ServerStore, pool: BlockingPool, telemetry: Telemetry) -> None:
        self._options = settings.handoff
        self._pool = pool
        self._telemetry = telemetry
        self._timer: asyncio.Task[None] | None = None
        self._queue: HandoffQueue | None = None
        database = store.open_database() if self._options.is_served else None
        if database is not None:
            # Texts are masked before they get here, in threads and within a time of their own.
            masked = (lambda text: text) if self._options.texts == "masked" else None
            self._queue = HandoffQueue(database, Retention(self._options.days, mask=masked))

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
        """Seconds for which an agent holds a case, unless given."""
        return round(self._options.lease_minutes * 60)

    async def run(self, call: Callable[[HandoffQueue], Result]) -> Result:
        """Return what a call of the queue returns; raise `ProblemError` if it is not possible."""
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
                "The store does not answer. The step may be done or not: look at the case before you repeat it.",
                headers={"retry-after": "2"},
            ) from None

    def start(self) -> None:
        """Start to look for late cases."""
        if self._queue is not None:
            self._timer = asyncio.ensure_future(self._watch(self._queue))

    async def stop(self) -> None:
        """Stop looking for late cases."""
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer

    async def _watch(self, queue: HandoffQueue) -> None:
        answers = True
        while True:
            try:
                found = await self._pool.run(queue.escalate)
                self._telemetry.set_handoff_depth(await self._pool.run(queue.depth))
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
