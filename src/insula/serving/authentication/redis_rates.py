"""Rates of callers counted in Redis, for several servers together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from insula.core.errors import SettingsError, StoreUnreachableError
from insula.serving.authentication.rates import MemoryRates

PREFIX = "insula:rate:"
PATIENCE = 0.5  # seconds for an answer; a prediction should not wait longer for leave to begin
PAUSE = 1.0  # seconds for which a Redis that failed is not asked again
CONNECTIONS = 32

# The same as bucket.take, by the clock of Redis. Numbers are stored as text of 17 digits: Redis would cut fractions.
SCRIPT = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1]) or burst, tonumber(held[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
at = math.max(now, at)
local wait = 0
if tokens >= 1 - 1e-9 then
  tokens = math.max(0, tokens - 1)
else
  wait = (1 - tokens) / rate
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens), 'at', string.format('%.17g', at))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return string.format('%.17g', wait)
"""


class RedisRates:
    """Token buckets in Redis, each taken from by one atomic script.

    address      `redis://`, `rediss://` (TLS) or `unix://`
    without      what happens where Redis does not answer: "closed" refuses, "open" counts in this process alone

    Raises `SettingsError` for an address of another kind.
    """

    def __init__(
        self,
        address: str,
        *,
        without: Literal["closed", "open"] = "closed",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self._redis: Redis = Redis.from_url(
                address,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                max_connections=CONNECTIONS,
                retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile is made again once
            )
        except ValueError:
            raise SettingsError(
                "The address of Redis must begin with redis://, rediss:// or unix://. Write redis://host:6379/0."
            ) from None
        self._script = self._redis.register_script(SCRIPT)
        self._own = MemoryRates() if without == "open" else None
        self._clock = clock
        self._asked_again = 0.0

    async def take(self, caller: str, *, rate: float, burst: int) -> float:
        """Count a call; return 0 where it may pass, else the seconds until one may."""
        if self._clock() >= self._asked_again:
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    return float(await self._script(keys=[PREFIX + caller], args=[repr(rate), burst]))
            except (RedisError, OSError, TimeoutError, ValueError):
                self._asked_again = self._clock() + PAUSE
        if self._own is not None:
            return await self._own.take(caller, rate=rate, burst=burst)
        raise StoreUnreachableError(
            "The rates of callers cannot be counted now: Redis does not answer. Try again later."
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
