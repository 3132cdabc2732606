"""Access keys in the store: create, list, look up, rotate, revoke."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from insula.core.errors import DataError, UnknownNameError
from insula.core.sentences import quote
from insula.operations.credentials.secret import PresentedKey, are_equal, make_secret, parse_key
from insula.operations.store.database import Database
from insula.operations.store.tables import ACCESS_KEYS

SCOPES = {
    "predict": "request predictions and give feedback on them",
    "review": "watch monitored streams, and read stored predictions",
    "agent": "handle cases of the hand-off queue",
    "admin": "read the metrics and manage the service",
}
NO_DIGEST = "0" * 64
MAX_NAME = 200
COLUMNS = {"texts_per_day": "texts_a_day", "calls_per_second": "calls_a_second"}  # where the names differ


@dataclass(frozen=True)
class KeyRecord:
    """A stored key, without its secret.

    lineage         the first of the keys that were rotated into each other; they share its quota and rate limit
    scopes          exactly what the key may do; `admin` alone does not predict
    texts_per_day   daily quota, None for no quota
    calls_per_second  rate limit, None for no limit; `burst` calls may come at once
    successor       the key that it was rotated into
    last_used       when a server last recognised it, to about a minute; None if that never happened
    """

    id: str
    lineage: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    successor: str | None = None
    texts_per_day: int | None = None
    calls_per_second: float | None = None
    burst: int | None = None
    last_used: datetime | None = None

    def get_state(self, now: datetime) -> str:
        """Return `active`, `revoked` or `expired`."""
        if self.revoked is not None and self.revoked <= now:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "active"

    def to_dict(self, now: datetime | None = None) -> dict[str, Any]:
        """Return the fields for JSON, with the state at `now`."""
        moments = {name: getattr(self, name) for name in ("created", "expires", "revoked", "last_used")}
        times = {
            name: None if value is None else value.isoformat(timespec="seconds") for name, value in moments.items()
        }
        state = self.get_state(now or datetime.now(UTC))
        old_names = {"texts_a_day": self.texts_per_day, "calls_a_second": self.calls_per_second}  # until version 0.3
        return {**vars(self), **old_names, "scopes": list(self.scopes), **times, "state": state}

    @property
    def texts_a_day(self) -> int | None:
        """The former name of `texts_per_day`."""
        _warn_of_old_name("texts_a_day", "texts_per_day")
        return self.texts_per_day

    @property
    def calls_a_second(self) -> float | None:
        """The former name of `calls_per_second`."""
        _warn_of_old_name("calls_a_second", "calls_per_second")
        return self.calls_per_second


@dataclass(frozen=True)
class NewKey:
    """A newly created key; `secret` is shown only now."""

    secret: str
    record: KeyRecord


class KeyStore:
    """The keys of a store. `clock` returns the time, in UTC."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        name: str,
        *,
        scopes: Collection[str] = ("predict",),
        seconds: int | None = None,
        texts_per_day: int | None = None,
        calls_per_second: float | None = None,
        burst: int | None = None,
        before_commit: Callable[[KeyRecord], object] | None = None,
    ) -> NewKey:
        """Create a key.

        seconds        until it expires; None for never
        burst          calls that may come at once (default: the calls of one second, at least one)
        before_commit  is called with the key before it is stored; an exception there means that no key is created

        Raises `DataError` for an impossible value.
        """
        _check_key(name, scopes, texts_per_day, calls_per_second, burst)
        now = self._clock()
        expires = None if seconds is None else now + timedelta(seconds=seconds)
        if calls_per_second is not None and burst is None:
            burst = max(1, round(calls_per_second))
        secret, shown = _make_key()
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        record = KeyRecord(
            shown.id, shown.id, name, ordered, now, expires,
            texts_per_day=texts_per_day, calls_per_second=calls_per_second, burst=burst,
        )  # fmt: skip
        with self._database.begin_write() as connection:
            connection.execute(sa.insert(ACCESS_KEYS).values(_build_row(record, shown.digest)))
            if before_commit is not None:
                before_commit(record)
        return NewKey(secret, record)

    def list_all(self) -> list[KeyRecord]:
        """Return all keys that were ever created, oldest first."""
        with self._database.begin_read() as connection:
            rows = connection.execute(sa.select(ACCESS_KEYS).order_by(ACCESS_KEYS.c.created, ACCESS_KEYS.c.id))
            return [_build_record(row) for row in rows.mappings()]

    def has_active(self) -> bool:
        """Whether any key is active now."""
        now = self._clock()
        return any(record.get_state(now) == "active" for record in self.list_all())

    def has_any(self) -> bool:
        """Whether any key was ever created, even if it was revoked or has expired since."""
        with self._database.begin_read() as connection:
            return connection.execute(sa.select(ACCESS_KEYS.c.id).limit(1)).first() is not None

    def find_by_secret(self, key: str) -> KeyRecord | None:
        """Return the record of a key, whatever its state; None if there is no such key.

        The digests are compared in constant time, even if the id is unknown.
        """
        shown = parse_key(key)
        if shown is None:
            return None
        with self._database.begin_read() as connection:
            query = sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.id == shown.id)
            row = connection.execute(query).mappings().one_or_none()
        right = are_equal(shown.digest, NO_DIGEST if row is None else row["digest"])
        return _build_record(row) if row is not None and right else None

    def find(self, identity: str) -> KeyRecord | None:
        """Return the record of the key with this id, whatever its state; None if there is no such key.

        An id is public: use this only for callers who have presented the key itself before.
        """
        with self._database.begin_read() as connection:
            query = sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.id == identity)
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _build_record(row)

    def record_use(self, identity: str) -> None:
        """Store that a key is used now."""
        now = self._clock()
        is_older = ACCESS_KEYS.c.last_used.is_(None) | (ACCESS_KEYS.c.last_used < now)
        with self._database.begin_write() as connection:
            used = sa.update(ACCESS_KEYS).where(ACCESS_KEYS.c.id == identity, is_older)
            connection.execute(used.values(last_used=now))

    def rotate(
        self, identity: str, *, grace: int, before_commit: Callable[[KeyRecord, KeyRecord], object] | None = None
    ) -> NewKey:
        """Create a key in place of another, which still works for `grace` seconds.

        The new key has the name, scopes, limits and lifetime of the old one; both share one quota and one rate limit.
        Raises `UnknownNameError`, and `DataError` if the old key is not active or was rotated before.
        """
        now = self._clock()
        secret, shown = _make_key()
        with self._database.begin_write() as connection:
            old = self._find_one(connection, identity)
            if old.get_state(now) != "active" or old.successor is not None:
                state = "was already rotated" if old.successor is not None else f"is {old.get_state(now)}"
                raise DataError(f"The key {identity!r} {state} and cannot be rotated. Create a new one.")
            lifetime = None if old.expires is None else old.expires - old.created
            new = replace(
                old, id=shown.id, created=now, expires=None if lifetime is None else now + lifetime, last_used=None
            )
            end = now + timedelta(seconds=grace)
            ends = end if old.expires is None else min(end, old.expires)
            connection.execute(sa.insert(ACCESS_KEYS).values(_build_row(new, shown.digest)))
            connection.execute(
                sa.update(ACCESS_KEYS).where(ACCESS_KEYS.c.id == old.id).values(expires=ends, successor=new.id)
            )
            if before_commit is not None:
                before_commit(replace(old, expires=ends, successor=new.id), new)
        return NewKey(secret, new)

    def revoke(self, identity: str, *, before_commit: Callable[[KeyRecord], object] | None = None) -> KeyRecord:
        """Revoke a key at once; a key that was revoked before stays as it is. Raises `UnknownNameError`."""
        now = self._clock()
        with self._database.begin_write() as connection:
            old = self._find_one(connection, identity)
            if old.revoked is not None:
                return old
            connection.execute(sa.update(ACCESS_KEYS).where(ACCESS_KEYS.c.id == identity).values(revoked=now))
            record = replace(old, revoked=now)
            if before_commit is not None:
                before_commit(record)
        return record

    @staticmethod
    def _find_one(connection: sa.Connection, identity: str) -> KeyRecord:
        query = sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.id == identity).with_for_update()
        row = connection.execute(query).mappings().one_or_none()
        if row is None:
            # The id is not repeated: it may be a whole key, typed here by mistake.
            raise UnknownNameError("No key has this id. List the ids with: insula keys list")
        return _build_record(row)


