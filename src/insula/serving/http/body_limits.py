"""Limits on the size and duration of a body, counted as it arrives: its Content-Length may be wrong or missing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.serving.http.media_type import read_media_type
from insula.serving.http.problems import ProblemError

PLAIN = ("", "identity")


class BodyMemory:
    """The memory that the bodies and stream messages of all clients may occupy together."""

    def __init__(self, size: int) -> None:
        self._free = size

    def reserve(self, size: int) -> None:
        """Reserve bytes; raise `ProblemError` if fewer are free."""
        if size > self._free:
            raise ProblemError(
                "overloaded",
                "The service is reading too many requests. Repeat this one after the seconds in Retry-After.",
                headers={"retry-after": "1", "connection": "close"},
            )
        self._free -= size

    def release(self, size: int) -> None:
        """Release reserved bytes."""
        self._free += size


class BodyLimits:
    """ASGI middleware: raises `ProblemError` while the application reads a body that is too large or too slow.

    memory        in which bodies reserve their bytes until they are answered
    uploads       the paths whose bodies of `upload_types` go to the disk, so that they may be larger and slower
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        size: int,
        seconds: float,
        memory: BodyMemory,
        uploads: Collection[str],
        upload_types: Collection[str],
        upload_size: int,
        upload_seconds: float,
    ) -> None:
        self.app = app
        self._usual = (size, seconds)
        self._memory = memory
        self._uploads = frozenset(uploads)
        self._upload_types = frozenset(upload_types)
        self._upload = (upload_size, upload_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with a `receive` that counts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = scope["path"] in self._uploads and read_media_type(headers) in self._upload_types
        size, seconds = self._upload if upload else self._usual
        problem = _check_headers(headers, size)
        if problem is not None:
            await _respond_and_close(problem)(scope, receive, send)
            return
        receive_limited = _limit_receive(receive, size, seconds)
        if upload:
            await self.app(scope, receive_limited, send)
            return
        held = 0

        async def receive_buffered() -> Message:
            nonlocal held
            message = await receive_limited()
            size_of_part = len(message.get("body", b""))
            self._memory.reserve(size_of_part)
            held += size_of_part
            return message

        try:
            await self.app(scope, receive_buffered, send)
        finally:
            self._memory.release(held)


def _check_headers(headers: Headers, most: int) -> ProblemError | None:
    if headers.get("content-encoding", "").strip().lower() not in PLAIN:
        return ProblemError("unsupported_media", "The body must not be compressed. Send it without Content-Encoding.")
    content_length = headers.get("content-length", "0")
    if content_length.isdecimal() and int(content_length) > most:
        return _build_size_problem(most)
    return None


def _limit_receive(receive: Receive, most: int, seconds: float) -> Receive:
    size = 0
    complete = False
    until = asyncio.get_running_loop().time() + seconds

    async def receive_limited() -> Message:
        nonlocal size, complete
        if complete:  # the next message is the end of the connection
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise ProblemError(
                "timeout",
                f"The body must arrive within {seconds:g} seconds. Send less at a time.",
                headers={"connection": "close"},
            ) from None
        size += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if size > most:
            raise _build_size_problem(most)
        return message

    return receive_limited


def _build_size_problem(most: int) -> ProblemError:
    return ProblemError(
        "too_large", f"The body must have at most {most:,} bytes. Send less at a time.", headers={"connection": "close"}
    )


def _respond_and_close(problem: ProblemError) -> ASGIApp:
    problem.headers["connection"] = "close"
    return problem.to_response()
