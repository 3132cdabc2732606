"""Schemas of the hand-off queue over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from insula.core.model_input import ModelInput
from insula.empathy.acknowledgement import Withheld
from insula.operations.handoff.cases import MAX_SECONDS, STATES, State
from insula.serving.schemas import Language, RequestModel, TextWithAttributes

MAX_LISTED = 500
MAX_OFFSET = 1_000_000


def _require_printable(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise ValueError("The name must have printable characters only, and not be blank.")
    return name


Printable = Annotated[str, Field(min_length=1), AfterValidator(_require_printable)]
Name = Annotated[Printable, Field(max_length=200)]
NO_CONTROL = "^[^\\x00-\\x1f\\x7f-\\x9f]+$"
"""Names that a filter may look for: any other finds nothing, but no database takes a NUL."""
Filter = Annotated[str, Field(pattern=NO_CONTROL, max_length=200)]
ShortName = Annotated[Printable, Field(max_length=100)]
Outcome = Annotated[Printable, Field(max_length=100)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
Risk = Literal["none", "concern", "high", "immediate"]


class AgentRequest(RequestModel):
    """A step with a case, and who does it."""

    agent: Name | None = Field(
        None,
        description="Name of the agent (default: the name of the key). Any other name also needs the scope `admin`.",
    )


class LeaseRequest(AgentRequest):
    """A step after which an agent holds the case."""

    lease: Seconds | None = Field(None, description="Seconds for which the agent holds the case.")


class ClaimNextRequest(LeaseRequest):
    """A claim of the first waiting case."""

    queue: ShortName | None = Field(None, description="Claim only a case in this queue (default: any queue).")


class ReassignRequest(LeaseRequest):
    """Another agent or another queue for a case."""

    to: Name | None = Field(None, description="Agent to move the case to.")
    queue: ShortName | None = Field(None, description="Queue to move the case to.")

    @model_validator(mode="after")
    def _require_one_alternative(self) -> Self:
        if (self.to is None) == (self.queue is None):
            raise ValueError(f"Send exactly one of `to` and `queue`. Got {'neither' if self.to is None else 'both'}.")
        return self


class CloseRequest(AgentRequest):
    """The end of a case."""

    outcome: Outcome = Field(description="Outcome in a word or two, such as `resolved`.")
    note: str | None = Field(None, max_length=2000, description="Note. Personal data in it is masked.")


class ReopenRequest(AgentRequest):
    """A closed case that waits again."""

    deadline: Seconds | None = Field(None, description="Seconds until the case is late (default: 86400).")


class RoutedMessage(TextWithAttributes):
    """A message to predict, and to hand to people if a rule asks for it."""

    id: Name = Field(description="Id of the message in its source. A second case with the same id is not opened.")
    language: Language | None = Field(None, description="ISO 639-1 code of the message's language (default: detected).")

    @property
    def model_input(self) -> ModelInput:
        """The input as a model reads it, with its id and language."""
        return replace(super().model_input, language=self.language, id=self.id)


class RouteRequest(RequestModel):
    """Messages to predict and to route."""

    messages: list[RoutedMessage] = Field(min_length=1, description="The messages, in any order.")
    source: ShortName | Literal[""] = Field(
        "", description="System that the ids of the messages come from, such as `zendesk`."
    )
    subject: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Id of the person all these messages are from; used to erase that person's stored rows and to find "
        "open cases.",
    )


class RoutedPrediction(BaseModel):
    """The prediction of a message."""

    labels: list[str]
    label: str | None
    scores: dict[str, float]
    confidence: float | None
    abstained: bool


class OpenedCase(BaseModel):
    """The case of a message."""

    id: int
    state: State = Field(
        description="State of the case: `waiting` for a new case, any state for a message that already had one."
    )


class AcknowledgementResponse(BaseModel):
    """An automatic confirmation of receipt: fixed text, without a word of the message."""

    text: str
    language: str = Field(description="Language of the text: en or zh.")
    generator: Literal["rule", "templates"] = Field(description="Source of the text.")
    machine_made: Literal[True] = Field(description="Always true: no person wrote it for this message.")


class RoutedMessageResponse(BaseModel):
    """The decision of the rules on a message."""

    id: str
    action: Literal["queue", "ignore", "none"] = Field(description="`none` if no rule decides.")
    rule: str | None = Field(description="The rule that decided; `safeguard` for a risk that no rule covers.")
    queue: str | None
    deadline: int | None = Field(description="Seconds after which the case is late.")
    priority: Risk | None
    tags: list[str]
    reason: str
    case: OpenedCase | None
    handed_off: bool = Field(
        description="True if people deal with the message: it has a case, or one of the same `subject` is open. "
        "Send no automatic answer then, except the `acknowledgement`."
    )
    acknowledgement: AcknowledgementResponse | None = Field(
        description="The confirmation of receipt that the rule asks for. It is in one answer only: a repeated request "
        "gets none."
    )
    withheld: Withheld | None = Field(
        description="Reason for no acknowledgement although the rule asks for one: `danger` (a sign of it, or no "
        "check in time), `conversation` (there are earlier turns), `handed_off` (people deal with the message, or with "
        "another one of the `subject`, already), `language` (the rule has no text in it)."
    )
    prediction: RoutedPrediction


class RouteResponse(BaseModel):
    """The decisions on messages, in order."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    messages: list[RoutedMessageResponse]