def _make_key() -> tuple[str, PresentedKey]:
    secret = make_secret()
    shown = parse_key(secret)
    if shown is None:
        raise RuntimeError("A key was generated that cannot be parsed, which is a bug of insula. Report it.")
    return secret, shown


def _check_key(
    name: str, scopes: Collection[str], texts_per_day: int | None, calls_per_second: float | None, burst: int | None
) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        got = repr(unknown[0]) if unknown else "none"
        raise DataError(
            f"The scopes of a key must be some of {', '.join(SCOPES)}. Got {got}. Choose at least one of these."
        )
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise DataError(
            f"The name of a key must have 1 to {MAX_NAME} printable characters, not only blanks. Got {quote(name)}. "
            "Choose another name, such as the owner's."
        )
    for what, value in (("quota", texts_per_day), ("rate", calls_per_second), ("burst", burst)):
        if value is not None and not 0 < value < 1e12:
            raise DataError(f"The {what} of a key must be above 0. Got {value}. Leave it out for no limit.")
    if burst is not None and calls_per_second is None:
        raise DataError(f"The burst of a key needs a rate. Got a burst of {burst} without one. Add --rate.")


def _warn_of_old_name(old: str, new: str) -> None:
    warnings.warn(f"KeyRecord.{old} is now {new}. The old name works until version 0.3.", DeprecationWarning, 3)


def _build_row(record: KeyRecord, digest: str) -> dict[str, Any]:
    fields = {COLUMNS.get(name, name): value for name, value in vars(record).items()}
    return {**fields, "scopes": " ".join(record.scopes), "digest": digest}


def _build_record(row: Any) -> KeyRecord:
    fields = {name: row[COLUMNS.get(name, name)] for name in KeyRecord.__dataclass_fields__}
    return KeyRecord(**{**fields, "scopes": tuple(row["scopes"].split())})
