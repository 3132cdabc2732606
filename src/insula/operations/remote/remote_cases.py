"""`Cases` and `AsyncCases`: the hand-off queue of a service.

Steps are sent again only if they were certainly not done: a claim that is repeated would hold a second case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from insula.core.model_input import ModelInput

QUEUE = "/v1/queue"
CaseRow = dict[str, Any]
"""A case as in JSON."""


class SendRequest(Protocol):
    """Sends a request, and returns the JSON of the answer, or an awaitable of it."""

    def __call__(
        self,
        method: str,
        path: str,
        headers: None = None,
        body: Any = None,
        *,
        query: Any = None,
        repeatable: bool = True,
    ) -> Any:
        """Send a request."""


class Cases:
    """The hand-off queue, with a method for each step; `agent` needs a key that may act for others.

    Methods raise `ServiceError`, with the status 409 if the case does not allow the step.
    """

    def __init__(self, ask: SendRequest) -> None:
        self._ask = ask

    def find(
        self,
        *,
        state: Sequence[str] = (),
        queue: str | None = None,
        agent: str | None = None,
        late: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[CaseRow]:
        """Return cases in the order in which they are to be handled (default: those that are not closed)."""
        asked = _drop_missing(
            state=list(state) or None, queue=queue, agent=agent, late=late, limit=limit, offset=offset
        )
        listed: list[CaseRow] = (self._ask("GET", QUEUE, query=asked))["cases"]
        return listed

    def show(self, case: int) -> CaseRow:
        """Return a case with its `events`."""
        return dict(self._ask("GET", f"{QUEUE}/{case}"))

    def stats(self, *, queue: str | None = None) -> dict[str, Any]:
        """Return counts and times of all cases, or of one queue."""
        return dict(self._ask("GET", f"{QUEUE}/stats", query=_drop_missing(queue=queue)))

    def claim(
        self, case: int | None = None, *, queue: str | None = None, lease: int | None = None, agent: str | None = None
    ) -> CaseRow | None:
        """Claim a case, or the first waiting one; return None if none waits.

        queue  only cases of this queue
        lease  seconds for which the agent holds it
        """
        if case is not None:
            return self._send_step(case, "claim", lease=lease, agent=agent)
        body = _drop_missing(queue=queue, lease=lease, agent=agent)
        found: CaseRow | None = (self._ask("POST", f"{QUEUE}/claim", None, body, repeatable=False))["case"]
        return found

    def renew(self, case: int, *, lease: int | None = None, agent: str | None = None) -> CaseRow:
        """Hold a case for longer."""
        return self._send_step(case, "renew", lease=lease, agent=agent)

    def release(self, case: int, *, agent: str | None = None) -> CaseRow:
        """Release a case."""
        return self._send_step(case, "release", agent=agent)

    def reassign(
        self, case: int, *, to: str | None = None, queue: str | None = None, agent: str | None = None
    ) -> CaseRow:
        """Move a case to another agent (`to`) or to another queue."""
        return self._send_step(case, "reassign", to=to, queue=queue, agent=agent)

    def close(self, case: int, *, outcome: str, note: str | None = None, agent: str | None = None) -> CaseRow:
        """Close a case that the agent holds."""
        return self._send_step(case, "close", outcome=outcome, note=note, agent=agent)

    def reopen(self, case: int, *, deadline: int | None = None, agent: str | None = None) -> CaseRow:
        """Let a closed case wait again, with a new deadline in seconds."""
        return self._send_step(case, "reopen", deadline=deadline, agent=agent)

    def _send_step(self, case: int, step: str, **fields: Any) -> CaseRow:
        return dict(self._ask("POST", f"{QUEUE}/{case}/{step}", None, _drop_missing(**fields), repeatable=False))


class AsyncCases:
    """The methods of `Cases`, to await."""

    def __init__(self, ask: SendRequest) -> None:
        self._ask = ask

    async def find(
        self,
        *,
        state: Sequence[str] = (),
        queue: str | None = None,
        agent: str | None = None,
        late: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[CaseRow]:
        """Return cases in the order in which they are to be handled (default: those that are not closed)."""
        asked = _drop_missing(
            state=list(state) or None, queue=queue, agent=agent, late=late, limit=limit, offset=offset
        )
        listed: list[CaseRow] = (await self._ask("GET", QUEUE, query=asked))["cases"]
        return listed

    async def show(self, case: int) -> CaseRow:
        """Return a case with its `events`."""
        return dict(await self._ask("GET", f"{QUEUE}/{case}"))

    async def stats(self, *, queue: str | None = None) -> dict[str, Any]:
        """Return counts and times of all cases, or of one queue."""
        return dict(await self._ask("GET", f"{QUEUE}/stats", query=_drop_missing(queue=queue)))

    async def claim(
        self, case: int | None = None, *, queue: str | None = None, lease: int | None = None, agent: str | None = None
    ) -> CaseRow | None:
        """Claim a case, or the first waiting one; return None if none waits.

        queue  only cases of this queue
        lease  seconds for which the agent holds it
        """
        if case is not None:
            return await self._send_step(case, "claim", lease=lease, agent=agent)
        body = _drop_missing(queue=queue, lease=lease, agent=agent)
        found: CaseRow | None = (await self._ask("POST", f"{QUEUE}/claim", None, body, repeatable=False))["case"]
        return found

    async def renew(self, case: int, *, lease: int | None = None, agent: str | None = None) -> CaseRow:
        """Hold a case for longer."""
        return await self._send_step(case, "renew", lease=lease, agent=agent)

    async def release(self, case: int, *, agent: str | None = None) -> CaseRow:
        """Release a case."""
        return await self._send_step(case, "release", agent=agent)

    async def reassign(
        self, case: int, *, to: str | None = None, queue: str | None = None, agent: str | None = None
    ) -> CaseRow:
        """Move a case to another agent (`to`) or to another queue."""
        return await self._send_step(case, "reassign", to=to, queue=queue, agent=agent)

    async def close(self, case: int, *, outcome: str, note: str | None = None, agent: str | None = None) -> CaseRow:
        """Close a case that the agent holds."""
        return await self._send_step(case, "close", outcome=outcome, note=note, agent=agent)

    async def reopen(self, case: int, *, deadline: int | None = None, agent: str | None = None) -> CaseRow:
        """Let a closed case wait again, with a new deadline in seconds."""
        return await self._send_step(case, "reopen", deadline=deadline, agent=agent)

    async def _send_step(self, case: int, step: str, **fields: Any) -> CaseRow:
        return dict(await self._ask("POST", f"{QUEUE}/{case}/{step}", None, _drop_missing(**fields), repeatable=False))


def iterate_route_bodies(
    messages: Sequence[ModelInput | Mapping[str, Any]], source: str, subject: str | None, size: int
) -> Iterator[dict[str, Any]]:
    """Yield bodies for `/v1/route` with at most `size` messages each."""
    rows = [one.to_dict() if isinstance(one, ModelInput) else dict(one) for one in messages]
    for first in range(0, len(rows), size):
        yield {"messages": rows[first : first + size], **_drop_missing(source=source, subject=subject)}


def _drop_missing(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
