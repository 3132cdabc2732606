"""`BlockingPool`: runs calls that wait for a disk or a network in threads, with a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from insula.core.errors import StoreUnreachableError

Result = TypeVar("Result")
THREADS = 8
TIMEOUT = 6.0  # seconds; a database that hangs must not block the server


class BlockingPool:
    """A few threads for blocking calls, so that a slow database delays neither the event loop nor other work."""

    def __init__(self, *, threads: int = THREADS, timeout: float = TIMEOUT) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="insula-blocking")
        self._timeout = timeout

    async def run(self, call: Callable[[], Result]) -> Result:
        """Return the result of `call`; raise `StoreUnreachableError` if it takes too long."""
        future = self._threads.submit(call)
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise StoreUnreachableError(
                f"The store did not answer within {self._timeout:g} seconds. Try again later."
            ) from None

    def close(self) -> None:
        """Stop the threads; calls that have not started are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
