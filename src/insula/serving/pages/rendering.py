"""A page from its template: every value escaped, under a policy that admits this host's files and nothing inline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from insula.evaluation.reports.page import environment
from insula.serving.pages.assets_index import address_of
from insula.serving.pages.language import language_of
from insula.serving.pages.visits import visitors_of
from insula.serving.pages.words import WORDS, Speech
from insula.serving.service import service_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    # With the service's own `no-referrer` browsers send forms with the origin `null`, and nobody could check it.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "vary": "Accept-Language, Cookie, HX-Request",
}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    language: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Return the page of a template in the language of the request, and remember the visitor.

    language  the language in the form of the request, None without one
    """
    chosen = language_of(request, language)
    other = next(code for code in WORDS if code != chosen)
    visitors = visitors_of(request)
    session = visitors.visit(request).session

    def to(*parts: str, **query: str) -> str:
        """Return the address of a page in the language of this one."""
        return address("/".join(parts), **{"lang": chosen, **query})

    # The page that follows a form has an address that takes no GET: the other language then is that of the first page.
    here = str(request.scope["path"]) if request.method == "GET" else ""
    content = (
        environment("insula.serving.pages")
        .get_template(template)
        .render(
            say=Speech(chosen),
            to=to,
            asset=address_of,
            path=here,
            other=Speech(other),
            other_address=_with_language(here, request, other),
            token=visitors.sessions.csrf_token(session),
            signed_in=session.key_id is not None,
            most_characters=service_of(request).settings.limits.characters,
            **values,
        )
    )
    response = Response(
        content,
        status,
        headers={**HEADERS, "content-language": chosen, **(headers or {})},
        media_type="text/html",
    )
    visitors.set_cookie(request, response)
    return response


def address(path: str, **query: str) -> str:
    """Return an address of this service; each part of the path and each value of the query is quoted."""
    asked = urlencode(query)
    return "/" + "/".join(quote(part, safe="") for part in path.split("/") if part) + (f"?{asked}" if asked else "")


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def _with_language(path: str, request: Request, language: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name in ("model", "next") and path}
    return address(path, **kept, lang=language)
