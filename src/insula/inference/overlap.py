"""Background threads: prefetch the next items, write finished ones."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.1  # a waiting thread checks this often whether it must stop
_END: Any = object()


@contextlib.contextmanager
def prefetch_items(items: Iterable[T], *, most: int = 1) -> Iterator[Iterator[T]]:
    """Yield an iterator over `items`, which a thread computes ahead of the caller, at most `most` of them.

    An exception in the thread is raised in the caller at its item. The thread ends with the block, after its current
    item, so `items` must not wait for typed input.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(maxsize=most)
    stopped = threading.Event()

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not _put_unless_stopped(ready, (item, None), stopped):
                    return
        except BaseException as raised:  # noqa: BLE001 - raised again in the caller
            error = raised
        _put_unless_stopped(ready, (_END, error), stopped)

    thread = threading.Thread(target=work, name="insula-ahead", daemon=True)

    def taken() -> Iterator[T]:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item

    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        thread.join()


class BackgroundWorker(contextlib.AbstractContextManager["BackgroundWorker[T]"], Generic[T]):
    """A thread that calls `function` with each submitted item, in order; at most `most` items wait.

    An exception of `function` is raised by the next `submit`, or at the end of the block. If the block ends with an
    error, waiting items are still processed: they are complete, and a resumed run need not repeat them.
    """

    def __init__(self, function: Callable[[T], None], *, most: int = 2) -> None:
        self._function = function
        self._waiting: queue.Queue[T] = queue.Queue(maxsize=most)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="insula-behind", daemon=True)

    def __enter__(self) -> BackgroundWorker[T]:
        self._thread.start()
        return self

    def submit(self, item: T) -> None:
        """Queue an item; blocks while the queue is full."""
        self._raise()
        _put_unless_stopped(self._waiting, item, self._stopped)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _put_unless_stopped(self._waiting, _END, self._stopped)
        self._thread.join()
        if error is None:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while (item := self._waiting.get()) is not _END:
                self._function(item)
        except BaseException as raised:  # noqa: BLE001 - raised again in the caller
            self._error = raised
            self._stopped.set()


def _put_unless_stopped(place: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    """Put an item into a queue that may be full; return False if the reader has stopped."""
    while not stopped.is_set():
        with contextlib.suppress(queue.Full):
            place.put(item, timeout=POLL_SECONDS)
            return True
    return False
