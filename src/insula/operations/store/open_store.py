"""`open_store`: a store for a `with` block, with one sentence if the libraries of the store are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.environment import require

if TYPE_CHECKING:
    from insula.operations.store.database import Database


@contextmanager
def open_store(address: str | Path, *, purpose: str) -> Iterator[Database]:
    """Open a store and bring its tables up to date; close it at the end of the block.

    address  as in `operations.store.database.open_database`
    purpose  completes the sentence "The package is needed to ..."

    Raises as `open_database` does, and `MissingExtraError`.
    """
    for library in ("sqlalchemy", "alembic"):
        require(library, extra="serve", purpose=purpose)
    from insula.operations.store.database import open_database

    database = open_database(address)
    try:
        yield database
    finally:
        database.close()
