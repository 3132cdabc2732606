"""Stores to test with: a file, and a database of PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from insula.operations.store.database import Database, open_database

_numbers = itertools.count()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    """A clock that a test sets."""
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store, in SQLite and in PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "data")
    return str(request.getfixturevalue("postgresql").new_database(f"store{next(_numbers)}"))


@pytest.fixture
def open_store(address: str) -> Iterator[Callable[[], Database]]:
    """Open the store, as a further server would."""
    opened: list[Database] = []

    def open_() -> Database:
        opened.append(open_database(address))
        return opened[-1]

    yield open_
    for database in opened:
        database.close()


@pytest.fixture
def database(open_store: Callable[[], Database]) -> Database:
    """An open store, in SQLite and in PostgreSQL."""
    return open_store()
