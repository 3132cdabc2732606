"""`erase_subject`, `delete_expired_rows`, `verify_audit`: what the server keeps, forgets, and can prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.environment import require
from insula.core.errors import DataError
from insula.operations.audit.log import OPERATOR, STORE, AuditLog, audit_folder

if TYPE_CHECKING:
    from insula.operations.audit.verify import Verified


def erase_subject(
    subject: str, *, store: str | Path = STORE, audit: str | Path | None = None, anchor: str | None = None
) -> int:
    """Delete every stored prediction and all feedback about a subject; return how many rows.

    subject   the id that callers gave with their texts

    The audit log gets the subject's keyed hash and the number. Raises `DataError` for an empty id.
    """
    _needed()
    from insula.operations.store.database import open_database
    from insula.operations.store.rows import erase

    if not subject:
        raise DataError("The subject must be the id that callers gave with their texts. Got nothing. Name it.")
    log = AuditLog(audit_folder(store, audit), anchor=anchor)
    database = open_database(store)
    try:
        return erase(
            database,
            subject,
            before_commit=lambda hashed, rows: log.record("store.erased", OPERATOR, subject=hashed, rows=rows),
        )
    finally:
        database.close()


def delete_expired_rows(*, store: str | Path = STORE) -> int:
    """Delete the rows whose time is over, as a running server does by itself; return how many."""
    _needed()
    from insula.operations.store.database import open_database
    from insula.operations.store.rows import delete_expired

    database = open_database(store)
    try:
        return delete_expired(database)
    finally:
        database.close()


def verify_audit(folder: str | Path, *, anchors: str | Path | None = None, since: int = 1) -> Verified:
    """Return whether an audit log is whole, and what is wrong where it is not.

    folder    where the log is
    anchors   a file of anchors, kept elsewhere; without it a cut at the end does not show
    since     the first entry that must be there, where older files were archived

    Raises `MissingFileError`.
    """
    from insula.operations.audit.anchor import read_anchors
    from insula.operations.audit.verify import verify_log

    if since < 1:
        raise DataError(f"The first entry must be at least 1. Got {since}. Leave it out for the whole log.")
    return verify_log(folder, [] if anchors is None else read_anchors(anchors), since=since)


def _needed() -> None:
    require("sqlalchemy", extra="serve", purpose="open the server's store")
    require("alembic", extra="serve", purpose="open the server's store")
