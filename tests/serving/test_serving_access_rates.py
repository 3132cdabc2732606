"""Rate limits in memory and in Redis, and a Redis that goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debian_services import Redis
from insula.core.errors import SettingsError, StoreUnreachableError
from insula.serving.authentication.rate_limiter import MemoryRateLimiter, RateLimit, TokenBucket, take
from insula.serving.authentication.redis_rate_limiter import PAUSE, PREFIX, RedisRateLimiter

RATE = st.floats(0.01, 1000)
BURST = st.integers(1, 1000)
STEPS = st.lists(st.floats(0, 50), min_size=1, max_size=80)


@given(RATE, BURST, STEPS)
def test_no_span_of_time_lets_more_through_than_it_may(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now, passed = None, 1000.0, []
    for step in steps:
        now += step
        bucket, wait = take(bucket, now, RateLimit(rate, burst))
        assert -1e-6 <= bucket.tokens <= burst
        if wait == 0:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + rate * (passed[last] - passed[first]) + 1e-3


@given(RATE, BURST, STEPS)
def test_whoever_keeps_to_the_rate_is_never_refused(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now = None, 1000.0
    for step in steps:
        now += (1 + step) / rate
        bucket, wait = take(bucket, now, RateLimit(rate, burst))
        assert wait == 0


@given(RATE, BURST, STEPS)
def test_the_wait_is_as_long_as_it_must_be_and_no_longer(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now = None, 0.0
    for step in steps:
        now += step / rate / 60
        before = bucket
        bucket, wait = take(bucket, now, RateLimit(rate, burst))
        if wait:
            assert take(bucket, now + wait, RateLimit(rate, burst))[1] <= 1e-6 / rate
            assert take(bucket, now + 0.9 * wait - 1e-3 / rate, RateLimit(rate, burst))[1] > 0
            assert before is not None


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket, wait = take(TokenBucket(0.0, 100.0), 50.0, RateLimit(1, 5))
    assert (bucket, wait) == (TokenBucket(0.0, 100.0), 1.0)


def test_callers_do_not_share_and_memory_is_bounded() -> None:
    now = [0.0]
    limiter = MemoryRateLimiter(clock=lambda: now[0], max_buckets=100)

    async def run() -> None:
        assert await limiter.acquire("a", RateLimit(0.5, 1)) == 0
        assert await limiter.acquire("a", RateLimit(0.5, 1)) == 2
        assert await limiter.acquire("b", RateLimit(0.5, 1)) == 0
        now[0] = 1.9
        for number in range(1000):
            assert await limiter.acquire(f"c{number}", RateLimit(1, 2)) == 0
        assert len(limiter._buckets) <= 100
        now[0] = 2.0
        assert await limiter.acquire("a", RateLimit(0.5, 1)) == 0

    asyncio.run(run())


async def _passed(limiters: list[RedisRateLimiter], calls: int, limit: RateLimit) -> int:
    waits = await asyncio.gather(*(limiters[n % len(limiters)].acquire("care", limit) for n in range(calls)))
    return sum(wait == 0 for wait in waits)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that answers late, as on a busy machine, has answered all the same."""
    monkeypatch.setattr("insula.serving.authentication.redis_rate_limiter.TIMEOUT", 20.0)


@pytest.mark.usefixtures("patient")
def test_servers_count_together(redis_server: Redis) -> None:
    async def run() -> None:
        limit = RateLimit(2, 20)
        servers = [RedisRateLimiter(redis_server.address) for _ in range(3)]
        await servers[0]._redis.flushall()
        before = time.monotonic()
        passed = await _passed(servers, 60, limit)
        assert 20 <= passed <= 20 + 2 * (time.monotonic() - before) + 1
        while (wait := await servers[1].acquire("care", limit)) == 0:  # this machine is slow, and the bucket fills
            pass
        assert 0 < wait <= 0.5
        await asyncio.sleep(wait + 0.05)
        assert await servers[2].acquire("care", limit) == 0
        assert 0 < await servers[0]._redis.pttl(PREFIX + "care") <= 11_000  # a bucket that is full again is forgotten
        for server in servers:
            await server.close()

    asyncio.run(run())


@pytest.mark.usefixtures("patient")
def test_redis_and_memory_count_alike(redis_server: Redis) -> None:
    async def run() -> None:
        limit, shared = RateLimit(0.05, 5), RedisRateLimiter(redis_server.address)
        await shared._redis.flushall()
        now = [0.0]
        own = MemoryRateLimiter(clock=lambda: now[0])
        for _ in range(12):
            theirs, ours = await shared.acquire("x", limit), await own.acquire("x", limit)
            assert theirs == pytest.approx(ours, abs=3.0)
            assert (theirs == 0) == (ours == 0)
        await shared.close()

    asyncio.run(run())


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("without", ["closed", "open"])
def test_a_redis_that_goes_and_comes_back(redis_server: Redis, monkeypatch: pytest.MonkeyPatch, without: Any) -> None:
    monkeypatch.setattr("insula.serving.authentication.redis_rate_limiter.PAUSE", 0.0)
    outcomes = {"passed": 0, "refused": 0, "unreachable": 0}

    async def call(limiter: RedisRateLimiter) -> str:
        try:
            found = "passed" if await limiter.acquire("care", RateLimit(1000, 50)) == 0 else "refused"
        except StoreUnreachableError:
            found = "unreachable"
        outcomes[found] += 1
        return found

    async def run() -> None:
        fallback = MemoryRateLimiter() if without == "open" else None
        limiter = RedisRateLimiter(redis_server.address, fallback=fallback)
        assert await call(limiter) == "passed"
        load = [asyncio.create_task(_again(lambda: call(limiter), 40)) for _ in range(4)]
        while outcomes["passed"] < 10:
            await asyncio.sleep(0.001)
        redis_server.kill()
        assert await call(limiter) == ("unreachable" if without == "closed" else "passed")
        await asyncio.to_thread(redis_server.start)
        await asyncio.gather(*load)
        assert await call(limiter) == "passed"
        await limiter.close()

    asyncio.run(run())
    assert sum(outcomes.values()) == 163
    assert (outcomes["unreachable"] > 0) == (without == "closed")


async def _again(call: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        await call()
        await asyncio.sleep(0.005)


def test_a_redis_that_failed_is_not_asked_at_every_call() -> None:
    now, asked = [0.0], []

    async def fails(**_: Any) -> None:
        asked.append(now[0])
        raise ConnectionError

    async def run() -> None:
        limiter = RedisRateLimiter("redis://127.0.0.1:9/0", clock=lambda: now[0])
        limiter._script = fails  # type: ignore[assignment]
        for now[0] in (0.0, 0.5 * PAUSE, 0.9 * PAUSE, 1.1 * PAUSE, 1.9 * PAUSE):
            with pytest.raises(StoreUnreachableError):
                await limiter.acquire("care", RateLimit(1, 1))
        await limiter.close()

    asyncio.run(run())
    assert asked == [0.0, 1.1 * PAUSE]


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match="redis://"):
        RedisRateLimiter("http://localhost")
