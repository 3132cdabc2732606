"""`open_queue`: the hand-off queue in the store of a server."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.environment import require
from insula.operations.audit.log import STORE

if TYPE_CHECKING:
    from insula.operations.handoff.queue import HandoffQueue

CLOSED_DAYS = 90.0


@contextmanager
def open_queue(
    store: str | Path = STORE,
    *,
    days: float = CLOSED_DAYS,
    texts: bool = True,
    kinds: Collection[str] | None = None,
) -> Iterator[HandoffQueue]:
    """Open the hand-off queue for a `with` block; its methods open, claim, close and list cases.

    store   the server's data folder, or the address of its database
    days    days for which a closed case is kept; others are kept until they are closed
    texts   whether the words of messages are stored, masked; without them agents read a message in its source
    kinds   kinds of personal data to mask (default: all)

    Raises `StoreError` if the store cannot be used, `StoreUnreachableError` if it does not answer, `DataError` for an
    unknown kind.
    """
    require("sqlalchemy", extra="serve", purpose="keep the hand-off queue")
    require("alembic", extra="serve", purpose="keep the hand-off queue")
    from insula.operations.handoff.queue import HandoffQueue
    from insula.operations.store.database import open_database
    from insula.operations.store.retention import Retention
    from insula.safety.find import check_kinds
    from insula.safety.mask import mask

    wanted = check_kinds(kinds)
    retention = Retention(days, mask=(lambda text: mask(text, kinds=wanted).text) if texts else None)
    database = open_database(store)
    try:
        yield HandoffQueue(database, retention)
    finally:
        database.close()
