"""Rates of callers: counted in memory, for a server that has no replicas."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from insula.serving.authentication.bucket import Bucket, take

MOST = 50_000  # buckets held; the fullest make room, for they are as good as new


class Rates(Protocol):
    """Who counts calls."""

    async def take(self, caller: str, *, rate: float, burst: int) -> float:
        """Count a call; return 0 where it may pass, else the seconds until one may.

        Raises `StoreUnreachableError` where nobody can say, and such calls are to be refused.
        """

    async def close(self) -> None:
        """Close connections."""


class MemoryRates:
    """Token buckets in this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._buckets: dict[str, tuple[Bucket, float]] = {}

    async def take(self, caller: str, *, rate: float, burst: int) -> float:
        """Count a call; return 0 where it may pass, else the seconds until one may."""
        now = self._clock()
        held = self._buckets.get(caller)
        if held is None and len(self._buckets) >= self._most:
            self._make_room(now)
        bucket, wait = take(held[0] if held else None, now, rate=rate, burst=burst)
        self._buckets[caller] = (bucket, bucket.at + (burst - bucket.tokens) / rate)
        return wait

    async def close(self) -> None:
        """Nothing is open."""

    def _make_room(self, now: float) -> None:
        """Drop the buckets that are full again, and where none is, those that will be first."""
        ordered = sorted(self._buckets, key=lambda caller: self._buckets[caller][1])
        full = sum(until <= now for _, until in self._buckets.values())
        for caller in ordered[: max(full, self._most // 10, 1)]:
            del self._buckets[caller]
