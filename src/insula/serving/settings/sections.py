"""The tables of the settings file, such as `[limits]`: their options, defaults and ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SettingsSection(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(SettingsSection):
    """Upper limits of a request; requests beyond them are rejected."""

    body_bytes: int = Field(2_000_000, ge=1_000, description="Bytes of a request body, counted as it arrives.")
    buffered_bytes: int = Field(
        32_000_000, ge=1_000, description="Bytes of all request bodies that are held in memory at the same time."
    )
    texts: int = Field(1_000, ge=1, description="Texts per request.")
    characters: int = Field(
        20_000,
        ge=1,
        description="Characters per text or row of a file, with the earlier turns and the target that the model reads.",
    )
    turns: int = Field(1_000, ge=1, description="Turns per dialogue, and earlier turns per input.")
    header_bytes: int = Field(32_768, ge=1_024, description="Bytes of the request line and the headers.")
    header_seconds: float = Field(10, gt=0, description="Seconds for the request line and the headers to arrive.")
    body_seconds: float = Field(20, gt=0, description="Seconds for the body to arrive.")
    answer_seconds: float = Field(60, gt=0, description="Seconds to compute an answer.")
    write_seconds: float = Field(
        20, gt=0, description="Seconds for which a client may read nothing of its answer; it is disconnected then."
    )
    connections: int = Field(2_000, ge=1, description="Concurrent connections.")
    stream_messages: int = Field(64, ge=1, description="Messages of one stream that are in progress at the same time.")


class Queue(SettingsSection):
    """How texts of many requests are batched, and when a request is rejected because the queue is too long."""

    batch_tokens: int = Field(768, ge=16, description="Estimated tokens per batch.")
    batch_texts: int = Field(64, ge=1, description="Texts per batch.")
    most_texts: int = Field(10_000, ge=1, description="Texts in the queue of one model.")
    wait_ms: float = Field(
        2_000,
        gt=0,
        description="Milliseconds that a request may wait in the queue; one that would wait longer gets 429.",
    )
    most_wait_ms: float = Field(
        60_000, gt=0, description="The longest wait that a request may set with Insula-Wait-Ms."
    )


class Cors(SettingsSection):
    """Web pages of other origins that may call the service (default: none)."""

    origins: tuple[str, ...] = Field((), description='Origins such as "https://app.example.org".')


class Jobs(SettingsSection):
    """Files that are predicted in the background."""

    folder: Path | None = Field(
        None, description="Folder of uploads and results, where they survive restarts (default: a temporary folder)."
    )
    sources: tuple[Path, ...] = Field((), description="Folders whose files a request may name; uploads need none.")
    upload_bytes: int = Field(200_000_000, ge=1, description="Bytes of an uploaded file.")
    upload_seconds: float = Field(600, gt=0, description="Seconds for an upload to arrive.")
    line_bytes: int = Field(1_000_000, ge=1_000, description="Bytes per line of a file.")
    most: int = Field(100, ge=1, description="Jobs of one caller that are stored at the same time.")
    keep_hours: float = Field(24, gt=0, description="Hours after which a finished job is deleted with its files.")


class Feedback(SettingsSection):
    """Corrections of predictions, sent by people."""

    file: Path | None = Field(None, description="JSON Lines file to which corrections are appended (default: none).")


class Store(SettingsSection):
    """The database of keys, quotas and retained rows."""

    address: str | None = Field(
        None,
        description="Data folder, or postgresql://user:password@host/name (default: `insula-data`, if it exists).",
    )


class Access(SettingsSection):
    """Who may call. A server that listens at a loopback address is open until the first key is created."""

    insecure: bool = Field(False, description="True allows calls from every address until the first key is created.")
    open_metrics: bool = Field(False, description="True opens /metrics to callers without a key.")
    remembered_seconds: float = Field(
        5, ge=0, le=300, description="Seconds for which a key is cached; a revoked key is accepted for as long."
    )
    texts_a_day: int | None = Field(None, ge=1, description="Daily quota in texts of callers without one of their own.")
    calls_a_second: float | None = Field(None, gt=0, description="Rate limit of callers without one of their own.")
    burst: int | None = Field(None, ge=1, description="Calls that may come at once under that rate limit.")
    redis: str | None = Field(
        None, description="redis://host:6379/0, for a rate limit shared by several servers (default: in memory)."
    )
    without_redis: Literal["closed", "open"] = Field(
        "closed",
        description='If Redis does not answer, "closed" denies rate-limited calls and "open" counts them in memory.',
    )


class Tokens(SettingsSection):
    """JSON web tokens of an identity provider, accepted next to keys if `keys` is set."""

    keys: str | None = Field(None, description="JWKS with the provider's public keys: a file, or an https address.")
    issuer: str = Field("", description="The claim `iss` that tokens must have.")
    audience: str = Field("", description="The claim `aud` that tokens must have.")
    algorithms: tuple[str, ...] = Field(("RS256", "ES256", "EdDSA"), description="Accepted signature algorithms.")
    scope_claim: str = Field("scope", min_length=1, description="The claim that holds the scopes.")
    scope_prefix: str = Field("", description="Prefix of the scopes of insula in that claim, such as `insula:`.")


class Pages(SettingsSection):
    """The pages in a browser."""

    enabled: bool = Field(True, description="False turns the pages off.")
    session_minutes: float = Field(60, gt=0, le=1440, description="Minutes until a visitor must sign in again.")
    session_secret: Path | None = Field(
        None,
        description="File of at least 32 bytes that signs sessions, the same for all servers (default: a random secret "
        "at each start).",
    )
    secure_cookies: bool = Field(
        False, description="True if the server is behind TLS: browsers then send the session cookie over HTTPS only."
    )


class Masking(SettingsSection):
    """Masking of personal data in texts before they are stored, in the database and in `feedback.file`."""

    kinds: tuple[str, ...] = Field(
        ("all",),
        description='As in `insula data mask --kinds`: "presidio" adds those that Presidio finds, "lac" and '
        '"spacy:FOLDER" names anywhere in a sentence.',
    )


class Retention(SettingsSection):
    """What is stored of requests, and for how long (default: nothing)."""

    days: float | None = Field(
        None,
        gt=0,
        le=36525,
        description="Days after which predictions and feedback are deleted; without it nothing is stored.",
    )
    texts: Literal["masked", "none"] = Field(
        "masked",
        description='"masked" stores texts with personal data masked, "none" stores no texts.',
    )


class Audit(SettingsSection):
    """The tamper-evident log of keys, erasures and denied calls."""

    folder: Path | None = Field(None, description="Folder of the log (default: `audit` in the data folder).")
    anchor: str | None = Field(
        None, description="File on another system to which the head of the log is written; - is standard output."
    )
    anchor_every: int = Field(1, ge=1, description="Entries between two writes of the anchor.")
