"""Keys that were recognised a moment ago: the store is asked once in a while, not at every call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from insula.operations.credentials.keys import KeyRecord, Keys
from insula.operations.credentials.secret import presented
from insula.serving.authentication.callers import Caller, DeniedError
from insula.serving.authentication.patient import Aside

MOST = 10_000
Look = Callable[[Keys], KeyRecord | None]


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
        return await self._caller(shown.digest, lambda keys: keys.recognise(key))

    async def caller_again(self, identity: str) -> Caller:
        """Return whose key it is that was shown before and has this id; raises what `caller` does."""
        return await self._caller(f"id:{identity}", lambda keys: keys.find(identity))

    async def _caller(self, slot: str, look: Look) -> Caller:
        held = self._known.get(slot)
        record = held[0] if held is not None and time.monotonic() < held[1] else await self._ask(slot, look)
        if record is None:
            raise DeniedError("unauthenticated", "unknown_key")
        identity = f"key:{record.lineage}"
        state = record.state(self._clock())
        if state != "active":
            raise DeniedError("unauthenticated", f"{state}_key", caller=identity)
        return Caller(identity, record.scopes, record.texts_a_day, record.calls_a_second, record.burst)

    async def _ask(self, slot: str, look: Look) -> KeyRecord | None:
        """Ask the store, once for all calls that wait for the same answer."""
        asking = self._asking.get(slot)
        if asking is None:
            asking = asyncio.ensure_future(self._aside.run(lambda: self._looked_up(look)))
            self._asking[slot] = asking
            asking.add_done_callback(lambda done: self._answered(slot, done))
        return await asyncio.shield(asking)

    def _looked_up(self, look: Look) -> KeyRecord | None:
        keys = self._keys()
        return None if keys is None else look(keys)

    def _answered(self, slot: str, done: asyncio.Future[KeyRecord | None]) -> None:
        self._asking.pop(slot, None)
        self._known.pop(slot, None)
        if done.cancelled() or done.exception() is not None:
            return
        record = done.result()
        if record is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[slot] = (record, time.monotonic() + self._remembered)
