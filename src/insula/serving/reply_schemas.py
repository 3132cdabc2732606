"""Schemas of `POST /v1/safety` and `POST /v1/reply`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from insula.empathy.kinds import Need, Polarity
from insula.empathy.policy.choice import Why
from insula.empathy.policy.context import MAX_TURNS
from insula.empathy.policy.outcomes import Action
from insula.empathy.state import Feeling
from insula.empathy.strategies import Strategy
from insula.safety.replies.check import ReplyFault
from insula.safety.signals.result import Frame, Level, RiskKind, Wording
from insula.serving.schemas import Classified, RequestModel, Speaker, Turn, Whole

ALTERNATIVES = ("messages", "replies")
MAX_DRAFTS = 10
Texts = Annotated[list[Classified], Field(min_length=1)]
Country = Annotated[
    str,
    Field(pattern="^[A-Za-z]{2}$", description="ISO 3166 code of the country whose help lines are shown, such as CN."),
]


class SafetyRequest(RequestModel):
    """Incoming messages, outgoing replies, or both, to check."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name], "properties": {name: {"type": "array"}}} for name in ALTERNATIVES]
        }
    )

    messages: Texts | None = Field(None, description="Messages to check for signals of risk.")
    replies: Texts | None = Field(None, description="Replies to check before they are sent.")
    country: Country | None = Field(
        None, description="Country whose help lines are shown (default: help in any country)."
    )

    @model_validator(mode="after")
    def _require_an_alternative(self) -> Self:
        if self.messages is None and self.replies is None:
            raise ValueError("Send messages, replies, or both.")
        return self


class RiskWords(BaseModel):
    """Words of a message that show a risk: offsets, and the rule that found them."""

    start: int
    end: int
    kind: RiskKind
    wording: Wording
    rule: str


class CheckedMessage(BaseModel):
    """The check of an incoming message. Experimental, and not clinically validated."""

    signal: bool = Field(description="Whether a risk was found.")
    level: Level = Field(description="`concern`: somebody should ask; `high`: soon; `immediate`: now.")
    priority: int = Field(
        ge=0, le=3, description="Priority: 0 for none to 3 for immediate; 2 if the message could not be checked."
    )
    kinds: list[RiskKind] = Field(description="The kinds of risk, the most certain first.")
    wording: Wording | None = Field(description="Whether words name the danger (`explicit`) or not (`oblique`).")
    frames: list[Frame]
    spans: list[RiskWords]
    reasons: list[str] = Field(description="Sentences for the person who takes over.")
    needs_person: bool = Field(
        description="True if no automatic answer may be sent: a signal, a failed check, an unknown language."
    )
    failure: str | None = Field(description="Reason why the message could not be checked; null if it was.")
    score: float | None = Field(
        description="Score of the trained model, 0 to 1, but not a probability; 0.5 or more is a signal."
    )


class FaultyWords(BaseModel):
    """Words that a reply must not have: offsets, and the rule that found them."""

    start: int
    end: int
    fault: ReplyFault
    rule: str


class CheckedReply(BaseModel):
    """The check of an outgoing reply."""

    allowed: bool = Field(description="Whether the reply may be sent; also false if it could not be checked.")
    faults: list[ReplyFault]
    spans: list[FaultyWords]
    reasons: list[str] = Field(description="One sentence for each fault.")
    failure: str | None = Field(description="Reason why the reply could not be checked; null if it was.")


class SafetyResponse(BaseModel):
    """Checks in the order of the messages and of the replies."""

    messages: list[CheckedMessage]
    replies: list[CheckedReply]
    help: dict[str, str] | None = Field(
        description="Help lines, in English (`en`) and Chinese (`zh`), if a message needs a person; else null."
    )
    notified: Literal[False] = Field(description="Always false: the check notifies nobody.")


class ReplyRequest(RequestModel):
    """A message to draft a reply to, with the conversation before it."""

    text: Classified = Field(description="The message.")
    turns: list[Turn] | None = Field(None, description="The earlier turns, oldest first, without the message itself.")
    speaker: Speaker | None = Field(None, description="The speaker of the message.")
    language: Literal["en", "zh"] | None = Field(
        None, description="Language of the drafts (default: the language of the message)."
    )
    strategy: Strategy | Literal["auto"] = Field(
        "auto", description="Strategy of the drafts; `auto` uses the strategies that fit the message."
    )
    n: Whole = Field(3, ge=1, le=MAX_DRAFTS, description="Maximum number of drafts.")
    country: Country | None = Field(
        None, description="Country whose help lines a hand-off shows (default: help in any country)."
    )
    model: str | None = Field(None, max_length=200, description="Name of a served model (default: the first one).")


