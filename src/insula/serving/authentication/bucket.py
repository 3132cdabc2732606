"""The token bucket: so many calls a second, and so many at once after a rest.

A bucket holds at most `burst` tokens and gains `rate` a second; a call takes one (the leaky bucket as a meter,
Turner 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

SLACK = 1e-9  # what is one token but for rounding is one


@dataclass(frozen=True)
class Bucket:
    """So many tokens at a moment, in seconds of any clock."""

    tokens: float
    at: float


def take(bucket: Bucket | None, now: float, *, rate: float, burst: float) -> tuple[Bucket, float]:
    """Return the bucket after a call, and 0 where the call may pass or the seconds until one may.

    A new bucket (None) is full. A refused call takes nothing; a clock that goes back gives nothing.
    """
    if bucket is None:
        bucket = Bucket(burst, now)
    tokens = min(burst, bucket.tokens + max(0.0, now - bucket.at) * rate)
    at = max(now, bucket.at)
    if tokens >= 1 - SLACK:
        return Bucket(max(0.0, tokens - 1), at), 0.0
    return Bucket(tokens, at), (1 - tokens) / rate
