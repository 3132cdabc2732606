"""`Patience`: how long a client waits, and how often it tries."""

from __future__ import annotations

from dataclasses import dataclass

from insula.core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Timeouts, retries and batching of a client.

    timeout   seconds that an attempt may take
    attempts  largest number of attempts per request
    first     longest pause before the second attempt, in seconds; it doubles with each attempt, up to `most`
    batch     texts per request
    at_once   concurrent requests of an `AsyncClient`
    seed      seed of the random pauses; None for different ones each time

    A pause is random between zero and the longest ("full jitter", Brooker 2015), so that clients that were rejected
    together do not retry together. A `Retry-After` header of the service is added to it.
    """

    timeout: float = 30.0
    attempts: int = 5
    first: float = 0.2
    most: float = 10.0
    batch: int = 64
    at_once: int = 8
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("attempts", "batch", "at_once"):
            if getattr(self, name) < 1:
                raise DataError(
                    f"The {name} of a client must be at least 1. Got {getattr(self, name)}. Choose a larger value."
                )
