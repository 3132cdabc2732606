"""`BaseClient`: what both clients of a service share: settings of requests, and pauses before further attempts."""

from __future__ import annotations

import random
from typing import Any

from insula.operations.remote.client_options import ClientOptions

RETRIED = (429, 502, 503, 504)  # statuses after which the same request may succeed later


class BaseClient:
    """Base of both clients: builds requests and computes pauses."""

    def __init__(self, address: str, key: str | None, options: ClientOptions) -> None:
        self.options, self._size = options, options.batch_size
        self._random = random.Random(options.seed)
        self._settings: dict[str, Any] = {
            "base_url": address.rstrip("/"),
            "timeout": options.timeout,
            "headers": {"authorization": f"Bearer {key}"} if key else {},
        }

    def _compute_pause(self, attempt: int, answer: Any, was_sent: bool, repeatable: bool) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none, or it cannot help.

        answer      the response, None without one
        was_sent    False if the request certainly did not reach the service
        repeatable  False for a request that must not be done twice: it is sent again only if it was certainly not done
        """
        if attempt + 1 >= self.options.attempts or (answer is not None and answer.status_code not in RETRIED):
            return None
        is_untouched = not was_sent if answer is None else answer.status_code == 429
        if not repeatable and not is_untouched:
            return None
        retry_after = "" if answer is None else answer.headers.get("retry-after", "")
        return self.options.compute_pause(attempt, retry_after, self._random)