class CaseFilter(BaseModel):
    """The cases to list."""

    state: list[State] = Field(["waiting", "claimed"], min_length=1, max_length=len(STATES))
    queue: Filter | None = Field(None, description="Only cases in this queue (default: all).")
    agent: Filter | None = Field(None, description="Only cases that this agent holds or has closed (default: all).")
    late: bool = Field(False, description="Only cases past their deadline.")
    limit: int = Field(100, ge=1, le=MAX_LISTED, description="Maximum number of cases to list.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Number of cases to skip.")


class CaseResponse(BaseModel):
    """A case; its words are masked, and null if none are stored. Times are in UTC."""

    id: int = Field(description="Number of the case.")
    source: str = Field(description="System that the id of the message comes from.")
    message: str = Field(description="Id of the message in its source.")
    queue: str
    state: State
    risk: Risk
    version: int = Field(description="Number of events of the case so far.")
    opened: datetime
    due: datetime = Field(description="Time after which the case is late.")
    escalated: datetime | None = Field(description="Time at which the case was found to be late; null if it was not.")
    agent: str | None = Field(description="Agent who holds or closed the case.")
    lease_until: datetime | None
    first_claimed: datetime | None
    expired_leases: int
    times_reopened: int
    closed: datetime | None
    outcome: str | None
    note: str | None
    erased: datetime | None = Field(
        description="Time at which the text was erased on behalf of the person; null if it was not."
    )
    rule: str | None = Field(description="Name of the rule that opened the case.")
    tags: list[str]
    language: str | None
    text: str | None
    turns: list[dict[str, str]]
    speaker: str | None
    target: str | None
    customer: dict[str, str | int | float | bool | None] | None
    reason: str | None = Field(description="Reason why a person must see the message.")
    answer: dict[str, Any] | None = Field(description="The prediction.")
    words: list[str] = Field(description="Words of the text behind the prediction, the strongest first.")


class CaseEventResponse(BaseModel):
    """An event of a case."""

    number: int
    case: int
    version: int
    time: datetime
    event: str
    actor: str
    facts: dict[str, Any]


class CaseDetails(CaseResponse):
    """A case with its events, the oldest first."""

    events: list[CaseEventResponse]


class CaseList(BaseModel):
    """Cases in the order in which they are to be handled; closed ones last, the latest first."""

    cases: list[CaseResponse]


class ClaimedCase(BaseModel):
    """The case that was claimed; null if none waits."""

    case: CaseResponse | None


class QueueStatsResponse(BaseModel):
    """Counts and times of the queue; times are in seconds, null without a case that has them."""

    opened: int = Field(description="Number of cases opened so far, in all queues.")
    waiting: int
    claimed: int
    closed: int
    deleted: int
    late: int = Field(description="Number of open cases past their deadline.")
    oldest: float | None = Field(description="Age of the oldest waiting case, in seconds.")
    escalations: int
    expired_leases: int
    to_claim: float | None = Field(description="Median time from opening to the first claim, in seconds.")
    to_close: float | None = Field(description="Median time from opening to closing, in seconds.")
    by_risk: dict[str, int]
    by_agent: dict[str, int]
    outcomes: dict[str, int]
