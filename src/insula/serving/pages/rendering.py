"""Renders pages from templates: values are escaped, and the content security policy allows only files of this host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from insula.evaluation.reports.page import load_environment
from insula.evaluation.reports.signs import SIGNS
from insula.serving.pages.assets_index import get_asset_address
from insula.serving.pages.language import get_language
from insula.serving.pages.review.search_form import SEARCH_FIELDS
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import TAGS, WORDS, Translator
from insula.serving.service import get_service

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
KEPT = ("model", "next", "show", "stream", "by", "where", "last", "live", *SEARCH_FIELDS)
"""Values of a query that the page in the other language has, too."""
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    # With `no-referrer` browsers would send forms with the origin `null`, which cannot be checked.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "vary": "Accept-Language, Cookie, HX-Request",
}


def render_page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    language: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Return the rendered page in the language of the request, and set the visitor's cookie.

    language  the language in the form of the request, None without one
    """
    chosen = get_language(request, language)
    other = next(code for code in WORDS if code != chosen)
    visitors = get_visitors(request)
    session = visitors.visit(request).session

    def to(*parts: str, **query: str) -> str:
        """Return the address of a page in the language of this one."""
        return build_address("/".join(parts), **{"lang": chosen, **query})

    # The address of a form takes no GET, so the link to the other language leads to the first page.
    here = str(request.scope["path"]) if request.method == "GET" else ""
    content = (
        load_environment("insula.serving.pages")
        .get_template(template)
        .render(
            say=Translator(chosen),
            to=to,
            asset=get_asset_address,
            signs=SIGNS,
            path=here,
            other=Translator(other),
            other_address=_add_language(here, request, other),
            token=visitors.sessions.create_csrf_token(session),
            signed_in=session.key_id is not None,
            has_queue=get_service(request).handoff.is_served,
            has_store=get_service(request).store.is_open,
            manages_keys=get_service(request).settings.access.manage_keys,
            most_characters=get_service(request).settings.limits.characters,
            **values,
        )
    )
    response = Response(
        content,
        status,
        headers={**HEADERS, "content-language": TAGS[chosen], **(headers or {})},
        media_type="text/html",
    )
    visitors.set_cookie(request, response)
    return response


def build_address(path: str, **query: str) -> str:
    """Return an address of this service; the segments of the path and the values of the query are quoted."""
    asked = urlencode(query)
    return "/" + "/".join(quote(part, safe="") for part in path.split("/") if part) + (f"?{asked}" if asked else "")


def is_fragment(request: Request) -> bool:
    """Whether htmx requests a fragment of a page."""
    return request.headers.get("hx-request") == "true"


def _add_language(path: str, request: Request, language: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name in KEPT and path}
    return build_address(path, **kept, lang=language)
