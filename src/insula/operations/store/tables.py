"""The tables of the store. A change here needs a migration in `migrations/versions/`; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite knows no time zones: there it is stored without one and read with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a database."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored value."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time in the store must have a time zone. Got one without. Add it, such as UTC.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value as read."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()
COUNTED = BigInteger().with_variant(Integer, "sqlite")
"""The type of keys that the database counts up; SQLite does so for `INTEGER` only."""

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
    Column("last_used", UtcTime),
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
    Index("feedback_prediction", "prediction"),
)

# Random values of this store, created once: `subject` is the key of the subject hashes.
STORE_SECRETS = Table(
    "store_secrets",
    METADATA,
    Column("name", String(50), primary_key=True),
    Column("value", String(64), nullable=False),
)

# A case of the hand-off queue: a message that a person must see. Triggers (see the migration) keep a case that is not
# closed from being deleted. `text`, `turns`, `speaker`, `target`, `customer`, `reason`, `note` and
# `words` are masked or null.
# `due_from` and `lease_from`: before this moment the clock must have been set back, and the time counts as over.
CASES = Table(
    "cases",
    METADATA,
    Column("id", COUNTED, primary_key=True),
    Column("source", String(100), nullable=False),
    Column("message", String(200), nullable=False),
    Column("queue", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("risk", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened", UtcTime, nullable=False),
    Column("due_from", UtcTime, nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("escalated", UtcTime),
    Column("agent", String(200)),
    Column("lease_from", UtcTime),
    Column("lease_until", UtcTime),
    Column("first_claimed", UtcTime),
    Column("expired_leases", Integer, nullable=False),
    Column("times_reopened", Integer, nullable=False),
    Column("closed", UtcTime),
    Column("outcome", String(100)),
    Column("delete_after", UtcTime),
    Column("erased", UtcTime),
    Column("rule", String(200)),
    Column("tags", JSON, nullable=False),
    Column("language", String(20)),
    Column("subject", String(64)),
    Column("text", Text),
    Column("turns", JSON(none_as_null=True)),
    Column("speaker", Text),
    Column("target", Text),
    Column("customer", JSON(none_as_null=True)),
    Column("reason", Text),
    Column("answer", JSON(none_as_null=True)),
    Column("note", Text),
    Column("words", JSON(none_as_null=True)),
    UniqueConstraint("source", "message", name="cases_message"),
    Index("cases_order", "state", "risk", "due"),
    Index("cases_lease", "lease_until"),
    Index("cases_delete_after", "delete_after"),
    Index("cases_subject", "subject"),
    sqlite_autoincrement=True,  # the id of a deleted case is never given again
)

# What happened to cases, without a word of a text. Triggers keep events from being changed or deleted.
CASE_EVENTS = Table(
    "case_events",
    METADATA,
    Column("number", COUNTED, primary_key=True),
    Column("case_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("event", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("facts", JSON, nullable=False),
    UniqueConstraint("case_id", "version", name="case_events_version"),
    sqlite_autoincrement=True,
)

# A stream of messages that a monitor reads: its position, how far windows are closed (seconds since 1970), what was
# counted, and the state of its alerts. A monitor that stores a batch locks its row.
STREAMS = Table(
    "streams",
    METADATA,
    Column("id", COUNTED, primary_key=True),
    Column("name", String(500), nullable=False),
    Column("position", Text),
    Column("latest", Double),
    Column("closed_until", BigInteger),
    Column("counts", JSON, nullable=False),
    Column("shifts", JSON, nullable=False),
    Column("updated", UtcTime, nullable=False),
    UniqueConstraint("name", name="streams_name"),
)

# Ids of messages that are counted: a message that comes again is not counted twice.
STREAM_MESSAGES = Table(
    "stream_messages",
    METADATA,
    Column("stream", BigInteger, primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("seen", UtcTime, nullable=False),
    Index("stream_messages_seen", "seen"),
)

# Counts of messages by event time. `start` is in seconds since 1970, `attributes` JSON with sorted keys.
WINDOWS = Table(
    "windows",
    METADATA,
    Column("id", COUNTED, primary_key=True),
    Column("stream", BigInteger, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("attributes", String(1000), nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("abstained", BigInteger, nullable=False),
    UniqueConstraint("stream", "seconds", "start", "attributes", name="windows_key"),
    Index("windows_start", "start"),
)

# `level` is empty for labels, the name of a coarser level for its labels, `alert` for messages that an alert counts.
WINDOW_LABELS = Table(
    "window_labels",
    METADATA,
    Column("window", BigInteger, primary_key=True),
    Column("level", String(100), primary_key=True),
    Column("label", String(200), primary_key=True),
    Column("messages", BigInteger, nullable=False),
)

# `window` is the start of the window that raised it, in seconds since 1970; null for a shift between messages.
ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", COUNTED, primary_key=True),
    Column("stream", BigInteger, nullable=False),
    Column("rule", String(100), nullable=False),
    Column("raised", UtcTime, nullable=False),
    Column("ended", UtcTime),
    Column("window", BigInteger),
    Column("reason", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Index("alerts_rule", "stream", "rule", "raised"),
)

# Notifications on their way: `due` is the time of the next attempt, or until when a process that sends it holds it.
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", COUNTED, primary_key=True),
    Column("receiver", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("event", String(100), nullable=False),
    Column("summary", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("error", Text),
    UniqueConstraint("receiver", "key", name="outbox_key"),
    Index("outbox_due", "receiver", "state", "due"),
)

# Receivers of the events of cases: every process that records such an event notifies them.
SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("receiver", String(100), primary_key=True),
    Column("event", String(100), primary_key=True),
)
