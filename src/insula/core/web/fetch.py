"""`fetch`: one HTTP exchange that follows no redirect and is bounded in time and size."""

from __future__ import annotations

import functools
import io
import socket
import time
import urllib.request
from http.client import HTTPResponse
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE = 65_536


class TooLongError(ValueError):
    """An answer has more bytes than are read; `start` holds its first ones."""

    def __init__(self, most: int, start: bytes) -> None:
        super().__init__(f"more than {most:,} bytes")
        self.start = start


def fetch(request: urllib.request.Request, *, seconds: float, most_bytes: int) -> bytes:
    """Return the body of the answer.

    seconds     limit of the connection, and of the whole answer with its headers: a service that sends a byte now and
                then ends, too
    most_bytes  limit of the body

    A redirect is an `HTTPError`, since texts and keys must go nowhere but to the address that the user named. Raises
    `TimeoutError`, `TooLongError`, and `OSError` or `HTTPException` as `urllib.request` does.
    """
    deadline = time.monotonic() + seconds
    opener = urllib.request.build_opener(_NoRedirects, _TimedHTTPHandler(deadline), _TimedHTTPSHandler(deadline))
    found = bytearray()
    with opener.open(request, timeout=seconds) as answer:
        while piece := answer.read1(_PIECE):
            found += piece
            if len(found) > most_bytes:
                raise TooLongError(most_bytes, bytes(found))
    return bytes(found)


class _TimedHandler(urllib.request.AbstractHTTPHandler):
    """Opens connections whose answers end at a deadline."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def do_open(self, http_class: Any, req: urllib.request.Request, **http_conn_args: Any) -> HTTPResponse:
        """Open a connection, and read the answer up to its body."""

        def connect(host: str, **more: Any) -> Any:
            connection = http_class(host, **more)
            connection.response_class = functools.partial(_TimedResponse, self._deadline)
            return connection

        return super().do_open(connect, req, **http_conn_args)


class _TimedHTTPHandler(_TimedHandler, urllib.request.HTTPHandler):
    pass


class _TimedHTTPSHandler(_TimedHandler, urllib.request.HTTPSHandler):
    pass


class _TimedResponse(HTTPResponse):
    def __init__(self, deadline: float, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        reader = _TimedReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(reader)


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a deadline; the time limit of a socket alone is for one wait."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._socket, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read some bytes; raise `TimeoutError` at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the socket."""
        self._raw.close()
        super().close()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Return nothing, so that the redirect becomes an `HTTPError`."""
