"""Rate limits: a token bucket for each caller, in the memory of this process.

A bucket holds at most `burst` tokens and gains `rate` tokens a second; a call takes one (the leaky bucket as a meter,
Turner 1986). A call that finds less than one token is denied (429) with the seconds until there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_BUCKETS = 50_000  # buckets kept; above that the fullest are dropped, since a full bucket equals a new one
ROUNDING = 1e-9  # a token that is short by this much is a rounding error and counts as whole


@dataclass(frozen=True)
class RateLimit:
    """The allowed rate of calls: `rate` calls per second on average, and up to `burst` calls at once after a pause."""

    rate: float
    burst: int

    @classmethod
    def of(cls, calls_per_second: float | None, burst: int | None) -> RateLimit | None:
        """Return the limit of a key or of the settings: None without a rate; without a burst, one second's calls."""
        if calls_per_second is None:
            return None
        return cls(calls_per_second, burst or max(1, round(calls_per_second)))


class RateLimiter(Protocol):
    """Counts the calls of callers."""

    async def acquire(self, caller: str, limit: RateLimit) -> float:
        """Count a call; return 0 if it is allowed, else the seconds until the next one is.

        Raises `StoreUnreachableError` if the count is not available; such calls are denied.
        """

    async def check(self) -> None:
        """Raise `StoreUnreachableError` if the count is not available."""

    async def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True)
class TokenBucket:
    """A number of tokens at a moment, in seconds of any clock."""

    tokens: float
    at: float


def take(bucket: TokenBucket | None, now: float, limit: RateLimit) -> tuple[TokenBucket, float]:
    """Return the bucket after a call, and 0 if the call is allowed or the seconds until the next one is.

    A new bucket (None) is full. A denied call takes nothing; a clock that runs backwards adds nothing.
    """
    if bucket is None:
        bucket = TokenBucket(limit.burst, now)
    tokens = min(limit.burst, bucket.tokens + max(0.0, now - bucket.at) * limit.rate)
    at = max(now, bucket.at)
    if tokens >= 1 - ROUNDING:
        return TokenBucket(max(0.0, tokens - 1), at), 0.0
    return TokenBucket(tokens, at), (1 - tokens) / limit.rate


class MemoryRateLimiter:
    """Token buckets in this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: dict[str, tuple[TokenBucket, float]] = {}  # each with the time at which it is full again

    async def acquire(self, caller: str, limit: RateLimit) -> float:
        """Count a call; return 0 if it is allowed, else the seconds until the next one is."""
        now = self._clock()
        held = self._buckets.get(caller)
        if held is None and len(self._buckets) >= self._max_buckets:
            self._make_room(now)
        bucket, wait = take(held[0] if held else None, now, limit)
        self._buckets[caller] = (bucket, bucket.at + (limit.burst - bucket.tokens) / limit.rate)
        return wait

    async def check(self) -> None:
        """Do nothing: memory is always available."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _make_room(self, now: float) -> None:
        """Drop the buckets that are full again; if there are too few of them, those that will be full first."""
        ordered = sorted(self._buckets, key=lambda caller: self._buckets[caller][1])
        full = sum(full_at <= now for _, full_at in self._buckets.values())
        for caller in ordered[: max(full, self._max_buckets // 10, 1)]:
            del self._buckets[caller]
