"""Keys that were recognised a moment ago: the store is asked once in a while, not at every call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from insula.operations.access.keys import KeyRecord, Keys
from insula.operations.access.secret import presented
from insula.serving.access.callers import Caller, DeniedError
from insula.serving.access.patient import Aside

MOST = 10_000


class KnownKeys:
    """Recognises keys.

    keys         gives those of the store, None while there is no store
    remembered   seconds for which the store is not asked again: as long may a revoked key still open
    """

    def __init__(
        self,
        keys: Callable[[], Keys | None],
        aside: Aside,
        *,
        remembered: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = keys
        self._aside = aside
        self._remembered = remembered
        self._clock = clock
        self._known: dict[str, tuple[KeyRecord, float]] = {}
        self._asking: dict[str, asyncio.Future[KeyRecord | None]] = {}

    async def caller(self, key: str) -> Caller:
        """Return whose key it is; `DeniedError` where it opens nothing, `StoreError` where nobody can say."""
        shown = presented(key)
        if shown is None:
            raise DeniedError("unauthenticated", "no_key")
        # By its digest: an id alone, which is public, finds nothing here.
        held = self._known.get(shown.digest)
        record = held[0] if held is not None and time.monotonic() < held[1] else await self._ask(key, shown.digest)
        if record is None:
            raise DeniedError("unauthenticated", "unknown_key")
        identity = f"key:{record.lineage}"
        state = record.state(self._clock())
        if state != "active":
            raise DeniedError("unauthenticated", f"{state}_key", caller=identity)
        return Caller(identity, record.scopes, record.texts_a_day, record.calls_a_second, record.burst)

    async def _ask(self, key: str, digest: str) -> KeyRecord | None:
        """Ask the store, once for all calls that wait for the same answer."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(self._aside.run(lambda: self._recognise(key)))
            self._asking[digest] = asking
            asking.add_done_callback(lambda done: self._answered(digest, done))
        return await asyncio.shield(asking)

    def _recognise(self, key: str) -> KeyRecord | None:
        keys = self._keys()
        return None if keys is None else keys.recognise(key)

    def _answered(self, digest: str, done: asyncio.Future[KeyRecord | None]) -> None:
        self._asking.pop(digest, None)
        self._known.pop(digest, None)
        if done.cancelled() or done.exception() is not None:
            return
        record = done.result()
        if record is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = (record, time.monotonic() + self._remembered)
