"""`/login` and `/logout`: a person types a key once, and a session cookie replaces it."""

from __future__ import annotations

import asyncio
import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from insula.serving.http.problems import ProblemError
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute, render_problem
from insula.serving.pages.rendering import build_address, render_page
from insula.serving.pages.visits import ADMIN_SCOPE, AGENT_SCOPE, REVIEW_SCOPE, SCOPE, get_visitors
from insula.serving.service import get_service

router = APIRouter(route_class=PageRoute)
_NEXT_PATH = re.compile(
    r"/files|/models(/[^/\\]+){0,2}|/queue(/[0-9]+)?|/dashboard|/keys|/predictions(/[0-9a-f-]{36})?"
)
# Where a visitor is sent who named no page: the first one that the key allows.
FIRST_PAGES = {SCOPE: "", AGENT_SCOPE: "queue", REVIEW_SCOPE: "dashboard"}
ADMIN_PAGES = {ADMIN_SCOPE: "keys"}  # where keys are managed


@router.get("/login")
async def login(request: Request) -> Response:
    """The page with the field for a key."""
    return _render(request, request.query_params.get("next", ""))


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Start a session for a key with a scope of a page; the cookie holds its public id, never the key."""
    form = await read_form(request)
    language, wanted = get_language(request, form.get("lang")), form.get("next", "")
    visitors = get_visitors(request)
    if not visitors.has_csrf_token(request, form):
        return _render(request, wanted, language=language, stale=True, status=403)
    service = get_service(request)
    pages = FIRST_PAGES | (ADMIN_PAGES if service.settings.access.manage_keys else {})
    try:
        key_id = await service.access.sign_in(request, form.get("key", ""), tuple(pages))
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        if problem.code != "unauthenticated":
            return render_problem(request, problem)
        return _render(request, wanted, language=language, wrong=True, status=401)
    await asyncio.to_thread(service.store.record, "page.signed_in", caller=service.access.get_caller().id)
    visitors.start_session(request, key_id)
    first = next(page for scope, page in pages.items() if scope in service.access.get_caller().scopes)
    return _redirect(request, wanted if _NEXT_PATH.fullmatch(wanted) else first, language)


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """End the session."""
    form = await read_form(request)
    visitors = get_visitors(request)
    if visitors.has_csrf_token(request, form):
        visitors.start_session(request)
    return _redirect(request, "login", get_language(request, form.get("lang")))


def _redirect(request: Request, path: str, language: str) -> Response:
    response = RedirectResponse(build_address(path, lang=language), 303)
    get_visitors(request).set_cookie(request, response)
    return response


def _render(
    request: Request,
    wanted: str,
    *,
    language: str | None = None,
    wrong: bool = False,
    stale: bool = False,
    status: int = 200,
) -> Response:
    return render_page(
        request, "login.html.j2", status=status, language=language, wanted=wanted, wrong=wrong, stale=stale
    )
