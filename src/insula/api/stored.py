"""`erase_subject`, `delete_expired_rows`, `list_deliveries`, `verify_audit`: the data that a server stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError, UnknownNameError
from insula.operations.audit.log import OPERATOR, STORE, AuditLog, choose_audit_folder
from insula.operations.store.open_store import open_store

if TYPE_CHECKING:
    from insula.operations.audit.verify import AuditVerification
    from insula.operations.outbox.outbox import Delivery, Outbox

PURPOSE = "open the server's store"


def erase_subject(
    subject: str, *, store: str | Path = STORE, audit: str | Path | None = None, anchor: str | None = None
) -> int:
    """Delete every stored prediction and all feedback about a subject; return how many rows.

    subject   id of the person, as clients sent it with their texts

    The audit log records the keyed hash of the subject and the number of rows. Raises `DataError` for an empty id.
    """
    if not subject:
        raise DataError(
            "The subject must be an id that clients sent with their texts. Got an empty one. Pass the person's id."
        )
    log = AuditLog(choose_audit_folder(store, audit), anchor=anchor)
    with open_store(store, purpose=PURPOSE) as database:
        from insula.operations.store.rows import erase

        return erase(
            database,
            subject,
            before_commit=lambda hashed, rows: log.record("store.erased", OPERATOR, subject=hashed, rows=rows),
        )


def delete_expired_rows(*, store: str | Path = STORE) -> int:
    """Delete the rows past their retention period, as a running server does by itself; return how many."""
    with open_store(store, purpose=PURPOSE) as database:
        from insula.operations.store.rows import delete_expired

        return delete_expired(database)


def list_deliveries(*, store: str | Path = STORE, state: str | None = None, limit: int = 100) -> list[Delivery]:
    """Return notifications on their way, the newest first.

    state  only those that are `waiting`, `delivered` or `failed`
    """
    with _open_outbox(store) as outbox:
        return outbox.list_deliveries(state=state, limit=limit)


def retry_deliveries(*, store: str | Path = STORE) -> int:
    """Let the server or the next monitor send failed notifications again; return how many."""
    with _open_outbox(store) as outbox:
        return outbox.retry_failed()


def stop_deliveries(receiver: str, *, store: str | Path = STORE) -> int:
    """Stop notifying a receiver that is no longer in the settings; return the number of notifications deleted.

    Raises `UnknownNameError` for a receiver without notifications.
    """
    with open_store(store, purpose=PURPOSE) as database:
        from insula.operations.outbox.subscriptions import unsubscribe

        was_known, deleted = unsubscribe(database, receiver)
    if not was_known and not deleted:
        raise UnknownNameError(
            f"The store has no notifications for the receiver {receiver!r}. List all with: insula store deliveries"
        )
    return deleted


def verify_audit(folder: str | Path, *, anchors: str | Path | None = None, since: int = 1) -> AuditVerification:
    """Verify an audit log; return the number of entries and the problems found.

    folder    folder of the log
    anchors   file of anchors, kept elsewhere; without it, entries removed from the end are not detected
    since     first entry to expect, if older files were archived

    Raises `MissingFileError`.
    """
    from insula.operations.audit.anchor import read_anchors
    from insula.operations.audit.verify import verify_log

    if since < 1:
        raise DataError(
            f"The number of the first entry must be at least 1. Got {since}. Leave it out to verify the whole log."
        )
    return verify_log(folder, [] if anchors is None else read_anchors(anchors), since=since)


@contextmanager
def _open_outbox(store: str | Path) -> Iterator[Outbox]:
    with open_store(store, purpose=PURPOSE) as database:
        from insula.operations.outbox.outbox import Outbox

        yield Outbox(database)
