"""Who calls, and why somebody is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from insula.operations.credentials.keys import SCOPES

BEARER = "bearer"
MOST_HEADER = 9000


@dataclass(frozen=True)
class Caller:
    """Whoever makes a request, known by a key or a token.

    id     for quotas, rates and rows: `key:...`, `token:...` or `local`; never a secret
    """

    id: str
    scopes: tuple[str, ...]
    texts_a_day: int | None = None
    calls_a_second: float | None = None
    burst: int | None = None


LOCAL = Caller("local", tuple(SCOPES))
"""Whoever calls a server that has no keys, from its own machine."""


class DeniedError(Exception):
    """A call is refused.

    code     what the caller is told: unauthenticated, forbidden, too_many_calls, quota, unavailable
    reason   a word for the audit log and the metrics; a caller who guesses learns nothing from it
    seconds  after which the call may be repeated, where that is known
    """

    def __init__(self, code: str, reason: str, *, caller: str | None = None, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.caller = caller
        self.seconds = seconds


def credential(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the key or token of a request, from `Authorization: Bearer` or `X-API-Key`, and from nowhere else.

    None where there is neither. Raises `DeniedError` where there are several, or one is unreadable: of two credentials
    nobody could say which one counts.
    """
    shown = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"authorization":
            shown.append(_bearer(value))
        elif lowered == b"x-api-key":
            shown.append(_text(value))
    if len(shown) > 1:
        raise DeniedError("unauthenticated", "several_credentials")
    return shown[0] if shown else None


def _bearer(value: bytes) -> str:
    scheme, _, rest = _text(value).partition(" ")
    if scheme.lower() != BEARER:
        raise DeniedError("unauthenticated", "scheme")
    return rest.strip(" ")


def _text(value: bytes) -> str:
    if len(value) > MOST_HEADER:
        raise DeniedError("unauthenticated", "malformed")
    try:
        text = value.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise DeniedError("unauthenticated", "malformed") from None
    if not text:
        raise DeniedError("unauthenticated", "malformed")
    return text
