"""`AuditedKeys`: creates, rotates and revokes access keys, each with an entry in the audit log."""

from __future__ import annotations

from collections.abc import Collection

from insula.core.durations import parse_duration
from insula.operations.audit.log import AuditLog
from insula.operations.credentials.keys import KeyRecord, KeyStore, NewKey


class AuditedKeys:
    """The keys of a store, changed by an actor; a change that the audit log cannot record is not made.

    actor  who makes the changes: an id, never a secret
    """

    def __init__(self, keys: KeyStore, log: AuditLog, actor: str) -> None:
        self._keys = keys
        self._log = log
        self._actor = actor

    def create(
        self,
        name: str,
        *,
        scopes: Collection[str],
        expires: str | None = None,
        texts_per_day: int | None = None,
        calls_per_second: float | None = None,
        burst: int | None = None,
    ) -> NewKey:
        """Create a key, as `KeyStore.create` does; `expires` is its lifetime, such as `90d`.

        Raises `DataError` for an impossible value, `OutputError` if the audit log cannot be written.
        """
        return self._keys.create(
            name,
            scopes=scopes,
            seconds=None if expires is None else parse_duration(expires, name="lifetime of a key"),
            texts_per_day=texts_per_day,
            calls_per_second=calls_per_second,
            burst=burst,
            before_commit=lambda made: self._log.record("key.created", self._actor, **_describe(made)),
        )

    def rotate(self, key: str, *, grace: str) -> NewKey:
        """Replace a key, as `KeyStore.rotate` does; the old one keeps working for `grace`, such as `1d`."""

        def record(old: KeyRecord, new: KeyRecord) -> None:
            until = None if old.expires is None else old.expires.isoformat(timespec="seconds")
            self._log.record("key.rotated", self._actor, old=old.id, until=until, **_describe(new))

        overlap = parse_duration(grace, name="grace period of a rotation")
        return self._keys.rotate(key, grace=overlap, before_commit=record)

    def revoke(self, key: str) -> KeyRecord:
        """Revoke a key at once, as `KeyStore.revoke` does."""
        return self._keys.revoke(
            key, before_commit=lambda made: self._log.record("key.revoked", self._actor, key=made.id)
        )


def _describe(made: KeyRecord) -> dict[str, str | list[str] | None]:
    expires = None if made.expires is None else made.expires.isoformat(timespec="seconds")
    return {"key": made.id, "scopes": list(made.scopes), "expires": expires}