class ReplyState(BaseModel):
    """The state that the drafts answer to."""

    language: str
    feeling: Feeling | None = Field(description="The feeling that a draft may name; null if it is not clear enough.")
    polarity: Polarity
    intensity: Literal["normal", "high"]
    topic: str | None = Field(description="Topic of the message, such as `work`.")
    need: Need = Field(description="Need that the person seems to have.")
    moved: Literal["better", "worse", "same"] | None = Field(
        description="Change since the speaker's first message; null without earlier turns."
    )
    sure: bool = Field(description="Whether the model was sure of its prediction.")
    event: str | None = Field(
        description="Event that the message reports, such as `failed_exam`; null if no known event was found."
    )
    asked: Need | None = Field(
        description="Unanswered request of the speaker in the turns right before; null if there is none."
    )
    answers: bool = Field(description="Whether the message answers a question of another speaker.")
    kind: str | None = Field(
        description="Kind of the message, such as `request`, `complaint` or `setback`; "
        "`plain` if it is not clear enough."
    )


class DraftedReply(BaseModel):
    """A draft: a person must read it before it is sent."""

    text: str
    strategy: Strategy
    generator: str = Field(description="Generator that wrote the draft; never a person.")
    open: list[str] = Field(description="Gaps that the person must fill in, such as `[answer]`.")
    scores: dict[str, float] = Field(
        description="Scores of the ranking by name, each 0 to 1; empty if only one generator wrote drafts."
    )


class HandedOff(BaseModel):
    """A hand-off: the reasons why a person must answer, and an answer until then."""

    risk: CheckedMessage
    message: str = Field(
        description="An answer that offers to talk to a person and says whether somebody was notified."
    )
    help: str = Field(description="Sentence that says where to find help.")
    notified: bool = Field(description="Whether somebody was notified.")


class CheckedIn(BaseModel):
    """A weak signal of danger, for which most drafts ask how the person is."""

    risk: CheckedMessage
    help: str = Field(description="Sentence that says where to find help.")
    notified: bool = Field(description="Whether somebody was notified.")


class ChoiceContext(RequestModel):
    """The conversation in the categories that a policy knows: no text, no topic, no event."""

    language: Literal["en", "zh"]
    feeling: Feeling | None = None
    polarity: Polarity
    intensity: Literal["normal", "high"]
    need: Need
    moved: Literal["better", "worse", "same"] | None = None
    asked: Need | None = None
    answers: bool
    sure: bool
    turn: Whole = Field(
        ge=1, le=MAX_TURNS, description="Number of the speaker's message; 3 is the third or a later one."
    )


class ReplyChoice(RequestModel):
    """The choice of the strategy of the first draft, for learning from what people do with it."""

    id: str = Field(min_length=1, max_length=100)
    policy: str = Field(min_length=1, max_length=100, description="Name of the policy.")
    version: str = Field(min_length=1, max_length=100, description="Version of the policy.")
    why: Why = Field(
        description="`policy`: drawn by the policy; `single`: there was one candidate; `named`: the request named the "
        "strategy; `risk`: a weak signal of danger, where nothing is left to chance."
    )
    strategy: Strategy = Field(description="Strategy that came first.")
    candidates: list[Strategy] = Field(
        min_length=1, description="Strategies of the drafts that passed every check; the rules put the first one first."
    )
    probabilities: list[float] = Field(
        min_length=1, description="Probability of each candidate; that of `strategy` is the propensity."
    )
    context: ChoiceContext


class ReplyFeedbackRequest(RequestModel):
    """The action of a person on the drafts of a reply."""

    choice: ReplyChoice = Field(description="The `choice` of the reply, unchanged.")
    action: Action = Field(
        description="`sent`: a draft was sent as it was; `edited`: sent with changes; `rejected`: none was used."
    )
    used: Strategy | None = Field(
        None, description="Strategy of the draft that was sent (default: the one that came first)."
    )


class ReplyResponse(BaseModel):
    """Drafts, the best first; or, for a message that a person must answer, none and a hand-off."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    machine_made: Literal[True] = Field(description="Always true: a machine wrote the drafts.")
    language: str = Field(description="Language of the drafts: en or zh.")
    state: ReplyState | None = Field(description="Null with a hand-off.")
    drafts: list[DraftedReply]
    stopped: int = Field(description="Number of drafts that the safety check rejected.")
    hand_off: HandedOff | None = Field(description="Null for an ordinary message.")
    check_in: CheckedIn | None = Field(
        description="Set for a weak signal of danger: most drafts ask how the person is. A person is still needed."
    )
    failures: list[str] = Field(description="Errors of a generator while another one wrote drafts.")
    choice: ReplyChoice | None = Field(
        description="Choice of the first draft's strategy; null unless the service has a policy or records outcomes."
    )
