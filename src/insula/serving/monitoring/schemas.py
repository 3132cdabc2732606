"""Schemas of monitored streams over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from insula.operations.monitoring.settings import MAX_BY
from insula.serving.handoff.schemas import NO_CONTROL

MAX_STARTS = 2_000
MAX_LISTED = 500
Ends = Annotated[list[float], Field(min_length=2, max_length=2)]
Attribute = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_CONTROL)]
Pair = Annotated[str, Field(max_length=200, pattern="^[^\\x00-\\x1f\\x7f-\\x9f=]+=[^\\x00-\\x1f\\x7f-\\x9f]*$")]


class TrendFilter(BaseModel):
    """Which windows a trend has."""

    stream: str | None = Field(
        None, min_length=1, max_length=500, pattern=NO_CONTROL,
        description="Name of the stream (default: the most recently updated stream).",
    )  # fmt: skip
    last: int = Field(24, ge=1, le=MAX_STARTS, description="Number of newest windows to return.")
    by: list[Attribute] = Field(
        [], max_length=MAX_BY, description="Attribute to return separately by value, such as `topic`. Can be repeated."
    )
    where: list[Pair] = Field(
        [], max_length=MAX_BY,
        description="Only windows with this value of an attribute, such as `topic=billing`. Can be repeated.",
    )  # fmt: skip

    @property
    def attributes(self) -> dict[str, str]:
        """The values of attributes that windows must have."""
        return {name: value for name, _, value in (pair.partition("=") for pair in self.where)}


class DeliveryFilter(BaseModel):
    """Which deliveries a list has."""

    state: Literal["waiting", "delivered", "failed"] | None = Field(None, description="Only deliveries in this state.")
    limit: int = Field(100, ge=1, le=MAX_LISTED, description="Maximum number of deliveries.")


class StreamResponse(BaseModel):
    """A monitored stream."""

    name: str
    counts: dict[str, int] = Field(description="Messages in all: `counted`, `late`, `repeated`, `rejected` and so on.")
    updated: datetime = Field(description="Time at which messages were last stored.")
    closed_until: datetime | None = Field(description="Time until which windows are closed.")
    attributes: list[str] = Field(description="Attributes by which the windows count messages separately.")


class StreamList(BaseModel):
    """The monitored streams, the last updated first."""

    streams: list[StreamResponse]


class WindowResponse(BaseModel):
    """A window of time, or several of one start that were added up."""

    start: datetime
    seconds: int
    attributes: dict[str, str]
    messages: int
    abstained: int
    valence: float | None = Field(
        description="Share of positive minus share of negative messages; null for labels without polarity."
    )
    valence_interval: Ends | None = Field(description="95% interval of the valence.")
    labels: dict[str, int] = Field(description="Messages by label.")
    levels: dict[str, dict[str, int]] = Field(description="Messages by label of each coarser level.")
    label_intervals: dict[str, Ends] = Field(description="95% interval of the share of messages with a label.")


class AlertResponse(BaseModel):
    """An alert; its times come from the messages."""

    id: int
    stream: str
    rule: str
    raised: datetime
    ended: datetime | None = Field(description="End of the alert; null while it lasts.")
    window: datetime | None = Field(description="Start of the window that raised the alert; null for a shift.")
    reason: str
    facts: dict[str, Any]


class TrendResponse(BaseModel):
    """The development of the emotions in a stream."""

    stream: StreamResponse
    windows: list[WindowResponse] = Field(description="Windows, the oldest first.")
    alerts: list[AlertResponse] = Field(description="Alerts, the newest first, at most 20.")


class DeliveryResponse(BaseModel):
    """A notification on its way to a receiver."""

    id: int
    receiver: str
    event: str
    key: str
    summary: str
    created: datetime
    attempts: int
    due: datetime = Field(description="Time of the next attempt, while the delivery waits.")
    state: Literal["waiting", "delivered", "failed"]
    error: str | None = Field(description="Error of the last attempt.")


class DeliveryList(BaseModel):
    """Deliveries, the newest first."""

    counts: dict[str, int] = Field(description="Number of deliveries in each state.")
    deliveries: list[DeliveryResponse]
