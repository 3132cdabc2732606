"""Schema migrations of the store, run once even if many servers start together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from insula.core.errors import StoreError
from insula.core.locks import wait_for_lock
from insula.operations.store.tables import METADATA

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x1A5C1A  # an arbitrary number, the same in all servers
MAX_WAIT = 120.0  # seconds to wait for the migrations of another server


def migrate(engine: Engine) -> None:
    """Migrate the tables to the schema of this version, if needed.

    Raises `StoreError` if a newer insula created them.
    """
    script = ScriptDirectory(str(MIGRATIONS))
    newest = script.get_current_head()
    known = {step.revision for step in script.walk_revisions()}
    with _lock_store(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # The lock ends with the connection, so a server that dies here blocks no other. Migrations have no timeout.
            connection.execute(sa.text("SET statement_timeout = 0"))
            connection.execute(sa.text("SELECT pg_advisory_lock(:n)"), {"n": ADVISORY_LOCK})
            connection.commit()
        try:
            current = MigrationContext.configure(connection).get_current_revision()
            connection.rollback()
            if current is not None and current not in known:
                raise StoreError(
                    f"The store is at migration {current!r}, which this version does not know (newest: {newest!r}): a "
                    "newer insula created it. Install that version, or choose another store."
                )
            if current != newest:
                _run(script, connection)
        finally:
            connection.rollback()
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": ADVISORY_LOCK})
                connection.commit()
                connection.invalidate()  # drop the connection with its changed timeout


def find_differences(engine: Engine) -> list[Any]:
    """Return the differences between the tables and the code, as reported by Alembic; for tests."""
    from alembic.autogenerate import compare_metadata

    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))


def _run(script: ScriptDirectory, connection: Connection) -> None:
    def steps(current: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs("head", current)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA)
        with environment.begin_transaction():
            environment.run_migrations()
    connection.commit()


@contextlib.contextmanager
def _lock_store(engine: Engine) -> Iterator[None]:
    """Lock out other processes on this machine if the store is a file."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        yield
        return
    with wait_for_lock(Path(file + ".lock"), seconds=MAX_WAIT):
        yield
