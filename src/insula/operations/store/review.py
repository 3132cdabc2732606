"""`PredictionReview`: stored predictions for the people who check them: search, read and correct."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from insula.core.errors import DataError, UnknownNameError
from insula.operations.store.database import Database
from insula.operations.store.rows import make_id
from insula.operations.store.tables import FEEDBACK, PREDICTIONS

SEARCHED = 20_000  # rows that one search examines, so that its time does not grow with the store
RECENT = 2_000  # rows whose models, languages and callers are offered as conditions
COPIED = ("model", "subject", "text", "turns", "speaker", "target", "delete_after")
"""Columns of a prediction that its correction has too; words are not kept for longer because they were corrected."""
CURSOR = "^([0-9]{1,16})_([0-9A-Za-z-]{1,36})$"
"""The form of a cursor: microseconds since 1970, and the id of a row."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PredictionFilter:
    """The conditions of a search; None is no condition.

    text            part of the stored text, whatever the case of the letters A to Z
    label           a predicted label
    min_confidence  lowest confidence, inclusive, as `max_confidence`; a prediction without confidence has no match
    since           first moment, inclusive; `until` is exclusive
    caller          id of the caller who asked for the prediction
    """

    text: str | None = None
    label: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    abstained: bool | None = None
    language: str | None = None
    model: str | None = None
    caller: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def names(self) -> list[str]:
        """The names of its conditions, without their values."""
        return [name for name, value in vars(self).items() if value is not None]


@dataclass(frozen=True)
class Correction:
    """The labels that a person says a prediction should have had."""

    id: str
    created: datetime
    caller: str
    labels: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        created = self.created.isoformat(timespec="milliseconds")
        return {"id": self.id, "created": created, "caller": self.caller, "labels": list(self.labels)}


@dataclass(frozen=True)
class ReviewedPrediction:
    """A stored prediction with its corrections, the newest first; words of a person are masked, or None."""

    id: str
    created: datetime
    delete_after: datetime
    caller: str
    model: str
    language: str | None
    text: str | None
    turns: Sequence[dict[str, str]]
    speaker: str | None
    target: str | None
    labels: Sequence[str]
    scores: dict[str, float]
    confidence: float | None
    abstained: bool
    feedback: Sequence[Correction] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        moments = {name: getattr(self, name).isoformat(timespec="milliseconds") for name in ("created", "delete_after")}
        feedback = [one.to_dict() for one in self.feedback]
        return {**vars(self), **moments, "labels": list(self.labels), "feedback": feedback}


@dataclass(frozen=True)
class PredictionPage:
    """One part of the result of a search, the newest prediction first.

    after           where the next part starts; None if this is the last one
    searched_until  the time of the last row examined if the search ended before it had found enough; else None
    """

    predictions: list[ReviewedPrediction]
    after: str | None = None
    searched_until: datetime | None = None


@dataclass(frozen=True)
class FilterChoices:
    """The values of the newest predictions, to choose filters from."""

    models: list[str]
    languages: list[str]
    callers: list[str]


