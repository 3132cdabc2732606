"""Form bodies, accepted only from the pages of this service."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from insula.serving.http.media_type import read_media_type
from insula.serving.http.problems import ProblemError

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 10


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> Mapping[str, str]:
    """Return the fields of a form; raise `ProblemError` if it is not a readable form, or from another site.

    Lines end with LF, as in texts of the other routes; browsers send CR LF.
    """
    if not is_same_origin(request):
        raise ProblemError(
            "forbidden", "A form must come from a page of this service. Reload the page and submit the form again."
        )
    if read_media_type(request.headers) != FORM:
        raise ProblemError(
            "unsupported_media", f"The body must be a form. Send it with the header Content-Type: {FORM}"
        )
    content = await request.body()
    try:
        fields = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=max_fields,
        )
    except ValueError:
        raise ProblemError(
            "malformed", "The form must be URL-encoded UTF-8. Reload the page and submit the form again."
        ) from None
    return {name: value.replace("\r\n", "\n") for name, value in fields}


def is_same_origin(request: Request) -> bool:
    """Whether a request comes from a page of this service, according to its headers.

    Browsers send `Sec-Fetch-Site` over TLS and on this machine, else `Origin`. Programs send neither.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
