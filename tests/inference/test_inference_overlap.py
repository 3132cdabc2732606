"""Threads beside the caller: order, bounds, errors, and an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from insula.inference.overlap import BackgroundWorker, prefetch_items
from waiting import DEADLINE, wait_until


def _threads() -> list[str]:
    return [
        thread.name for thread in threading.enumerate() if thread.name.startswith(("insula-ahead", "insula-behind"))
    ]


def test_what_comes_ahead_is_in_order_and_bounded() -> None:
    made: list[int] = []

    def endless() -> Iterator[int]:
        for number in range(10**9):
            made.append(number)
            yield number

    with prefetch_items(endless(), most=2) as items:
        assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
        most = 5 + 2 + 1  # what was taken, what is held, and one in hand
        wait_until(lambda: len(made) == most, f"{len(made)} of {most} are made")
        assert len(made) == most
    assert _threads() == []


def test_what_comes_ahead_is_made_while_the_caller_works() -> None:
    made = threading.Event()

    def two() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    with prefetch_items(two()) as items:
        assert next(items) == 1
        assert made.wait(DEADLINE)
        assert list(items) == [2]


def test_an_error_ahead_comes_to_the_caller_in_its_place() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("broken row")

    with prefetch_items(fails()) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="broken row"):
            next(items)
    assert _threads() == []


def test_a_caller_that_fails_ends_the_thread() -> None:
    def fail() -> None:
        with prefetch_items(iter(range(100))) as items:
            next(items)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert _threads() == []


def test_what_is_left_behind_is_done_in_order_to_the_end() -> None:
    done: list[int] = []
    with BackgroundWorker[int](done.append) as behind:
        for number in range(20):
            behind.submit(number)
    assert done == list(range(20))
    assert _threads() == []


def test_after_an_error_of_the_caller_what_waits_is_still_done() -> None:
    done: list[int] = []

    def slowly(item: int) -> None:
        time.sleep(0.01)
        done.append(item)

    def stop() -> None:
        with BackgroundWorker[int](slowly) as behind:
            behind.submit(1)
            behind.submit(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert done == [1, 2]


@pytest.mark.parametrize("items", [1, 50])
def test_an_error_behind_comes_to_the_caller(items: int) -> None:
    def fail(item: int) -> None:
        raise OSError("no space")

    def submit() -> None:
        with BackgroundWorker[int](fail) as behind:
            for number in range(items):
                behind.submit(number)

    with pytest.raises(OSError, match="no space"):
        submit()
    assert _threads() == []
