"""The tables of the settings file, such as `[limits]`: their options, defaults and ranges."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OLD_ACCESS_NAMES = {"texts_a_day": "texts_per_day", "calls_a_second": "calls_per_second"}
"""Old names of options of `[access]`, accepted until version 0.3."""


class SettingsSection(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(SettingsSection):
    """Upper limits of a request; requests beyond them are rejected."""

    body_bytes: int = Field(
        2_000_000, ge=1_000, description="Maximum size of a request body in bytes, counted as it arrives."
    )
    buffered_bytes: int = Field(
        24_000_000, ge=1_000, description="Maximum size in bytes of all request bodies in memory together."
    )
    texts: int = Field(1_000, ge=1, description="Maximum texts per request.")
    characters: int = Field(
        20_000,
        ge=1,
        description="Maximum characters per text, or per row of a file, including the earlier turns and target that "
        "the model reads.",
    )
    turns: int = Field(1_000, ge=1, description="Maximum turns per dialogue, and earlier turns per input.")
    header_bytes: int = Field(
        32_768,
        ge=1_024,
        description="Maximum size of the request line and the headers in bytes; each header counts 100 bytes more.",
    )
    header_seconds: float = Field(
        10, gt=0, description="Maximum seconds until the request line and the headers have arrived."
    )
    body_seconds: float = Field(20, gt=0, description="Maximum seconds until the body has arrived.")
    answer_seconds: float = Field(60, gt=0, description="Maximum seconds to compute an answer.")
    write_seconds: float = Field(
        20, gt=0, description="Seconds after which a client that reads nothing of its answer is disconnected."
    )
    connections: int = Field(2_000, ge=1, description="Maximum concurrent connections.")
    stream_messages: int = Field(
        64, ge=1, description="Maximum messages of one stream that are in progress at the same time."
    )


class Queue(SettingsSection):
    """Batching of the texts of many requests, and rejection of requests when the queue is too long."""

    batch_tokens: int = Field(768, ge=16, description="Maximum estimated tokens per batch.")
    batch_texts: int = Field(64, ge=1, description="Maximum texts per batch.")
    most_texts: int = Field(10_000, ge=1, description="Maximum texts in the queue of one model.")
    wait_ms: float = Field(
        2_000,
        gt=0,
        description="Maximum wait in the queue in milliseconds; a request that would wait longer is answered with 429.",
    )
    most_wait_ms: float = Field(
        60_000, gt=0, description="Maximum wait in milliseconds that a request may set with Insula-Wait-Ms."
    )


class Explain(SettingsSection):
    """Explanations of predictions; they yield to predictions."""

    enabled: bool = Field(True, description="Whether explanations are served.")
    texts: int = Field(16, ge=1, description="Maximum texts to explain per request.")
    characters: int = Field(
        5_000, ge=1, description="Maximum characters per text to explain, including the context that the model reads."
    )
    waiting: int = Field(
        200, ge=1, description="Maximum texts waiting to be explained; a request beyond that is answered with 429."
    )
    wait_ms: float = Field(
        20_000,
        gt=0,
        description="Maximum milliseconds that a request to explain may wait, unless it sets Insula-Wait-Ms.",
    )


class Safety(SettingsSection):
    """Checks of messages and replies, and drafts; a text that is not checked in time needs a person."""

    enabled: bool = Field(True, description="Whether /v1/safety and /v1/reply are served.")
    seconds: float = Field(10, gt=0, le=60, description="Maximum seconds to check the texts of a request.")
    waiting: int = Field(
        2_000,
        ge=1,
        description="Maximum texts waiting for a check; texts beyond that are not checked and need a person.",
    )


class Drafting(SettingsSection):
    """Drafts of replies (default: from templates): your own good answers, and an endpoint that also writes drafts."""

    answers: Path | None = Field(
        None,
        description="File with good answers of your own (columns message and reply): those to similar messages become "
        "drafts, too.",
    )
    endpoint: str | None = Field(
        None,
        description="Base URL of an OpenAI-compatible endpoint that also writes drafts, such as "
        "http://127.0.0.1:8080/v1. Messages without a signal of risk are sent there, with personal data masked. Its "
        "access key is read from INSULA_ENDPOINT_KEY.",
    )
    endpoint_model: str | None = Field(None, min_length=1, description="Name of the model at the endpoint.")
    endpoint_tokens: int | None = Field(
        None,
        ge=1,
        description="Maximum tokens that the endpoint may use until the service restarts (default: no limit).",
    )
    prompt: Path | None = Field(
        None, description="File with your instructions for the endpoint (default: those that come with insula)."
    )
    policy: str | None = Field(
        None,
        min_length=1,
        description="Policy that chooses the strategy of the first draft: rules, explore, or a file written by insula "
        "policy learn (default: rules).",
    )
    accept_unproven: bool = Field(
        False,
        description="Use a learned policy even if its evaluation does not show that it is as good as the previous one.",
    )
    outcomes: Path | None = Field(
        None,
        description="JSON Lines log of what people did with drafts, from /v1/reply/feedback and the page, without any "
        "text (default: none).",
    )
    seconds: float = Field(
        20, gt=0, le=300, description="Maximum seconds to wait for the endpoint; then the other drafts are the answer."
    )
    threads: int = Field(4, ge=1, le=64, description="Maximum messages that the endpoint is asked about at once.")
    waiting: int = Field(
        32, ge=0, description="Maximum messages waiting for the endpoint; those beyond get the other drafts at once."
    )


class Cors(SettingsSection):
    """Web pages of other origins that may call the service (default: none)."""

    origins: tuple[str, ...] = Field((), description='Allowed origins, such as "https://app.example.org".')


class Jobs(SettingsSection):
    """Files that are predicted in the background."""

    folder: Path | None = Field(
        None, description="Folder of uploads and results, to keep them across restarts (default: a temporary folder)."
    )
    sources: tuple[Path, ...] = Field((), description="Folders whose files a request may name; not needed for uploads.")
    upload_bytes: int = Field(200_000_000, ge=1, description="Maximum size of an uploaded file in bytes.")
    upload_seconds: float = Field(600, gt=0, description="Maximum seconds until an upload has arrived.")
    line_bytes: int = Field(1_000_000, ge=1_000, description="Maximum size of a line of a file in bytes.")
    most: int = Field(100, ge=1, description="Maximum stored jobs per caller.")
    caller_bytes: int = Field(
        5_000_000_000, ge=1, description="Maximum size in bytes of the files of one caller and their results."
    )
    free_bytes: int = Field(
        500_000_000,
        ge=0,
        description="Minimum free disk space in bytes; with less, uploads are rejected and jobs fail.",
    )
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
    """Access and limits of callers. A server on a loopback address is open until the first key is created."""

    insecure: bool = Field(False, description="Allow calls from every address until the first key is created.")
    open_metrics: bool = Field(False, description="Allow callers without a key to read /metrics.")
    manage_keys: bool = Field(
        False,
        description="Whether keys with the scope `admin` can list, create and revoke keys over HTTP and on the page "
        "/keys; on a server without keys, every caller can.",
    )
    remembered_seconds: float = Field(
        5, ge=0, le=300, description="Seconds for which a key is cached; a revoked key is still accepted for this time."
    )
    texts_per_day: int | None = Field(
        None, ge=1, description="Default daily quota, in texts, for callers without a quota of their own."
    )
    calls_per_second: float | None = Field(
        None, gt=0, description="Default rate limit, in requests per second, for callers without a limit of their own."
    )
    burst: int | None = Field(None, ge=1, description="Requests allowed at once under the default rate limit.")
    redis: str | None = Field(
        None,
        description="Redis address, such as redis://host:6379/0, for a rate limit shared by several servers "
        "(default: in memory).",
    )
    without_redis: Literal["closed", "open"] = Field(
        "closed",
        description='Behaviour if Redis does not answer: "closed" denies rate-limited calls, "open" counts them in '
        "memory.",
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not OLD_ACCESS_NAMES.keys() & given.keys():
            return given
        accepted = {name: value for name, value in given.items() if name not in OLD_ACCESS_NAMES}
        for old, new in OLD_ACCESS_NAMES.items():
            if old in given:
                warnings.warn(
                    f"The setting access.{old} is now {new}. The old name works until version 0.3.",
                    DeprecationWarning,
                    stacklevel=2,
                )
                accepted.setdefault(new, given[old])
        return accepted


class Tokens(SettingsSection):
    """JSON web tokens of an identity provider, accepted next to keys if `keys` is set."""

    keys: str | None = Field(None, description="JWKS with the provider's public keys: a file, or an https address.")
    issuer: str = Field("", description="Required value of the claim `iss` (issuer).")
    audience: str = Field("", description="Required value of the claim `aud` (audience).")
    algorithms: tuple[str, ...] = Field(("RS256", "ES256", "EdDSA"), description="Accepted signature algorithms.")
    scope_claim: str = Field("scope", min_length=1, description="Name of the claim that holds the scopes.")
    scope_prefix: str = Field("", description="Prefix of insula's scopes in that claim, such as `insula:`.")


class Pages(SettingsSection):
    """The pages in a browser."""

    enabled: bool = Field(True, description="Whether the pages are served.")
    session_minutes: float = Field(60, gt=0, le=1440, description="Minutes after which a visitor must sign in again.")
    session_secret: Path | None = Field(
        None,
        description="File with a secret of at least 32 bytes that signs sessions, the same on all servers (default: "
        "a random secret at each start).",
    )
    secure_cookies: bool = Field(
        False,
        description="Whether browsers send the session cookie over HTTPS only; set it if the server is behind TLS.",
    )


class Masking(SettingsSection):
    """Masking of personal data in texts before they are stored, in the database and in `feedback.file`."""

    kinds: tuple[str, ...] = Field(
        ("all",),
        description='Kinds to mask, as in `insula data mask --kinds`: "presidio" adds the kinds that Presidio detects, '
        '"lac" and "spacy:FOLDER" add names anywhere in a sentence.',
    )


class Retention(SettingsSection):
    """Storage of predictions and feedback (default: nothing is stored)."""

    days: float | None = Field(
        None,
        gt=0,
        le=36525,
        description="Days after which predictions and feedback are deleted (default: store nothing).",
    )
    texts: Literal["masked", "none"] = Field(
        "masked",
        description='Storage of texts: "masked" stores them with personal data masked, "none" stores no texts.',
    )


class Handoff(SettingsSection):
    """The hand-off queue: messages that people must see, in the database of the store."""

    enabled: bool = Field(False, description="Whether agents can use the queue; a routes file also enables it.")
    routes: Path | None = Field(
        None, description="TOML file with routing rules for /v1/route; they name labels of the first model."
    )
    days: float = Field(90, gt=0, le=36525, description="Days for which a closed case is kept.")
    texts: Literal["masked", "none"] = Field(
        "masked",
        description='Storage of texts: "masked" stores them with personal data masked, "none" stores no texts.',
    )
    lease_minutes: float = Field(15, ge=1, le=1440, description="Default length of a lease, in minutes.")
    check_seconds: float = Field(
        10, ge=0.1, le=3600, description="Seconds between two checks for late cases and expired leases."
    )
    explain_ms: float = Field(
        1_000,
        ge=0,
        le=60_000,
        description="Maximum milliseconds to find the words behind the prediction of a new case, for its reason; 0 "
        "skips them.",
    )

    @property
    def is_served(self) -> bool:
        """Whether the service has a queue."""
        return self.enabled or self.routes is not None


class Audit(SettingsSection):
    """The tamper-evident log of keys, erasures and denied calls."""

    folder: Path | None = Field(None, description="Folder of the log (default: `audit` in the data folder).")
    anchor: str | None = Field(
        None, description="File on another system that receives the head of the log as an anchor; - is standard output."
    )
    anchor_every: int = Field(1, ge=1, description="Number of log entries between two anchors.")
