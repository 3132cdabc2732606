"""Texts a day: counted in the store, so that the count outlives restarts and holds for all servers together."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from insula.core.errors import StoreError
from insula.operations.store.database import Database
from insula.operations.store.tables import TEXTS_USED

SHARE = 100  # a server takes a hundredth of a quota at a time; a crash loses at most that
AGAIN = 1.0  # seconds for which a store that had no room is not asked again: refusing must cost little
MOST_CALLERS = 10_000
KEPT_DAYS = 35


@dataclass
class _Taken:
    day: date
    left: int = 0
    refused: int = 0  # so many texts the store had no room for, at the moment `asked`
    asked: float = 0.0
    mutex: threading.Lock = field(default_factory=threading.Lock)


class Quota:
    """Who may still have how many texts today (UTC).

    A server takes texts from the store in blocks and spends them in memory, so that most requests write nothing. The
    sum of what all servers give out never exceeds the quota; `give_back` returns what was taken and not spent.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._mutex = threading.Lock()
        self._taken: dict[str, _Taken] = {}

    def spend(self, caller: str, texts: int, quota: int) -> bool:
        """Count `texts` for a caller, all or none; False where its `quota` a day has no room for them.

        Raises `StoreError` where the store cannot be asked: then nothing is counted.
        """
        taken = self._today(caller)
        with taken.mutex:
            if taken.left < texts:
                taken.left += self._take(caller, taken, texts - taken.left, quota)
            if taken.left < texts:
                return False
            taken.left -= texts
            return True

    def unspend(self, caller: str, texts: int) -> None:
        """Take a spending back: the texts were not answered. They stay with this server until `give_back`."""
        taken = self._today(caller)
        with taken.mutex:
            taken.left += texts

    def used(self, caller: str) -> int:
        """Return how many texts of today's quota servers have taken for a caller."""
        query = sa.select(TEXTS_USED.c.texts).where(
            TEXTS_USED.c.caller == caller, TEXTS_USED.c.day == self._clock().date()
        )
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def give_back(self) -> None:
        """Return to the store what was taken and not spent; for the end of a server. What fails is left out."""
        with self._mutex:
            held, self._taken = self._taken, {}
        with contextlib.suppress(StoreError):
            for caller, taken in held.items():
                with taken.mutex:
                    back, taken.left = taken.left, 0
                if back:
                    self._add(caller, taken.day, -back)

    def forget(self) -> None:
        """Delete the counts of past months."""
        oldest = self._clock().date() - timedelta(days=KEPT_DAYS)
        with self._database.writing() as connection:
            connection.execute(sa.delete(TEXTS_USED).where(TEXTS_USED.c.day < oldest))

    def _today(self, caller: str) -> _Taken:
        today = self._clock().date()
        with self._mutex:
            taken = self._taken.get(caller)
            if taken is None or taken.day != today:
                if len(self._taken) >= MOST_CALLERS:
                    self._taken = {name: one for name, one in self._taken.items() if one.day == today and one.left}
                taken = self._taken[caller] = _Taken(today)
            return taken

    def _take(self, caller: str, taken: _Taken, needed: int, quota: int) -> int:
        """Return how many texts the store gives: a block where there is room for one, what is needed, or none."""
        now = time.monotonic()
        if 0 < taken.refused <= needed and now - taken.asked < AGAIN:
            return 0
        for wanted in dict.fromkeys((max(needed, quota // SHARE), needed)):
            if self._add(caller, taken.day, wanted, most=quota):
                taken.refused = 0
                return wanted
        taken.refused, taken.asked = needed, now
        return 0

    def _add(self, caller: str, day: date, texts: int, *, most: int | None = None) -> bool:
        mine = (TEXTS_USED.c.caller == caller) & (TEXTS_USED.c.day == day)
        change = sa.update(TEXTS_USED).where(mine).values(texts=TEXTS_USED.c.texts + texts)
        if most is not None:
            change = change.where(TEXTS_USED.c.texts + texts <= most)
        with self._database.writing() as connection:
            if connection.execute(change).rowcount:
                return True
            connection.execute(self._database.insert_new(TEXTS_USED), {"caller": caller, "day": day, "texts": 0})
            return bool(connection.execute(change).rowcount)
