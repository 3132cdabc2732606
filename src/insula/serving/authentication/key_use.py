"""`KeyUse`: stores when access keys were last used."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from insula.core.errors import StoreError
from insula.operations.credentials.keys import KeyStore

SECONDS = 60.0  # between two times that are stored of one key
MAX_KEYS = 10_000


class KeyUse:
    """Stores the times in a thread of its own: a call neither waits for them nor fails with them.

    keys  returns the keys in the store, None while there is no store
    """

    def __init__(self, keys: Callable[[], KeyStore | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._stored: dict[str, float] = {}
        self._mutex = threading.Lock()
        self._is_closed = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="insula-key-use")

    def add(self, identity: str) -> None:
        """Store that a key is used now, unless that was stored less than `SECONDS` ago."""
        now = self._clock()
        with self._mutex:
            if self._is_closed or now - self._stored.get(identity, float("-inf")) < SECONDS:
                return
            if len(self._stored) >= MAX_KEYS:
                self._stored.clear()
            self._stored[identity] = now
            self._writer.submit(self._write, identity)

    def close(self) -> None:
        """Stop; times that are not stored yet are lost."""
        with self._mutex:
            self._is_closed = True
        self._writer.shutdown(wait=True, cancel_futures=True)

    def _write(self, identity: str) -> None:
        try:
            keys = self._keys()
            if keys is not None:
                keys.record_use(identity)
        except StoreError as error:
            logging.getLogger("insula").warning("The last use of a key cannot be stored: %s", error)
