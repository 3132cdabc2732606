"""Rate limits: the token bucket of the service next to the windows of the library `limits`.

    pip install limits==5.8.0 redis
    python benchmarks/rate_limits.py --redis redis://127.0.0.1:6379/15      writes results/rate_limits.json

The service promises a rate and a burst for each caller, and names in `Retry-After` when the next call is allowed. The
nearest limit that `limits` has is `burst` calls in a window of `burst / rate` seconds, which must be whole seconds.
Each arm is timed with callers that are allowed and with one that is denied, in rounds that alternate between the arms,
so that other work on the machine slows all of them; a denied call asks `limits` a second time, for the seconds of
`Retry-After`. The event loop runs between two checks, as in a server, and the processor time that background work of an
arm takes counts. The database of Redis is emptied.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from insula.serving.authentication.rate_limiter import MemoryRateLimiter, RateLimit
from insula.serving.authentication.redis_rate_limiter import RedisRateLimiter

OUTPUT = Path(__file__).parent / "results" / "rate_limits.json"
LIMIT = RateLimit(rate=20, burst=20)
CALLERS = 500
CHECKS = {"memory": 2_000, "redis": 1_000}  # of a round, allowed and denied each
ROUNDS = 5
# After a burst, when is the next call allowed? The same limit in both, where `limits` has it.
BURSTS = (RateLimit(2, 2), RateLimit(2, 4), RateLimit(20, 20), RateLimit(5, 20))
POLL = 0.005
RATES, SIZES = (0.1, 0.5, 1, 2, 3, 5, 10, 20, 50, 100), (1, 2, 5, 10, 20, 50, 100)
Acquire = Callable[[str, RateLimit], Awaitable[float]]
Arms = dict[str, tuple[Acquire, Callable[[], Awaitable[None]]]]


def main(arguments: list[str]) -> int:
    """Measure every arm and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--redis", required=True, help="Redis to count in; its database is emptied.")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    result = asyncio.run(measure(given.redis))
    versions = {name: importlib.metadata.version(name) for name in ("limits", "redis")}
    write_json(given.output, {**result, "libraries": versions, **provenance()})
    return 0


async def measure(address: str) -> dict[str, Any]:
    """Return costs of a check, waits after a burst, and how many limits can be expressed as windows."""
    costs: dict[str, dict[str, float]] = {}
    waits: dict[str, dict[str, Any]] = {}
    for place, arms in {"memory": _memory(), "redis": _redis(address)}.items():
        timed: dict[str, dict[str, list[float]]] = {arm: {"allowed": [], "denied": [], "processor": []} for arm in arms}
        for _ in range(ROUNDS):
            for arm, (acquire, _) in arms.items():
                await _empty(address)
                await _round(acquire, CHECKS[place], timed[arm])
        for arm, (acquire, close) in arms.items():
            costs[f"{arm}, {place}"] = _costs(timed[arm])
            if place == "memory":
                waits[arm] = {f"{one.rate:g}/s, {one.burst} at once": await _wait_after(acquire, one) for one in BURSTS}
            await close()
    whole = sum(_window(RateLimit(rate, burst)) is not None for rate in RATES for burst in SIZES)
    return {
        "limit": {"rate": LIMIT.rate, "burst": LIMIT.burst},
        "callers": CALLERS,
        "checks": {place: ROUNDS * checks for place, checks in CHECKS.items()},
        "microseconds": costs,
        "seconds_after_a_burst": waits,
        "limits_of_a_grid": {"rates": RATES, "bursts": SIZES, "all": len(RATES) * len(SIZES), "as_windows": whole},
    }


async def _round(acquire: Acquire, checks: int, timed: dict[str, list[float]]) -> None:
    cpu = time.process_time()
    start = time.time_ns()  # a caller of an earlier round has no calls left
    for number in range(checks):
        wait = await _timed(acquire, f"{start} {number % CALLERS}", timed["allowed"])
        if wait:
            raise RuntimeError("A call that is within its limit was denied.")
    for _ in range(LIMIT.burst):
        await acquire("fast caller", LIMIT)
    for _ in range(checks):
        await _timed(acquire, "fast caller", timed["denied"])
    timed["processor"].append((time.process_time() - cpu) / (2 * checks))


async def _timed(acquire: Acquire, caller: str, times: list[float]) -> float:
    started = time.perf_counter()
    wait = await acquire(caller, LIMIT)
    times.append(time.perf_counter() - started)
    await asyncio.sleep(0)
    return wait


async def _wait_after(acquire: Acquire, limit: RateLimit) -> dict[str, float]:
    """Return the wait that the answer to a burst names, the wait of the bucket, and when a call was allowed."""
    caller = f"burst {limit}"
    for _ in range(limit.burst):
        await acquire(caller, limit)
    ended = time.perf_counter()
    named = await acquire(caller, limit)
    while await acquire(caller, limit):
        await asyncio.sleep(POLL)
    return {
        "promised": round(1 / limit.rate, 2),
        "named": round(named, 2),
        "allowed": round(time.perf_counter() - ended, 2),
    }


def _costs(timed: dict[str, list[float]]) -> dict[str, float]:
    return {name: _median(seconds) for name, seconds in timed.items()}


def _median(seconds: list[float]) -> float:
    """Return the median in microseconds."""
    return round(sorted(seconds)[len(seconds) // 2] * 1e6, 1)


def _window(limit: RateLimit) -> int | None:
    """Return the seconds in which a limit's burst comes again; None if they are not whole."""
    seconds = limit.burst / limit.rate
    return int(seconds) if seconds == int(seconds) else None


def _memory() -> Arms:
    from limits.aio.storage import MemoryStorage

    ours = MemoryRateLimiter()
    return {"token bucket": (ours.acquire, ours.close), **_strategies(MemoryStorage)}


def _redis(address: str) -> Arms:
    from limits.aio.storage import RedisStorage

    ours = RedisRateLimiter(address)
    theirs = _strategies(lambda: RedisStorage(f"async+{address}", implementation="redispy"))
    return {"token bucket": (ours.acquire, ours.close), **theirs}


def _strategies(storage: Callable[[], Any]) -> Arms:
    from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

    async def close() -> None:
        """Leave it to the end of the process."""

    return {
        "moving window of limits": (_acquire(MovingWindowRateLimiter(storage())), close),
        "sliding window of limits": (_acquire(SlidingWindowCounterRateLimiter(storage())), close),
    }


def _acquire(limiter: Any) -> Acquire:
    from limits import RateLimitItemPerSecond

    items: dict[RateLimit, RateLimitItemPerSecond] = {}

    async def acquire(caller: str, limit: RateLimit) -> float:
        item = items.setdefault(limit, RateLimitItemPerSecond(limit.burst, _window(limit)))
        if await limiter.hit(item, caller):
            return 0.0
        stats = await limiter.get_window_stats(item, caller)
        return max(stats.reset_time - time.time(), 1e-9)

    return acquire


async def _empty(address: str) -> None:
    from redis.asyncio import Redis  # noqa: TID251 - the door is for the product

    redis: Redis = Redis.from_url(address)
    await redis.flushdb()
    await redis.aclose()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