class PredictionReview:
    """The predictions of a store. `clock` gives the time, in UTC."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    def search(self, wanted: PredictionFilter, *, limit: int = 50, after: str | None = None) -> PredictionPage:
        """Return up to `limit` predictions, the newest first.

        after  the `after` of the part before

        One call examines at most `SEARCHED` rows: it may find fewer than `limit`, or none, and have an `after`. Raises
        `DataError` for a wrong `after`.
        """
        started = PREDICTIONS.c.created, PREDICTIONS.c.id
        newest = sa.select(PREDICTIONS).order_by(*(column.desc() for column in started))
        if after is not None:
            newest = newest.where(_is_before(*_parse_cursor(after)))
        if wanted.since is not None:
            newest = newest.where(PREDICTIONS.c.created >= wanted.since)
        if wanted.until is not None:
            newest = newest.where(PREDICTIONS.c.created < wanted.until)
        examined = newest.limit(SEARCHED).subquery()
        matches = sa.select(examined).where(*self._build_conditions(examined.c, wanted))
        last_examined = newest.with_only_columns(*started).limit(1).offset(SEARCHED - 1)
        with self._database.begin_read() as connection:
            ordered = matches.order_by(examined.c.created.desc(), examined.c.id.desc()).limit(limit + 1)
            rows = list(connection.execute(ordered).mappings())
            end = None if len(rows) > limit else connection.execute(last_examined).first()
            found = self._add_feedback(connection, rows[:limit])
        if len(rows) > limit:
            return PredictionPage(found, _format_cursor(found[-1].created, found[-1].id))
        if end is None:
            return PredictionPage(found)
        return PredictionPage(found, _format_cursor(end.created, end.id), end.created)

    def find(self, id: str) -> ReviewedPrediction:
        """Return a prediction; raise `UnknownNameError` if none with this id is stored."""
        with self._database.begin_read() as connection:
            rows = list(connection.execute(sa.select(PREDICTIONS).where(PREDICTIONS.c.id == id)).mappings())
            found = self._add_feedback(connection, rows)
        if not found:
            raise _build_unknown_error()
        return found[0]

    def correct(self, id: str, labels: Sequence[str], *, caller: str) -> ReviewedPrediction:
        """Store the labels that a prediction should have had, and return it with them.

        Raises `UnknownNameError` if no prediction with this id is stored, `DataError` for a label that its model does
        not have.
        """
        with self._database.begin_write() as connection:
            # Locked: an erasure that happens at the same time deletes the correction as well.
            query = sa.select(PREDICTIONS).where(PREDICTIONS.c.id == id).with_for_update()
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                raise _build_unknown_error()
            known = list(row["answer"].get("scores", {}))
            if unknown := set(labels) - set(known):
                raise DataError(
                    f"The labels must be labels of the model. Got {min(unknown)!r}. Choose from: {', '.join(known)}."
                )
            copied = {name: row[name] for name in COPIED}
            stored = {"id": make_id(), "created": self._clock(), "caller": caller, "prediction": id}
            connection.execute(sa.insert(FEEDBACK).values(**copied, **stored, labels=list(dict.fromkeys(labels))))
            (found,) = self._add_feedback(connection, [row])
        return found

    def list_choices(self) -> FilterChoices:
        """Return the models, languages and callers of the newest predictions, sorted."""
        columns = [PREDICTIONS.c.model, PREDICTIONS.c.language, PREDICTIONS.c.caller]
        newest = sa.select(*columns).order_by(PREDICTIONS.c.created.desc()).limit(RECENT).subquery()
        with self._database.begin_read() as connection:
            rows = connection.execute(sa.select(newest).distinct()).all()
        models, languages, callers = ({row[place] for row in rows} - {None} for place in range(len(columns)))
        return FilterChoices(sorted(models), sorted(languages), sorted(callers))

    def _build_conditions(self, stored: Any, wanted: PredictionFilter) -> list[sa.ColumnElement[bool]]:
        conditions = [
            stored[name] == getattr(wanted, name)
            for name in ("language", "model", "caller")
            if getattr(wanted, name) is not None
        ]
        if wanted.text is not None:
            conditions.append(stored.text.icontains(wanted.text, autoescape=True))
        if wanted.label is not None:
            conditions.append(self._has_label(stored, wanted.label))
        confidence = stored.answer["confidence"].as_float()
        if wanted.min_confidence is not None:
            conditions.append(confidence >= wanted.min_confidence)
        if wanted.max_confidence is not None:
            conditions.append(confidence <= wanted.max_confidence)
        if wanted.abstained is not None:
            conditions.append(stored.answer["abstained"].as_boolean().is_(wanted.abstained))
        return conditions

    def _has_label(self, stored: Any, label: str) -> sa.ColumnElement[bool]:
        if self._database.kind == "postgresql":
            labels = sa.func.json_array_elements_text(stored.answer["labels"]).table_valued("value")
        else:
            labels = sa.func.json_each(stored.answer, "$.labels").table_valued("value")
        return sa.exists(sa.select(1).select_from(labels).where(labels.c.value == label))

    @staticmethod
    def _add_feedback(connection: sa.Connection, rows: Sequence[Any]) -> list[ReviewedPrediction]:
        """Return predictions with their corrections."""
        ids = [row["id"] for row in rows]
        query = sa.select(FEEDBACK).where(FEEDBACK.c.prediction.in_(ids))
        given: dict[str, list[Correction]] = {}
        for row in connection.execute(query.order_by(FEEDBACK.c.created.desc(), FEEDBACK.c.id)) if ids else ():
            one = Correction(row.id, row.created, row.caller, tuple(row.labels))
            given.setdefault(row.prediction, []).append(one)
        return [_build_prediction(row, given.get(row["id"], ())) for row in rows]


def _build_prediction(row: Any, feedback: Sequence[Correction]) -> ReviewedPrediction:
    answer = row["answer"]
    same = ("id", "created", "delete_after", "caller", "model", "language", "text", "speaker", "target")
    return ReviewedPrediction(
        **{name: row[name] for name in same},
        turns=row["turns"] or [],
        labels=answer.get("labels", []),
        scores=answer.get("scores", {}),
        confidence=answer.get("confidence"),
        abstained=bool(answer.get("abstained")),
        feedback=feedback,
    )


def _is_before(created: datetime, id: str) -> sa.ColumnElement[bool]:
    """The rows that come after one of them in a list of the newest first."""
    is_older = (PREDICTIONS.c.created < created) | (PREDICTIONS.c.id < id)
    return (PREDICTIONS.c.created <= created) & is_older


def _format_cursor(created: datetime, id: str) -> str:
    return f"{(created - _EPOCH) // timedelta(microseconds=1)}_{id}"


def _parse_cursor(text: str) -> tuple[datetime, str]:
    found = re.fullmatch(CURSOR, text)
    if found is not None:
        return _EPOCH + timedelta(microseconds=int(found[1])), found[2]
    raise DataError("The value of after must come from an earlier response. Leave it out to start again.")


def _build_unknown_error() -> UnknownNameError:
    return UnknownNameError("No prediction with this id is stored. It may be past its retention. Search again.")
