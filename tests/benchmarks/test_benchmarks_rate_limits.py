"""The decision for our own token bucket: its figures are those of the result file, and hold."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

import rate_limits
from insula.serving.authentication.rate_limiter import MemoryRateLimiter, RateLimit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "decisions" / "rate-limits.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rate_limits.OUTPUT.read_text(encoding="utf-8"))
    return found


def test_the_table_is_that_of_the_result_file(result: dict[str, Any]) -> None:
    rows = re.findall(r"^\| ([\w ]+, \w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    shown = {
        name: {"allowed": float(allowed), "denied": float(denied), "processor": float(processor)}
        for name, allowed, denied, processor in rows
    }
    assert shown == result["microseconds"]
    grid, waits = result["limits_of_a_grid"], result["seconds_after_a_burst"]
    assert f"it can express {grid['as_windows']} of {grid['all']} pairs of rate and burst" in PAGE
    late = waits["moving window of limits"]["5/s, 20 at once"]
    assert f"at 5/s with 20 at once, {late['named']} seconds instead of {late['promised']}" in PAGE


def test_the_bucket_keeps_what_it_promises_and_costs_less(result: dict[str, Any]) -> None:
    for wait in result["seconds_after_a_burst"]["token bucket"].values():
        assert wait["named"] == wait["promised"]
    for place in ("memory", "redis"):
        ours = result["microseconds"][f"token bucket, {place}"]
        for window in ("moving", "sliding"):
            theirs = result["microseconds"][f"{window} window of limits, {place}"]
            assert all(ours[name] < theirs[name] for name in ours)


def test_an_arm_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "CALLERS", 5)
    timed: dict[str, list[float]] = {"allowed": [], "denied": [], "processor": []}
    asyncio.run(rate_limits._round(MemoryRateLimiter().acquire, 50, timed))
    assert [len(timed[name]) for name in ("allowed", "denied", "processor")] == [50, 50, 1]
    assert rate_limits._costs(timed).keys() == timed.keys()


def test_the_wait_after_a_burst_is_the_one_that_is_named() -> None:
    waits = iter([0.0, 0.0, 0.25, 0.1, 0.0])

    async def acquire(caller: str, limit: RateLimit) -> float:
        return next(waits)

    found = asyncio.run(rate_limits._wait_after(acquire, RateLimit(4, 2)))
    assert (found["promised"], found["named"]) == (0.25, 0.25)
    assert next(waits, None) is None


def test_windows_have_whole_seconds() -> None:
    assert rate_limits._window(RateLimit(20, 3)) is None
    assert rate_limits._window(RateLimit(0.5, 1)) == 2
