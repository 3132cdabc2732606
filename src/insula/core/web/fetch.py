"""`fetch`: one HTTP exchange that follows no redirect and is bounded in time and size."""

from __future__ import annotations

import time
import urllib.request
from typing import IO, Any

_PIECE = 65_536


class TooLongError(ValueError):
    """An answer has more bytes than are read; `start` holds its first ones."""

    def __init__(self, most: int, start: bytes) -> None:
        super().__init__(f"more than {most:,} bytes")
        self.start = start


def fetch(request: urllib.request.Request, *, seconds: float, most_bytes: int) -> bytes:
    """Return the body of the answer.

    seconds     limit of each wait, and of the whole answer: a service that sends a byte now and then ends, too
    most_bytes  limit of the body

    A redirect is an `HTTPError`, since texts and keys must go nowhere but to the address that the user named. Raises
    `TimeoutError`, `TooLongError`, and `OSError` or `HTTPException` as `urllib.request` does.
    """
    deadline = time.monotonic() + seconds
    found = bytearray()
    with urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
        while piece := answer.read1(_PIECE):
            found += piece
            if len(found) > most_bytes:
                raise TooLongError(most_bytes, bytes(found))
            if time.monotonic() > deadline:
                raise TimeoutError
    return bytes(found)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Return nothing, so that the redirect becomes an `HTTPError`."""
