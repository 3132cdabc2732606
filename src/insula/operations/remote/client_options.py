"""`ClientOptions`: timeouts, retries and batching of a client."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass
from typing import Any

from insula.core.errors import DataError

_OLD_NAMES = {"first": "first_pause", "most": "max_pause", "batch": "batch_size", "at_once": "concurrency"}


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """Timeouts, retries and batching of a client.

    timeout      seconds per attempt
    attempts     maximum number of attempts per request
    first_pause  longest pause before the second attempt, in seconds; it doubles with each attempt
    max_pause    longest pause before any attempt, in seconds
    batch_size   texts per request
    concurrency  concurrent requests of an `AsyncClient`
    seed         seed of the random pauses; None for different ones each time

    A pause is random between zero and the longest ("full jitter", Brooker 2015), so that clients that were rejected
    together do not retry together. A `Retry-After` header of the service is added to it.
    """

    timeout: float = 30.0
    attempts: int = 5
    first_pause: float = 0.2
    max_pause: float = 10.0
    batch_size: int = 64
    concurrency: int = 8
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("attempts", "batch_size", "concurrency"):
            if getattr(self, name) < 1:
                raise DataError(
                    f"The {name} of a client must be at least 1. Got {getattr(self, name)}. Choose a larger value."
                )

    def compute_pause(self, attempt: int, retry_after: str, chance: random.Random) -> float:
        """Return the seconds to wait after `attempt`, counted from 0; `retry_after` is the header's value, or empty."""
        required = float(retry_after) if retry_after.isdecimal() else 0.0
        return min(required, self.max_pause) + chance.uniform(0, min(self.max_pause, self.first_pause * 2**attempt))


def Patience(**options: Any) -> ClientOptions:  # noqa: N802 - the old name of the class
    """Return `ClientOptions` from the names that they had until version 0.2; issue a `DeprecationWarning`."""
    warnings.warn(
        "insula.client.Patience is now ClientOptions. The old name works until version 0.3.",
        DeprecationWarning,
        stacklevel=2,
    )
    return ClientOptions(**{_OLD_NAMES.get(name, name): value for name, value in options.items()})
