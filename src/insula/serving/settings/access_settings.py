"""The settings that say who may call, what is kept, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from insula.serving.settings.section import Section


class Store(Section):
    """Where keys, quotas and what a retention keeps outlive a restart."""

    address: str | None = Field(
        None,
        description="Data folder, or postgresql://user:password@host/name; `insula-data` where not given and there.",
    )


class Access(Section):
    """Who may call. A server on its own machine's address is open until a first key is made; others need keys."""

    insecure: bool = Field(False, description="True lets everybody who reaches the port call, until a key is made.")
    open_metrics: bool = Field(False, description="True shows /metrics to callers without a key.")
    remembered_seconds: float = Field(
        5, ge=0, le=300, description="How long a key is not looked up again: so long a revoked one may still open."
    )
    texts_a_day: int | None = Field(None, ge=1, description="Quota of callers who have none of their own.")
    calls_a_second: float | None = Field(None, gt=0, description="Rate of callers who have none of their own.")
    burst: int | None = Field(None, ge=1, description="Calls that may come at once, for that rate.")
    redis: str | None = Field(
        None, description="redis://host:6379/0, where several servers count rates together; in memory where not given."
    )
    without_redis: Literal["closed", "open"] = Field(
        "closed", description='Where Redis is away: "closed" refuses calls that have a rate, "open" counts by itself.'
    )


class Tokens(Section):
    """JSON web tokens of an identity provider, taken beside keys where `keys` is given."""

    keys: str | None = Field(None, description="JWKS with the provider's public keys: a file, or an https address.")
    issuer: str = Field("", description="The claim `iss` that tokens must have.")
    audience: str = Field("", description="The claim `aud` that tokens must have.")
    algorithms: tuple[str, ...] = Field(("RS256", "ES256", "EdDSA"), description="Signatures that are taken.")
    scope_claim: str = Field("scope", min_length=1, description="The claim that holds the scopes.")
    scope_prefix: str = Field("", description="What stands before our scopes in it, such as `insula:`.")


class Pages(Section):
    """The pages for people, in a browser."""

    enabled: bool = Field(True, description="False leaves them out.")
    session_minutes: float = Field(
        60, gt=0, le=1440, description="How long a key that was typed there counts, before it is asked for again."
    )
    session_secret: Path | None = Field(
        None,
        description="File of 32 bytes or more that signs sessions, the same for several servers; drawn at each start "
        "where not given.",
    )
    secure_cookies: bool = Field(
        False, description="True where TLS stands in front: browsers then send the session over HTTPS alone."
    )


class Masking(Section):
    """What is masked in texts before they are kept, in the store and in `feedback.file`."""

    kinds: tuple[str, ...] = Field(
        ("all",), description='As in `insula data mask --kinds`: "presidio" adds those that Presidio finds.'
    )


class Retention(Section):
    """What of requests is stored, and for how long; nothing where `days` is not given."""

    days: float | None = Field(None, gt=0, le=36525, description="Days after which predictions are deleted.")
    texts: Literal["masked", "none"] = Field(
        "masked",
        description="What of a text is stored with its prediction: its form without personal data, or nothing.",
    )


class Audit(Section):
    """The log of who was let in and what was erased, whose change shows."""

    folder: Path | None = Field(None, description="Where it is; `audit` in the data folder where not given.")
    anchor: str | None = Field(None, description="File elsewhere that is told the head of the log; - is the output.")
    anchor_every: int = Field(1, ge=1, description="Entries after which it is told.")
