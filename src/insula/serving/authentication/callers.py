"""`Caller`: who makes a call, and what they may do; `AccessDeniedError`: why a call is denied."""

from __future__ import annotations

from dataclasses import dataclass

from insula.operations.credentials.keys import SCOPES
from insula.serving.authentication.rate_limiter import RateLimit


@dataclass(frozen=True)
class CallerLimits:
    """The daily quota in texts and the rate limit of a caller; None for no limit."""

    texts_per_day: int | None = None
    rate: RateLimit | None = None

    def with_defaults(self, defaults: CallerLimits) -> CallerLimits:
        """Return these limits, with missing ones taken from `defaults`."""
        return CallerLimits(self.texts_per_day or defaults.texts_per_day, self.rate or defaults.rate)


@dataclass(frozen=True)
class Caller:
    """The holder of a key or token, or this machine itself.

    id    for quotas, rate limits and stored rows: `key:...`, `token:...` or `local`; never a secret
    name  for people: the name of the key, the subject of the token, or `local`
    """

    id: str
    scopes: tuple[str, ...]
    limits: CallerLimits = CallerLimits()
    name: str = ""


LOCAL = Caller("local", tuple(SCOPES), name="local")
"""The server's own machine, while the server has no keys."""


class AccessDeniedError(Exception):
    """A call is denied.

    code         the code of the answer: unauthenticated, forbidden, too_many_calls, quota, unavailable
    reason       one word for the audit log alone: an attacker who guesses keys must learn nothing from it
    retry_after  seconds after which the call may be repeated, if known
    """

    def __init__(self, code: str, reason: str, *, caller: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.caller = caller
        self.retry_after = retry_after
