"""`Quotas`: texts charged to a caller's daily quota, and refunded if they are not answered."""

from __future__ import annotations

import time
from collections.abc import Callable

from insula.core.errors import StoreError
from insula.operations.credentials.quota import Quota
from insula.serving.authentication.callers import AccessDeniedError, Caller
from insula.serving.blocking_pool import BlockingPool

RETRY_AFTER = 2.0  # seconds after which to repeat a call if the store did not answer
DAY = 86_400


class Quotas:
    """The daily quotas of callers.

    counter  returns the counter in the store, None while there is no store
    """

    def __init__(self, counter: Callable[[], Quota | None], pool: BlockingPool) -> None:
        self._counter = counter
        self._pool = pool

    async def charge(self, caller: Caller, texts: int) -> None:
        """Charge texts to a caller; raise `AccessDeniedError` if the quota of the day has no room for all of them."""
        quota, counter = caller.limits.texts_per_day, self._counter()
        if quota is None or counter is None:
            return
        try:
            charged = await self._pool.run(lambda: counter.charge(caller.id, texts, quota))
        except StoreError:
            raise AccessDeniedError("unavailable", "store", caller=caller.id, retry_after=RETRY_AFTER) from None
        if not charged:
            raise AccessDeniedError("quota", "quota", caller=caller.id, retry_after=DAY - time.time() % DAY)

    def refund(self, caller: Caller, texts: int) -> None:
        """Take back a charge for texts that were not answered."""
        counter = self._counter()
        if counter is not None and caller.limits.texts_per_day is not None:
            counter.refund(caller.id, texts)

    def charge_in_thread(self, caller: str, texts: int, quota: int) -> bool:
        """Charge texts from the thread of a job; return False if there is no room, or the store does not answer."""
        counter = self._counter()
        try:
            return counter is None or counter.charge(caller, texts, quota)
        except StoreError:
            return False
