"""The database behind the store: SQLite in a file, or PostgreSQL by its address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
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
from insula.core.files import output_errors
from insula.operations.store.migrate import migrate

FILE = "store.sqlite3"
PATIENCE = 5  # seconds for a lock, a statement, a free connection
CONNECT = 3  # seconds for a connection
CONNECTIONS = 8
_WRITES = "insula_writes"


class Database:
    """A pool of connections; made by `open_database`.

    `reading` and `writing` are transactions. What the database refuses becomes `StoreError`, and
    `StoreUnreachableError` where it may be there again later.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing."""
        with _told(self._engine.url), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, on disk when it ends well and without a trace when it does not."""
        with _told(self._engine.url), self._engine.connect() as connection:
            # SQLite: a reader that turns into a writer may be refused at once; a writer from the start waits its turn.
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def insert_new(self, table: sa.Table) -> sa.Executable:
        """Return an insert that passes over rows whose key is there."""
        if self.kind == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    def forget_pages(self) -> None:
        """Let no page of a journal hold what was deleted; SQLite alone keeps it in our reach."""
        if self.kind == "sqlite":
            with _told(self._engine.url), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def migrate(self) -> None:
        """Bring the tables up to date, under a lock that all servers take."""
        with _told(self._engine.url):
            migrate(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(address: str | Path) -> Database:
    """Open a store and bring its tables up to date.

    address   a folder or file (SQLite; a folder gets `store.sqlite3`), or `postgresql://user:password@host/name`

    Raises `StoreError` for an address of another kind, a newer store or a missing right, `StoreUnreachableError` where
    nothing answers, `MissingExtraError` where the driver is not installed.
    """
    url = _url(address)
    database = Database(_postgresql(url) if url.drivername.startswith("postgresql") else _sqlite(url))
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _url(address: str | Path) -> URL:
    text = os.fspath(address)
    if "://" not in text:
        path = Path(text)
        file = path / FILE if path.is_dir() or not path.suffix else path
        return URL.create("sqlite", database=str(file.absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(
            "The address of the store cannot be read. Write postgresql://user:password@host/name."
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        return URL.create("sqlite", database=str(Path(url.database).absolute()))
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        require("psycopg", extra="postgres", purpose="keep the store in PostgreSQL")
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"The store must be a file, or an address that begins with sqlite:/// or postgresql://. Got {url.drivername!r}."
    )


def _postgresql(url: URL) -> Engine:
    options = f"-c statement_timeout={PATIENCE}s -c lock_timeout={PATIENCE}s"
    if "options" in url.query:
        options = f"{url.query['options']} {options}"
    arguments: dict[str, Any] = {"options": options, "application_name": "insula", "keepalives_idle": 10}
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT
    return sa.create_engine(
        url, connect_args=arguments, pool_pre_ping=True, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=PATIENCE
    )


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # digests and masked texts are its owner's alone
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE}, pool_size=CONNECTIONS, pool_timeout=PATIENCE)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # sqlite3's own way begins transactions late, and only for some statements
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextlib.contextmanager
def _told(url: URL) -> Iterator[None]:
    """Turn what the database refuses into a sentence without its password, its statement and its values."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreUnreachableError("All connections to the store are in use. Try again later.") from error
    except DBAPIError as error:
        where = url.render_as_string(hide_password=True)
        reason = _first_line(error.orig)
        if _passing(error):
            raise StoreUnreachableError(
                f"The store {where} does not answer: {reason}. Try again later, or see whether it runs."
            ) from None
        raise StoreError(f"The store {where} refuses: {reason}. Check its address, rights and state.") from None
    except SQLAlchemyError as error:
        raise StoreError(f"The store cannot be used: {type(error).__name__}. Check its address.") from error


def _passing(error: DBAPIError) -> bool:
    """Whether the same may succeed later: nobody there, shutting down, locked, full, too slow."""
    from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

    if isinstance(error, OperationalError | InterfaceError | InternalError) or error.connection_invalidated:
        words = str(error.orig).lower()
        return not any(wrong in words for wrong in ("authentication failed", "does not exist", "not a database"))
    return False


def _first_line(error: BaseException | None) -> str:
    # A driver's further lines quote the statement or the row (DETAIL: ...), which may hold a person's words.
    return next(iter(str(error).strip().splitlines()), "unknown").rstrip(".")
