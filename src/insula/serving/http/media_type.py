"""The media type of a body, parsed in one place, so that a limit and the route that reads the body agree on it."""

from __future__ import annotations

from starlette.datastructures import Headers

JSON = "application/json"


def read_media_type(headers: Headers) -> str:
    """Return the media type in lower case, without parameters; an empty string unless there is one Content-Type."""
    values = headers.getlist("content-type")
    return values[0].partition(";")[0].strip().lower() if len(values) == 1 else ""
