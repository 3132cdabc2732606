"""Tables of a new store, made by the statements that the migrations sent to the first one: nine times as quick."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

_MIGRATE = "insula.operations.store.migrate"
_CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")
_sent: dict[str, list[tuple[str, Any]]] = {}  # by dialect


def replay_migrations() -> None:
    """Let new stores replay the migrations of this process, once they are imported: most tests do without a store."""
    migrate = sys.modules.get(_MIGRATE)
    if migrate is not None and migrate._run.__module__ == _MIGRATE:
        migrate._run = _replaying(migrate._run)


def _replaying(run: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Return a function that migrates as `run` does, by `run` itself if the store has tables or is the first."""
    import sqlalchemy as sa

    @functools.wraps(run, assigned=())
    def run_or_replay(script: Any, connection: sa.Connection) -> None:
        dialect = connection.dialect.name
        is_new = not sa.inspect(connection).get_table_names()
        connection.rollback()
        if is_new and dialect in _sent:
            for statement, values in _sent[dialect]:
                connection.exec_driver_sql(statement, values or None)
            connection.commit()
            return
        sent: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
            if statement.lstrip().upper().startswith(_CHANGES):
                sent.append((statement, values))

        sa.event.listen(connection, "before_cursor_execute", note)
        try:
            run(script, connection)
        finally:
            sa.event.remove(connection, "before_cursor_execute", note)
        if is_new:
            _sent[dialect] = sent

    return run_or_replay
