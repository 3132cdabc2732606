"""The tables of the store. A change here needs a migration in `migrations/versions/`; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Date, DateTime, Dialect, Double, Index, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite knows no time zones: there it is stored without one and read with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a database."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time in the store must have a time zone. Got one without. Add it, such as UTC.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is read."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()

# The secret of a key is not here, only its digest; `lineage` is the first key of those that rotated into each other.
ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("lineage", String(32), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("expires", UtcTime),
    Column("revoked", UtcTime),
    Column("successor", String(32)),
    Column("texts_a_day", BigInteger),
    Column("calls_a_second", Double),
    Column("burst", BigInteger),
)

TEXTS_USED = Table(
    "texts_used",
    METADATA,
    Column("caller", String(200), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("texts", BigInteger, nullable=False),
)

# `subject` is a keyed hash of the person whom a text is about; `text`, `turns`, `speaker`, `target` are masked or null.
PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("created", UtcTime, nullable=False),
    Column("delete_after", UtcTime, nullable=False),
    Column("caller", String(200), nullable=False),
    Column("model", String(200), nullable=False),
    Column("language", String(20)),
    Column("subject", String(64)),
    Column("text", Text),
    Column("turns", JSON(none_as_null=True)),
    Column("speaker", Text),
    Column("target", Text),
    Column("answer", JSON, nullable=False),
    Index("predictions_created", "created"),
    Index("predictions_delete_after", "delete_after"),
    Index("predictions_subject", "subject"),
)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("created", UtcTime, nullable=False),
    Column("delete_after", UtcTime, nullable=False),
    Column("caller", String(200), nullable=False),
    Column("prediction", String(36)),
    Column("model", String(200)),
    Column("subject", String(64)),
    Column("text", Text),
    Column("turns", JSON(none_as_null=True)),
    Column("speaker", Text),
    Column("target", Text),
    Column("labels", JSON, nullable=False),
    Index("feedback_created", "created"),
    Index("feedback_delete_after", "delete_after"),
    Index("feedback_subject", "subject"),
)

# Random values of this store, created once: `subject` is the key of the subject hashes.
STORE_SECRETS = Table(
    "store_secrets",
    METADATA,
    Column("name", String(50), primary_key=True),
    Column("value", String(64), nullable=False),
)
