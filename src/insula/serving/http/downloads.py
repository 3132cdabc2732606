"""`open_download`: a file as a response that is complete even if the file is deleted meanwhile."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from insula.serving.http.head_requests import HEAD
from insula.serving.http.problems import ProblemError

CHUNK_BYTES = 65_536
RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


class Download(StreamingResponse):
    """The bytes of an open file, or some of them; the file is closed whatever becomes of the client."""

    def __init__(
        self, file: BinaryIO, first: int, end: int, headers: dict[str, str], *, status: int, kind: str
    ) -> None:
        self._file = file
        self._first, self._end = first, end
        super().__init__(self._read(), status, {"content-length": str(end - first), **headers}, kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; the file is not read for HEAD."""
        if HEAD in scope:
            self._end = self._first
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    async def _read(self) -> AsyncIterator[bytes]:
        self._file.seek(self._first)
        # The file is not read beyond its end of now: it may grow during the download.
        while chunk := await run_in_threadpool(self._file.read, min(CHUNK_BYTES, self._end - self._first)):
            self._first += len(chunk)
            yield chunk


async def open_download(request: Request, path: Path, *, kind: str, name: str | None = None) -> Download:
    """Return a file of media type `kind` as a response, whole or the range of bytes that the request asks for.

    name  of the file on the disk of the client; without it browsers show the file

    The file is opened now: one that is deleted during the download still arrives whole. Raises `ProblemError` if it is
    gone already, or if the range is beyond its end. Several ranges at once are answered with the whole file, as is
    allowed (RFC 9110, section 14.2).
    """
    try:
        file = await run_in_threadpool(path.open, "rb")
    except OSError:
        raise ProblemError("not_found", "The file has been deleted. List the files again.") from None
    facts = os.fstat(file.fileno())
    size, etag = facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    headers = {
        "accept-ranges": "bytes",
        "etag": etag,
        "last-modified": formatdate(facts.st_mtime, usegmt=True),
        **({} if name is None else {"content-disposition": f'attachment; filename="{name}"'}),
    }
    start, end = _choose_range(request.headers, size, etag, headers["last-modified"])
    if start >= end and size:
        file.close()
        detail = f"The range must be within the file of {size:,} bytes. Got {request.headers['range']}. Correct it."
        raise ProblemError("range", detail, headers={"content-range": f"bytes */{size}"})
    if (start, end) == (0, size):
        return Download(file, start, end, headers, status=200, kind=kind)
    headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    return Download(file, start, end, headers, status=206, kind=kind)


def _choose_range(given: Headers, size: int, *validators: str) -> tuple[int, int]:
    """Return the first byte that a request asks for, and the one after the last; the whole file if it asks for none.

    A range beyond the end is empty. Ranges that cannot be read, and those of another state of the file, are ignored.
    """
    found = RANGE.fullmatch(given.get("range", "").replace(" ", ""))
    if found is None or given.get("if-range", validators[0]) not in validators:
        return 0, size
    first, last, length = found.groups()
    if length:
        return max(0, size - int(length)), size
    if last and int(last) < int(first):
        return 0, size
    return int(first), min(size, int(last) + 1) if last else size
