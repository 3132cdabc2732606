"""Rate limits counted in Redis, for several servers together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from insula.core.errors import SettingsError, StoreUnreachableError
from insula.serving.authentication.rate_limiter import RateLimit, RateLimiter

PREFIX = "insula:rate:"
TIMEOUT = 0.5  # seconds for an answer of Redis; a prediction should not wait longer to be allowed
PAUSE = 1.0  # seconds without requests to a Redis that failed
CONNECTIONS = 32

# The same as rate_limiter.take, by the clock of Redis. Numbers are stored as text of 17 digits, because Redis would
# truncate their fractions.
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


class RedisRateLimiter:
    """Token buckets in Redis, each changed by one atomic script.

    address   `redis://`, `rediss://` (TLS) or `unix://`
    fallback  counts calls while Redis does not answer; without one those calls raise `StoreUnreachableError`

    Raises `SettingsError` for an address of another kind.
    """

    def __init__(
        self, address: str, *, fallback: RateLimiter | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            self._redis: Redis = Redis.from_url(
                address,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                max_connections=CONNECTIONS,
                retry=Retry(NoBackoff(), 1),  # reconnects once if Redis has closed the connection
            )
        except ValueError:
            # The address is not repeated: it may contain a password.
            raise SettingsError(
                "The setting access.redis must start with redis://, rediss:// or unix://. "
                "Write redis://host:6379/0, for example."
            ) from None
        self._script = self._redis.register_script(SCRIPT)
        self._fallback = fallback
        self._clock = clock
        self._paused_until = 0.0

    async def acquire(self, caller: str, limit: RateLimit) -> float:
        """Count a call; return 0 if it is allowed, else the seconds until the next one is."""
        if self._clock() >= self._paused_until:
            try:
                async with asyncio.timeout(2 * TIMEOUT):
                    return float(await self._script(keys=[PREFIX + caller], args=[repr(limit.rate), limit.burst]))
            except (RedisError, OSError, TimeoutError, ValueError):
                self._paused_until = self._clock() + PAUSE
        if self._fallback is not None:
            return await self._fallback.acquire(caller, limit)
        raise StoreUnreachableError("Redis does not answer, so calls cannot be counted. Try again later.")

    async def check(self) -> None:
        """Raise `StoreUnreachableError` if Redis does not answer and there is no fallback."""
        if self._fallback is not None:
            return
        try:
            async with asyncio.timeout(2 * TIMEOUT):
                await self._redis.ping()
        except (RedisError, OSError, TimeoutError):
            raise StoreUnreachableError("Redis does not answer. Try again later.") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
