"""Schemas of access keys over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field

from insula.operations.credentials.keys import MAX_NAME
from insula.serving.authentication.route_access import Scope
from insula.serving.handoff.schemas import Printable
from insula.serving.schemas import RequestModel, Whole

MAX_LIMIT = 10**9
Limit = Annotated[Whole, Field(ge=1, le=MAX_LIMIT)]


class KeyRequest(RequestModel):
    """A key to create."""

    name: Annotated[Printable, Field(max_length=MAX_NAME)] = Field(description="Owner of the key; shown in lists.")
    scopes: list[Scope] = Field(["predict"], min_length=1, max_length=10, description="Exactly what the key may do.")
    expires: Annotated[str, Field(pattern="^[1-9][0-9]{0,3}[wdhms]$")] | None = Field(
        None, description="Lifetime, such as `90d` (units: w, d, h, m, s); null for no end."
    )
    texts_per_day: Limit | None = Field(
        None,
        validation_alias=AliasChoices("texts_per_day", "texts_a_day"),  # `texts_a_day` until version 0.3
        description="Quota of texts per day (UTC); null for no quota.",
    )
    calls_per_second: Annotated[float, Field(gt=0, le=MAX_LIMIT)] | None = Field(
        None,
        validation_alias=AliasChoices("calls_per_second", "calls_a_second"),  # `calls_a_second` until version 0.3
        description="Rate limit in requests per second; null for no limit.",
    )


class KeyResponse(BaseModel):
    """A key, without its secret."""

    id: str
    lineage: str = Field(description="First of the keys that were rotated into each other.")
    name: str
    scopes: list[Scope]
    state: Literal["active", "revoked", "expired"]
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None = Field(description="Last use, to about a minute; null if the key was never used.")
    successor: str | None = Field(description="Key that it was rotated into.")
    texts_per_day: int | None
    calls_per_second: float | None
    texts_a_day: int | None = Field(deprecated=True, description="Former name of `texts_per_day`, until version 0.3.")
    calls_a_second: float | None = Field(
        deprecated=True, description="Former name of `calls_per_second`, until version 0.3."
    )
    burst: int | None


class CreatedKey(KeyResponse):
    """A key that was created, with its secret."""

    key: str = Field(description="The key itself, which is not shown again.")


class KeyList(BaseModel):
    """All keys that were ever created, the oldest first."""

    keys: list[KeyResponse]
