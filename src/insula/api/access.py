"""`create_key`, `list_keys`, `rotate_key`, `revoke_key`: access keys of the server."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.moved import renamed_arguments
from insula.operations.audit.log import OPERATOR, STORE, AuditLog, choose_audit_folder
from insula.operations.store.open_store import open_store

if TYPE_CHECKING:
    from insula.operations.credentials.audited_keys import AuditedKeys
    from insula.operations.credentials.keys import KeyRecord, KeyStore, NewKey

GRACE = "1d"


@renamed_arguments(texts_a_day="texts_per_day", calls_a_second="calls_per_second")
def create_key(
    name: str,
    *,
    scopes: Collection[str] = ("predict",),
    expires: str | None = None,
    texts_per_day: int | None = None,
    calls_per_second: float | None = None,
    burst: int | None = None,
    store: str | Path = STORE,
    audit: str | Path | None = None,
    anchor: str | None = None,
) -> NewKey:
    """Create an access key; its secret is in the result and cannot be shown again.

    name            owner of the key, for lists and logs
    scopes          exactly what it may do: `predict`, `review`, `agent`, `admin`
    expires         lifetime, such as `90d`; None for no end
    texts_per_day     quota of texts per day (UTC)
    calls_per_second  rate limit of requests per second, of which `burst` may come at once
    store           the server's data folder, or the address of its database
    audit           folder of the audit log; default `audit` in the data folder
    anchor          file outside the server that receives the head of the audit log; `-` is standard output

    Raises `DataError` for an invalid value, `StoreError` if the store cannot be used, `OutputError` if the audit log
    cannot be written; then no key is created.
    """
    with _open_audited_keys(store, audit, anchor) as keys:
        return keys.create(
            name,
            scopes=scopes,
            expires=expires,
            texts_per_day=texts_per_day,
            calls_per_second=calls_per_second,
            burst=burst,
        )


def list_keys(*, store: str | Path = STORE) -> list[KeyRecord]:
    """Return every key that was ever created, without its secret, oldest first."""
    with _open_keys(store) as keys:
        return keys.list_all()


def rotate_key(
    key: str,
    *,
    grace: str = GRACE,
    store: str | Path = STORE,
    audit: str | Path | None = None,
    anchor: str | None = None,
) -> NewKey:
    """Replace a key by a new one with the same scopes and limits; the old one keeps working for `grace`.

    key   the id of the old key, as `list_keys` gives it

    Raises `UnknownNameError`, and `DataError` if the key is not active or was already rotated.
    """
    with _open_audited_keys(store, audit, anchor) as keys:
        return keys.rotate(key, grace=grace)


def revoke_key(
    key: str, *, store: str | Path = STORE, audit: str | Path | None = None, anchor: str | None = None
) -> KeyRecord:
    """Revoke a key. Running servers reject it within `access.remembered_seconds`.

    Raises `UnknownNameError`.
    """
    with _open_audited_keys(store, audit, anchor) as keys:
        return keys.revoke(key)


@contextmanager
def _open_keys(store: str | Path) -> Iterator[KeyStore]:
    with open_store(store, purpose="keep access keys") as database:
        from insula.operations.credentials.keys import KeyStore

        yield KeyStore(database)


@contextmanager
def _open_audited_keys(store: str | Path, audit: str | Path | None, anchor: str | None) -> Iterator[AuditedKeys]:
    with _open_keys(store) as keys:
        from insula.operations.credentials.audited_keys import AuditedKeys

        yield AuditedKeys(keys, AuditLog(choose_audit_folder(store, audit), anchor=anchor), OPERATOR)
