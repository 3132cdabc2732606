"""`PageRoute`: errors of a page are shown as a page, in the visitor's language."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from insula.serving.http.problems import ProblemError
from insula.serving.http.unexpected_errors import ClientGoneError, log_unexpected
from insula.serving.pages.rendering import build_address, is_fragment, render_page
from insula.serving.service import get_service

LOGIN = "login"
RETRY = "retry-after"


class PageRoute(APIRoute):
    """A route of a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that answers errors with a page, and sends visitors who must sign in to the login."""
        handle = super().get_route_handler()

        async def handle_with_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except ProblemError as known:
                problem = known
            except (ClientGoneError, ClientDisconnect):
                raise
            except Exception as error:  # noqa: BLE001 - every error is shown as a page
                problem = log_unexpected(error)
            get_service(request).telemetry.count_rejection(problem.code)
            return render_problem(request, problem)

        return handle_with_errors


def render_problem(request: Request, problem: ProblemError) -> Response:
    """Return the page, or the part of a page, that explains a problem."""
    if problem.code == "unauthenticated":
        return redirect_to_login(request)
    seconds = problem.headers.get(RETRY)
    return render_page(
        request,
        "problem_part.html.j2" if is_fragment(request) else "problem.html.j2",
        status=problem.status,
        headers={RETRY: seconds} if seconds else {},
        code=problem.code,
        seconds=seconds,
    )


def redirect_to_login(request: Request) -> Response:
    """Redirect a visitor to the login, which redirects back to this page."""
    wanted = {"lang": request.query_params["lang"]} if "lang" in request.query_params else {}
    path: str = request.scope["path"]
    if request.method == "GET" and path != "/":
        wanted["next"] = path
    where = build_address(LOGIN, **wanted)
    if is_fragment(request):
        return Response(status_code=204, headers={"hx-redirect": where})
    return RedirectResponse(where, 303)
