"""`Visitors`: the session in a request's cookie, its authorisation, and the cookie of the response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from insula.serving.pages.sessions import Session, Sessions, read_session_secret
from insula.serving.service import get_service
from insula.serving.settings.sections import Pages

SCOPE, AGENT_SCOPE, REVIEW_SCOPE, ADMIN_SCOPE = "predict", "agent", "review", "admin"


@dataclass
class PageVisit:
    """One request of a visitor; `is_new` if the answer must set the cookie of its session."""

    session: Session
    is_new: bool


class Visitors:
    """The visitors of an application's pages, with their sessions."""

    def __init__(self, options: Pages) -> None:
        self.sessions = Sessions(read_session_secret(options.session_secret), options.session_minutes * 60)
        self._secure = options.secure_cookies
        # Browsers accept a name with this prefix only with Secure, and only for this host and all of its paths.
        self._cookie = "__Host-insula" if self._secure else "insula_session"

    def visit(self, request: Request) -> PageVisit:
        """Return the visit of a request, with a new session if its cookie has no valid one."""
        known: PageVisit | None = getattr(request.state, "visit", None)
        if known is None:
            session = self.sessions.from_cookie(request.cookies.get(self._cookie))
            known = PageVisit(self.sessions.start(), True) if session is None else PageVisit(session, False)
            request.state.visit = known
        return known

    def start_session(self, request: Request, key_id: str | None = None) -> None:
        """End the session of a request and start another one."""
        self.sessions.end(self.visit(request).session)
        request.state.visit = PageVisit(self.sessions.start(key_id), True)

    def set_cookie(self, request: Request, response: Response) -> None:
        """Set the cookie of the session if the session is new."""
        visit = self.visit(request)
        if visit.is_new:
            response.set_cookie(
                self._cookie,
                self.sessions.to_cookie(visit.session),
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="strict",
            )

    def has_csrf_token(self, request: Request, form: Mapping[str, str]) -> bool:
        """Whether a form comes from a page of the session that it is sent with."""
        return self.sessions.has_csrf_token(self.visit(request).session, form.get("token", ""))


def get_visitors(request: Request) -> Visitors:
    """Return the visitors of the application that a request belongs to."""
    visitors: Visitors = request.app.state.visitors
    return visitors


async def authorise_visitor(request: Request) -> None:
    """Authorise the key of a session, or the request itself without a sign-in; raise `ProblemError` if it is denied.

    A key that was revoked or has expired since the sign-in is denied, as is one that exceeds its rate limit.
    """
    await _authorise(request, SCOPE)


async def authorise_agent(request: Request) -> None:
    """Authorise an agent of the hand-off queue, as `authorise_visitor` does."""
    await _authorise(request, AGENT_SCOPE)


async def authorise_reviewer(request: Request) -> None:
    """Authorise a visitor of the dashboard and of stored predictions, as `authorise_visitor` does."""
    await _authorise(request, REVIEW_SCOPE)


async def authorise_administrator(request: Request) -> None:
    """Authorise a visitor who manages keys, as `authorise_visitor` does."""
    await _authorise(request, ADMIN_SCOPE)


async def _authorise(request: Request, scope: str) -> None:
    access = get_service(request).access
    key_id = get_visitors(request).visit(request).session.key_id
    if key_id is not None:
        await access.authorise_session(request, key_id, scope)
    else:
        await access.authorise(request, scope)
