"""`Quota`: texts per day, counted in the store, so that the count survives restarts and all servers share it."""

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

SHARE = 100  # a server reserves a hundredth of a quota at a time; a crash loses at most that
PAUSE = 1.0  # seconds for which a store without room is not asked again: denying a call must cost little
MAX_CALLERS = 10_000
KEEP_DAYS = 35


@dataclass
class _Reservation:
    """Texts that this server has reserved for a caller on a day.

    left       how many of them are not charged yet
    no_room    how many texts the store had no room for when it was `asked`; 0 if it had room
    """

    day: date
    left: int = 0
    no_room: int = 0
    asked: float = 0.0
    mutex: threading.Lock = field(default_factory=threading.Lock)


class Quota:
    """Counts the texts of callers against their quotas of a day (UTC).

    A server reserves texts in the store in blocks and charges them in memory, so that most requests write nothing. All
    servers together never reserve more than the quota; `release` returns what was reserved and not charged.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._mutex = threading.Lock()
        self._reserved: dict[str, _Reservation] = {}

    def charge(self, caller: str, texts: int, quota: int) -> bool:
        """Charge `texts` to a caller, all or none; return False if its `quota` a day has no room for them.

        Raises `StoreError` if the store cannot be asked; then nothing is charged.
        """
        reserved = self._get_reservation(caller)
        with reserved.mutex:
            if reserved.left < texts:
                reserved.left += self._reserve_texts(caller, reserved, texts - reserved.left, quota)
            if reserved.left < texts:
                return False
            reserved.left -= texts
            return True

    def refund(self, caller: str, texts: int) -> None:
        """Take back a charge for texts that were not answered; this server keeps them reserved until `release`."""
        reserved = self._get_reservation(caller)
        with reserved.mutex:
            reserved.left += texts

    def count_used(self, caller: str) -> int:
        """Return how many texts of today's quota all servers have reserved for a caller."""
        query = sa.select(TEXTS_USED.c.texts).where(
            TEXTS_USED.c.caller == caller, TEXTS_USED.c.day == self._clock().date()
        )
        with self._database.begin_read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def release(self) -> None:
        """Release reserved but uncharged texts when a server stops; errors of the store are ignored."""
        with self._mutex:
            held, self._reserved = self._reserved, {}
        with contextlib.suppress(StoreError):
            for caller, reserved in held.items():
                with reserved.mutex:
                    back, reserved.left = reserved.left, 0
                if back:
                    self._add(caller, reserved.day, -back)

    def delete_old(self) -> None:
        """Delete the counts of past months."""
        oldest = self._clock().date() - timedelta(days=KEEP_DAYS)
        with self._database.begin_write() as connection:
            connection.execute(sa.delete(TEXTS_USED).where(TEXTS_USED.c.day < oldest))

    def _get_reservation(self, caller: str) -> _Reservation:
        today = self._clock().date()
        with self._mutex:
            reserved = self._reserved.get(caller)
            if reserved is None or reserved.day != today:
                if len(self._reserved) >= MAX_CALLERS:
                    self._reserved = {
                        name: one for name, one in self._reserved.items() if one.day == today and one.left
                    }
                reserved = self._reserved[caller] = _Reservation(today)
            return reserved

    def _reserve_texts(self, caller: str, reserved: _Reservation, needed: int, quota: int) -> int:
        """Reserve a block of texts if the quota allows, else only those needed; return the number reserved."""
        now = time.monotonic()
        if 0 < reserved.no_room <= needed and now - reserved.asked < PAUSE:
            return 0
        for wanted in dict.fromkeys((max(needed, quota // SHARE), needed)):
            if self._add(caller, reserved.day, wanted, quota=quota):
                reserved.no_room = 0
                return wanted
        reserved.no_room, reserved.asked = needed, now
        return 0

    def _add(self, caller: str, day: date, texts: int, *, quota: int | None = None) -> bool:
        """Add texts to a caller's count; return False if that would exceed the quota."""
        mine = (TEXTS_USED.c.caller == caller) & (TEXTS_USED.c.day == day)
        change = sa.update(TEXTS_USED).where(mine).values(texts=TEXTS_USED.c.texts + texts)
        if quota is not None:
            change = change.where(TEXTS_USED.c.texts + texts <= quota)
        with self._database.begin_write() as connection:
            if connection.execute(change).rowcount:
                return True
            connection.execute(self._database.insert_new(TEXTS_USED), {"caller": caller, "day": day, "texts": 0})
            return bool(connection.execute(change).rowcount)
