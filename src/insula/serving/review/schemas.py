"""Schemas of stored predictions over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from insula.operations.store.review import CURSOR, PredictionFilter
from insula.serving.handoff.schemas import NO_CONTROL
from insula.serving.schemas import RequestModel

MAX_LISTED = 500
MAX_LABELS = 1_000


def _parse_moment(given: object) -> datetime:
    """Return a date, or a time with or without its zone, in UTC; other forms, such as a number, are no moments."""
    if not isinstance(given, str) or _MOMENT.fullmatch(given) is None:
        raise ValueError("The time must be a date or a time, such as 2026-11-30 or 2026-11-30T08:00:00Z.")
    try:
        moment = datetime.fromisoformat(given.upper())
    except ValueError:
        raise ValueError("The time must exist in the calendar, unlike February 30. Correct it.") from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("The time must be in the years 1 to 9999.") from None


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
_DATES = {"anyOf": [{"type": "string", "format": name} for name in ("date", "date-time")]}
Moment = Annotated[datetime, BeforeValidator(_parse_moment), WithJsonSchema(_DATES)]
Value = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_CONTROL)]
Share = Annotated[float, Field(ge=0, le=1)]


class Conditions(BaseModel):
    """Which stored predictions are wanted."""

    text: Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\x00]*$")] | None = Field(
        None, description="Part of the stored, masked text. The case of the letters A to Z does not matter."
    )
    label: Value | None = Field(None, description="A predicted label.")
    min_confidence: Share | None = Field(None, description="Lowest confidence.")
    max_confidence: Share | None = Field(None, description="Highest confidence.")
    abstained: bool | None = Field(None, description="Whether the model abstained.")
    language: Value | None = Field(None, description="Language of the text, such as `en`.")
    model: Value | None = Field(None, description="Name of the model.")
    caller: Value | None = Field(None, description="Caller who asked for the prediction, such as `key:...`.")
    since: Moment | None = Field(None, description="First moment, such as `2026-11-30` or `2026-11-30T08:00Z`.")
    until: Moment | None = Field(None, description="End of the time, exclusive.")

    def to_filter(self) -> PredictionFilter:
        """Return the filter with these conditions."""
        return PredictionFilter(**{name: getattr(self, name) for name in Conditions.model_fields})


class PredictionSearch(Conditions):
    """One part of a search."""

    limit: int = Field(50, ge=1, le=MAX_LISTED, description="Maximum number of predictions.")
    after: Annotated[str, Field(pattern=CURSOR)] | None = Field(
        None, description="The `after` of the part before; without it the newest predictions."
    )


class PredictionExport(Conditions):
    """The form of an export."""

    format: Literal["csv", "jsonl"] = Field("csv", description="CSV, or JSON Lines with scores and all corrections.")
    bom: bool = Field(
        False,
        description="Whether CSV is for Excel: a byte order mark, and an apostrophe before formulas in texts.",
    )


class CorrectionRequest(RequestModel):
    """The labels that a stored prediction should have had."""

    labels: list[Value] = Field(
        max_length=MAX_LABELS, description="Labels of the model; empty if none of them is right."
    )


class CorrectionResponse(BaseModel):
    """A correction of a prediction."""

    id: str
    created: datetime
    caller: str
    labels: list[str]


class StoredPredictionResponse(BaseModel):
    """A stored prediction. Words of a person are masked, or null where the retention stores no texts."""

    id: str
    created: datetime
    delete_after: datetime = Field(description="Time at which the retention deletes it.")
    caller: str = Field(description="Caller who asked for it.")
    model: str
    language: str | None
    text: str | None
    turns: list[dict[str, str]] = Field(description="Earlier turns of the dialogue, the oldest first.")
    speaker: str | None
    target: str | None
    labels: list[str]
    scores: dict[str, Any]
    confidence: float | None
    abstained: bool
    feedback: list[CorrectionResponse] = Field(description="Corrections, the newest first.")


class PredictionList(BaseModel):
    """One part of the predictions that a search found, the newest first."""

    predictions: list[StoredPredictionResponse]
    after: str | None = Field(description="Send it as `after` for the next part; null at the end.")
    searched_until: datetime | None = Field(
        description="Time up to which this part was searched, if it ended before it had found `limit`: there may be "
        "more in the next part."
    )
