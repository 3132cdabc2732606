"""The tables of the settings file, such as `[limits]`: their options, defaults and ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SettingsSection(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(SettingsSection):
    """The most that a request may send; more is rejected with a clear answer."""

    body_bytes: int = Field(2_000_000, ge=1_000, description="Bytes of a request, with or without a Content-Length.")
    texts: int = Field(1_000, ge=1, description="Texts of one request.")
    characters: int = Field(
        20_000, ge=1, description="Characters of one text, with the earlier turns and the target that the model reads."
    )
    turns: int = Field(1_000, ge=1, description="Turns of one dialogue, and earlier turns of one input.")
    header_bytes: int = Field(32_768, ge=1_024, description="Bytes of a request's line and headers.")
    header_seconds: float = Field(10, gt=0, description="How long a request's line and headers may take to arrive.")
    body_seconds: float = Field(20, gt=0, description="How long a request's body may take to arrive.")
    answer_seconds: float = Field(60, gt=0, description="How long an answer may take to be computed.")
    connections: int = Field(2_000, ge=1, description="Connections at a time.")
    stream_messages: int = Field(64, ge=1, description="Messages of one stream that are in work at a time.")


class Queue(SettingsSection):
    """How texts of many requests are computed together, and when a request is rejected because too many wait."""

    batch_tokens: int = Field(768, ge=16, description="Estimated tokens of a batch.")
    batch_texts: int = Field(64, ge=1, description="Texts of a batch.")
    most_texts: int = Field(10_000, ge=1, description="Texts that may wait for one model.")
    wait_ms: float = Field(
        2_000, gt=0, description="How long a request may wait for its turn; one that would wait longer gets 429."
    )
    most_wait_ms: float = Field(60_000, gt=0, description="The longest wait that a request may ask for itself.")


class Cors(SettingsSection):
    """Web pages of other addresses that may call the service; none unless they are named."""

    origins: tuple[str, ...] = Field((), description='Origins such as "https://app.example.org".')


class Jobs(SettingsSection):
    """Files that are predicted in the background."""

    folder: Path | None = Field(
        None, description="Folder of uploads and results, which survive restarts there (default: a temporary folder)."
    )
    sources: tuple[Path, ...] = Field((), description="Folders whose files a job may name; uploads need none.")
    upload_bytes: int = Field(200_000_000, ge=1, description="Bytes of an uploaded file.")
    upload_seconds: float = Field(600, gt=0, description="How long an upload may take.")
    most: int = Field(100, ge=1, description="Jobs that are kept.")
    keep_hours: float = Field(24, gt=0, description="How long a finished job is kept, with its files.")


class Feedback(SettingsSection):
    """Corrections of predictions, sent by people."""

    file: Path | None = Field(None, description="JSON Lines file for corrections; without it they are rejected.")


class Store(SettingsSection):
    """The database of keys, quotas and retained rows."""

    address: str | None = Field(
        None,
        description="Data folder, or postgresql://user:password@host/name (default: `insula-data`, if it exists).",
    )


class Access(SettingsSection):
    """Who may call. A server that only its own machine reaches is open until the first key is created."""

    insecure: bool = Field(
        False, description="True lets everybody who reaches the port call, until the first key is created."
    )
    open_metrics: bool = Field(False, description="True shows /metrics to callers without a key.")
    remembered_seconds: float = Field(
        5, ge=0, le=300, description="How long a key is not looked up again; a revoked key is accepted for as long."
    )
    texts_a_day: int | None = Field(None, ge=1, description="Daily quota of callers that have none of their own.")
    calls_a_second: float | None = Field(None, gt=0, description="Rate limit of callers that have none of their own.")
    burst: int | None = Field(None, ge=1, description="Calls that may come at once, with that rate limit.")
    redis: str | None = Field(
        None, description="redis://host:6379/0, where several servers count calls together (default: in memory)."
    )
    without_redis: Literal["closed", "open"] = Field(
        "closed",
        description='If Redis does not answer: "closed" denies calls that have a rate limit, "open" counts in memory.',
    )


class Tokens(SettingsSection):
    """JSON web tokens of an identity provider, accepted as well as keys if `keys` is given."""

    keys: str | None = Field(None, description="JWKS with the provider's public keys: a file, or an https address.")
    issuer: str = Field("", description="The claim `iss` that tokens must have.")
    audience: str = Field("", description="The claim `aud` that tokens must have.")
    algorithms: tuple[str, ...] = Field(("RS256", "ES256", "EdDSA"), description="Signatures that are accepted.")
    scope_claim: str = Field("scope", min_length=1, description="The claim that holds the scopes.")
    scope_prefix: str = Field("", description="What precedes the scopes of insula in it, such as `insula:`.")


class Pages(SettingsSection):
    """The pages for people, in a browser."""

    enabled: bool = Field(True, description="False leaves them out.")
    session_minutes: float = Field(
        60, gt=0, le=1440, description="How long a person stays signed in before the key must be typed again."
    )
    session_secret: Path | None = Field(
        None,
        description="File of at least 32 bytes that signs sessions, the same for all servers (default: a random secret "
        "at each start).",
    )
    secure_cookies: bool = Field(
        False, description="True if TLS is in front of the server: browsers then send the session over HTTPS only."
    )


class Masking(SettingsSection):
    """What is masked in texts before they are stored, in the database and in `feedback.file`."""

    kinds: tuple[str, ...] = Field(
        ("all",), description='As in `insula data mask --kinds`: "presidio" adds those that Presidio finds.'
    )


class Retention(SettingsSection):
    """What is stored of requests, and for how long; nothing unless `days` is given."""

    days: float | None = Field(None, gt=0, le=36525, description="Days after which predictions are deleted.")
    texts: Literal["masked", "none"] = Field(
        "masked",
        description='What is stored of a text: "masked" stores it without personal data, "none" stores nothing of it.',
    )


class Audit(SettingsSection):
    """The tamper-evident log of keys, erasures and denied calls."""

    folder: Path | None = Field(None, description="Folder of the log (default: `audit` in the data folder).")
    anchor: str | None = Field(
        None, description="File elsewhere into which the head of the log is written; - is standard output."
    )
    anchor_every: int = Field(1, ge=1, description="Entries between two writes of the anchor.")
