"""Rows about people in the store: kept for a limited time, then deleted, or erased on request of their subject.

Predictions and feedback are written here, cases of the hand-off queue in `operations/handoff`. The time of a case runs
from the moment it is closed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from insula.core.model_input import Turn
from insula.operations.store.database import Database
from insula.operations.store.retention import Retention
from insula.operations.store.subjects import Subjects
from insula.operations.store.tables import CASES, FEEDBACK, PREDICTIONS

DELETE_BATCH = 2000  # rows deleted in one transaction, so that writers do not wait long
IDS_PER_STATEMENT = 500  # of one statement
WRITTEN = (PREDICTIONS, FEEDBACK)
KEPT_SINCE: Mapping[sa.Table, sa.ColumnElement[Any]] = {
    PREDICTIONS: PREDICTIONS.c.created,
    FEEDBACK: FEEDBACK.c.created,
    CASES: CASES.c.closed,  # null while the case is open, and `delete_after` with it: nothing is over then
}
CASE_WORDS = ("text", "turns", "speaker", "target", "customer", "reason", "note", "words")
"""The columns of a case that may hold words of a person."""


def make_id() -> str:
    """Return the id of a row."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction to store.

    caller   the caller's id: the lineage of a key, or a token's subject; never a secret
    answer   labels, scores and confidence, as in JSON
    turns    the earlier turns of the text's dialogue, oldest first
    subject  the caller's id for the person the text is about
    """

    caller: str
    model: str
    answer: Mapping[str, Any]
    text: str | None = None
    turns: Sequence[Turn] = ()
    speaker: str | None = None
    target: str | None = None
    subject: str | None = None
    language: str | None = None
    id: str = field(default_factory=make_id)


@dataclass(frozen=True)
class StoredFeedback:
    """Feedback to store: the labels that a prediction should have had."""

    caller: str
    labels: Sequence[str]
    prediction: str | None = None
    model: str | None = None
    text: str | None = None
    turns: Sequence[Turn] = ()
    speaker: str | None = None
    target: str | None = None
    subject: str | None = None
    id: str = field(default_factory=make_id)


class RetentionStore:
    """Stores predictions and feedback for the time of a retention setting. `clock` returns the time in UTC."""

    def __init__(
        self, database: Database, retention: Retention, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._subjects = Subjects(database)

    def keep(
        self,
        predictions: Sequence[StoredPrediction] = (),
        feedback: Sequence[StoredFeedback] = (),
        *,
        delete: Sequence[str] = (),
    ) -> None:
        """Store predictions and feedback in one transaction, on disk on return; rows with a known id stay unchanged.

        delete  ids of rows that the transaction deletes
        """
        predicted = [
            self._build_row(one) | {"language": one.language, "answer": dict(one.answer)} for one in predictions
        ]
        corrected = [
            self._build_row(one) | {"prediction": one.prediction, "labels": list(one.labels)} for one in feedback
        ]
        with self._database.begin_write() as connection:
            for start in range(0, len(delete), IDS_PER_STATEMENT):
                for table in WRITTEN:
                    connection.execute(
                        sa.delete(table).where(table.c.id.in_(delete[start : start + IDS_PER_STATEMENT]))
                    )
            for table, rows in ((PREDICTIONS, predicted), (FEEDBACK, corrected)):
                if rows:
                    connection.execute(self._database.insert_new(table), rows)

    def has_prediction(self, id: str, caller: str) -> bool:
        """Whether the prediction with this id is stored for this caller."""
        found = sa.select(PREDICTIONS.c.id).where((PREDICTIONS.c.id == id) & (PREDICTIONS.c.caller == caller))
        with self._database.begin_read() as connection:
            return connection.execute(found).first() is not None

    def delete_old(self) -> int:
        """Delete rows past the retention set when they were stored or the one set now; return how many."""
        now = self._clock()
        return _delete_where(
            self._database,
            lambda table: (table.c.delete_after <= now) | (KEPT_SINCE[table] <= now - self._retention.span),
        )

    def _build_row(self, one: StoredPrediction | StoredFeedback) -> dict[str, Any]:
        now = self._clock()
        return {
            "id": one.id,
            "created": now,
            "delete_after": now + self._retention.span,
            "caller": one.caller,
            "model": one.model,
            "text": self._retention.keep(one.text),
            "turns": self._keep_turns(one.turns),
            "speaker": self._retention.keep(one.speaker),
            "target": self._retention.keep(one.target),
            "subject": None if one.subject is None else self._subjects.hash_subject(one.subject),
        }

    def _keep_turns(self, turns: Sequence[Turn]) -> list[dict[str, str]] | None:
        """Return the stored form of earlier turns, oldest first; None if no text is stored."""
        rows = []
        for turn in turns:
            row = {
                "text": self._retention.keep(turn.text),
                "speaker": self._retention.keep(turn.speaker),
            }
            rows.append({name: kept for name, kept in row.items() if kept is not None})
        return [row for row in rows if row] or None


def delete_expired(database: Database, *, now: datetime | None = None) -> int:
    """Delete rows past the retention set when they were stored; return how many."""
    moment = now or datetime.now(UTC)
    return _delete_where(database, lambda table: table.c.delete_after <= moment)


def erase(database: Database, subject: str, *, before_commit: Callable[[str, int], object] | None = None) -> int:
    """Delete everything about a subject, in one transaction; return how many rows.

    A case that is not closed loses its words but stays open: somebody must still see it. `before_commit` is called with
    the subject's hash and the number of rows; an exception undoes the erasure. SQLite overwrites deleted pages and the
    journal is emptied; PostgreSQL reuses the space after a vacuum. Copies and backups are up to the operator.
    """
    hashed = Subjects(database).hash_subject(subject)
    with database.begin_write() as connection:
        gone = sum(
            connection.execute(
                sa.delete(table).where(table.c.subject == hashed, KEPT_SINCE[table].is_not(None))
            ).rowcount
            for table in KEPT_SINCE
        )
        open_cases = sa.update(CASES).where(CASES.c.subject == hashed, CASES.c.erased.is_(None))
        nothing = dict.fromkeys(CASE_WORDS, sa.null())
        gone += connection.execute(open_cases.values(**nothing, erased=datetime.now(UTC))).rowcount
        if before_commit is not None:
            before_commit(hashed, gone)
    database.truncate_journal()
    return gone


def _delete_where(database: Database, build_condition: Callable[[sa.Table], sa.ColumnElement[bool]]) -> int:
    """Delete the rows of every table for which its condition holds, in batches; return how many."""
    gone = 0
    for table in KEPT_SINCE:
        condition = build_condition(table)
        some = sa.select(table.c.id).where(condition).limit(DELETE_BATCH)
        while True:
            with database.begin_write() as connection:
                # The condition again: a case that is reopened meanwhile stays.
                count = connection.execute(sa.delete(table).where(table.c.id.in_(some), condition)).rowcount
            gone += count
            if count < DELETE_BATCH:
                break
    if gone:
        database.truncate_journal()
    return gone
