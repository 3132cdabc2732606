"""Calls that wait for a disk or a network, made beside the event loop and given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from insula.core.errors import StoreUnreachableError

Result = TypeVar("Result")
THREADS = 8
PATIENCE = 6.0  # seconds; a database that hangs must not take the server with it


class Aside:
    """A few threads of their own, so that a slow database holds up nothing else."""

    def __init__(self, *, threads: int = THREADS, seconds: float = PATIENCE) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="insula-aside")
        self._seconds = seconds

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns; `StoreUnreachableError` where it takes too long."""
        future = self._pool.submit(work)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise StoreUnreachableError("The store takes too long to answer. Try again later.") from None

    def close(self) -> None:
        """End the threads; what waits for its turn is not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)
