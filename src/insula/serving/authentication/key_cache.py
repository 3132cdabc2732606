"""`KeyCache`: recently recognised access keys, so that not every call reads the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from insula.operations.credentials.keys import KeyRecord, KeyStore
from insula.operations.credentials.secret import parse_key
from insula.serving.authentication.callers import AccessDeniedError, Caller, CallerLimits
from insula.serving.authentication.key_use import KeyUse
from insula.serving.authentication.rate_limiter import RateLimit
from insula.serving.blocking_pool import BlockingPool

MAX_KEYS = 10_000
Lookup = Callable[[KeyStore], KeyRecord | None]


class KeyCache:
    """Recognises access keys.

    keys     returns the keys in the store, None while there is no store
    use      stores when keys were last used
    max_age  seconds for which a record is cached; a revoked key is accepted for at most as long
    """

    def __init__(
        self,
        keys: Callable[[], KeyStore | None],
        pool: BlockingPool,
        use: KeyUse,
        *,
        max_age: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = keys
        self._pool = pool
        self._use = use
        self._max_age = max_age
        self._clock = clock
        self._cached: dict[str, tuple[KeyRecord, float]] = {}
        self._lookups: dict[str, asyncio.Future[KeyRecord | None]] = {}

    async def find_caller(self, key: str) -> Caller:
        """Return the caller with this key.

        Raises `AccessDeniedError` if it is not an active key, `StoreError` if the store cannot be asked.
        """
        shown = parse_key(key)
        if shown is None:
            raise AccessDeniedError("unauthenticated", "no_key")
        # Cached by the digest: an id is public, and must not find an entry here.
        return await self._find_caller(shown.digest, lambda keys: keys.find_by_secret(key))

    async def find_cached_caller(self, key_id: str) -> Caller:
        """Return the caller whose key has this id and was recognised before. Raises the errors of `find_caller`."""
        return await self._find_caller(f"id:{key_id}", lambda keys: keys.find(key_id))

    async def _find_caller(self, slot: str, lookup: Lookup) -> Caller:
        cached = self._cached.get(slot)
        record = (
            cached[0] if cached is not None and time.monotonic() < cached[1] else await self._read_once(slot, lookup)
        )
        if record is None:
            raise AccessDeniedError("unauthenticated", "unknown_key")
        caller = f"key:{record.lineage}"
        state = record.get_state(self._clock())
        if state != "active":
            raise AccessDeniedError("unauthenticated", f"{state}_key", caller=caller)
        self._use.add(record.id)
        rate = RateLimit.of(record.calls_per_second, record.burst)
        return Caller(caller, record.scopes, CallerLimits(record.texts_per_day, rate), record.name)

    async def _read_once(self, slot: str, lookup: Lookup) -> KeyRecord | None:
        """Read the store, once for all calls that wait for the same record."""
        asking = self._lookups.get(slot)
        if asking is None:
            asking = asyncio.ensure_future(self._pool.run(lambda: self._look_up(lookup)))
            self._lookups[slot] = asking
            asking.add_done_callback(lambda done: self._store(slot, done))
        return await asyncio.shield(asking)

    def _look_up(self, lookup: Lookup) -> KeyRecord | None:
        keys = self._keys()
        return None if keys is None else lookup(keys)

    def _store(self, slot: str, done: asyncio.Future[KeyRecord | None]) -> None:
        self._lookups.pop(slot, None)
        self._cached.pop(slot, None)
        if done.cancelled() or done.exception() is not None:
            return
        record = done.result()
        if record is not None:
            if len(self._cached) >= MAX_KEYS:
                self._cached.clear()
            self._cached[slot] = (record, time.monotonic() + self._max_age)
