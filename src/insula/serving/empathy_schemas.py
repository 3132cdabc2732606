"""Schemas of `POST /v1/empathy`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from insula.serving.schemas import Classified, RequestModel, Whole


class EmpathyPair(RequestModel):
    """A message, and a reply to it."""

    message: Classified = Field(description="The message.")
    reply: Classified = Field(description="The reply.")


class EmpathyRequest(RequestModel):
    """Replies to score."""

    pairs: Annotated[list[EmpathyPair], Field(min_length=1)]
    model: str | None = Field(
        None,
        description="Name of the model (default: the first): a scorer of `insula empathy train`, or any other, which "
        "reads what the writers of the messages feel.",
    )


class RationaleResponse(BaseModel):
    """Words of the reply, with their characters."""

    start: Whole
    end: Whole
    text: str


class MechanismResponse(BaseModel):
    """The level of a mechanism."""

    level: Whole = Field(description="0 not shown, 1 weakly shown, 2 strongly shown.")
    scores: list[float] = Field(description="Probabilities of the three levels.")
    words: list[RationaleResponse]
    missing: str | None = Field(description="Advice to the writer of the reply; null at level 2.")


class ScoredPair(BaseModel):
    """The empathy that a reply shows."""

    language: str = Field(description="Language of the reply: en or zh.")
    scorer: str = Field(description="`rules` or `trained`.")
    total: Whole = Field(description="Sum of the levels, 0 to 6.")
    emotional_reaction: MechanismResponse
    interpretation: MechanismResponse
    exploration: MechanismResponse


class EmpathyResponse(BaseModel):
    """Scores in the order of the pairs."""

    model: str
    version: str = Field(description="Digest of the model's files; it changes when any of them does.")
    scores: list[ScoredPair]
