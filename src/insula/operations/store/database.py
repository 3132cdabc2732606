"""The database behind the store: SQLite in a file, or PostgreSQL by its address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from insula.core.environment import require
from insula.core.errors import StoreError, StoreUnreachableError
from insula.core.files import convert_output_errors
from insula.operations.store.migrate import migrate

FILE = "store.sqlite3"
TIMEOUT = 5  # seconds for a lock, a statement, a free connection
CONNECT_TIMEOUT = 3  # seconds for a connection
CONNECTIONS = 8
_WRITES = "insula_writes"


class Database:
    """A pool of connections; made by `open_database`.

    `reading` and `writing` are transactions. Errors of the database become `StoreError`, or `StoreUnreachableError` if
    the same call may succeed later.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.contextmanager
    def begin_read(self) -> Iterator[Connection]:
        """A read-only transaction."""
        with _convert_database_errors(self._engine.url), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def begin_write(self) -> Iterator[Connection]:
        """A transaction: committed to disk at the end, rolled back on an error."""
        with _convert_database_errors(self._engine.url), self._engine.connect() as connection:
            # SQLite: a reader that becomes a writer may fail at once; a writer from the start waits for the lock.
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def now(self, connection: Connection) -> datetime:
        """Return the time in UTC. It comes from PostgreSQL if possible, so that servers with different clocks agree."""
        if self.kind == "postgresql":
            there: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            return there.astimezone(UTC)
        return datetime.now(UTC)

    def insert_new(self, table: sa.Table) -> sa.Insert:
        """Return an insert that skips rows whose key exists."""
        if self.kind == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    def insert_or_add(self, table: sa.Table, sums: Sequence[str]) -> Any:
        """Return an insert that, if a row with the same key exists, adds these columns to it instead.

        The other columns, without a counted `id`, must be the key of the table or unique together.
        """
        insert = (postgresql if self.kind == "postgresql" else sqlite).insert(table)
        key = [column for column in table.columns if column.name not in sums and column.name != "id"]
        added = {name: table.c[name] + insert.excluded[name] for name in sums}
        return insert.on_conflict_do_update(index_elements=key, set_=added)

    def truncate_journal(self) -> None:
        """Empty SQLite's journal, so that it holds no deleted rows; other databases do this automatically."""
        if self.kind == "sqlite":
            with _convert_database_errors(self._engine.url), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def migrate(self) -> None:
        """Bring the tables up to date, under a lock that all servers take."""
        with _convert_database_errors(self._engine.url):
            migrate(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(address: str | Path) -> Database:
    """Open a store and bring its tables up to date.

    address   a folder or file (SQLite; a folder gets `store.sqlite3`), or `postgresql://user:password@host/name`

    Raises `StoreError` for another kind of address, a newer store or missing permissions, `StoreUnreachableError` if
    the database does not answer, `MissingExtraError` if the driver is not installed.
    """
    url = _parse_url(address)
    database = Database(
        _create_postgresql_engine(url) if url.drivername.startswith("postgresql") else _create_sqlite_engine(url)
    )
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _parse_url(address: str | Path) -> URL:
    text = os.fspath(address)
    if "://" not in text:
        path = Path(text)
        file = path / FILE if path.is_dir() or not path.suffix else path
        return URL.create("sqlite", database=str(file.absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(
            "The address of the store is not valid. Write it as postgresql://user:password@host/name."
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        return URL.create("sqlite", database=str(Path(url.database).absolute()))
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        require("psycopg", extra="postgres", purpose="keep the store in PostgreSQL")
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"The store must be a file, or an address that starts with sqlite:/// or postgresql://. Got {url.drivername!r}"
        ". Use one of these."
    )


def _create_postgresql_engine(url: URL) -> Engine:
    options = f"-c statement_timeout={TIMEOUT}s -c lock_timeout={TIMEOUT}s"
    if "options" in url.query:
        options = f"{url.query['options']} {options}"
    arguments: dict[str, Any] = {"options": options, "application_name": "insula", "keepalives_idle": 10}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_TIMEOUT
    return sa.create_engine(
        url, connect_args=arguments, pool_pre_ping=True, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=TIMEOUT
    )


def _create_sqlite_engine(url: URL) -> Engine:
    path = Path(str(url.database))
    with convert_output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # only the owner may read digests and masked texts
    engine = sa.create_engine(url, connect_args={"timeout": TIMEOUT}, pool_size=CONNECTIONS, pool_timeout=TIMEOUT)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3 would start transactions late, and only for some statements
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextlib.contextmanager
def _convert_database_errors(url: URL) -> Iterator[None]:
    """Turn errors of the database into sentences without its password, statements and values."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreUnreachableError("All connections to the store are in use. Try again later.") from error
    except DBAPIError as error:
        where = url.render_as_string(hide_password=True)
        reason = _get_first_line(error.orig)
        if _is_transient(error):
            advice = "its disk has free space" if url.drivername.startswith("sqlite") else "it is running"
            raise StoreUnreachableError(
                f"The store {where} does not answer: {reason}. Try again later, or check that {advice}."
            ) from None
        raise StoreError(
            f"The store {where} returned an error: {reason}. Check its address, permissions and state."
        ) from None
    except SQLAlchemyError as error:
        raise StoreError(f"The store cannot be used: {type(error).__name__}. Check its address.") from error


def _is_transient(error: DBAPIError) -> bool:
    """Whether the call may succeed later: unreachable, shutting down, locked, full, too slow."""
    from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

    if isinstance(error, OperationalError | InterfaceError | InternalError) or error.connection_invalidated:
        message = str(error.orig).lower()
        return not any(phrase in message for phrase in ("authentication failed", "does not exist", "not a database"))
    return False


def _get_first_line(error: BaseException | None) -> str:
    # Further lines of a driver quote the statement or the row (DETAIL: ...), which may hold a person's words.
    return next(iter(str(error).strip().splitlines()), "unknown").rstrip(".")
