"""Who visits a page: read from the cookie, let in by the gate, and given a cookie where there was none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from insula.serving.pages.sessions import Session, Sessions, session_secret
from insula.serving.service import service_of
from insula.serving.settings.access_settings import Pages

SCOPE = "predict"


@dataclass
class Visit:
    """One request of a visitor; `new` where the answer must bring the cookie."""

    session: Session
    new: bool


class Visitors:
    """Those who visit an application's pages."""

    def __init__(self, options: Pages) -> None:
        self.sessions = Sessions(session_secret(options.session_secret), options.session_minutes * 60)
        self._secure = options.secure_cookies
        # A browser takes a name that begins so only with Secure, for this host alone and the whole of it.
        self._cookie = "__Host-insula" if self._secure else "insula_session"

    def visit(self, request: Request) -> Visit:
        """Return the visit that a request belongs to, a new one where its cookie says nothing."""
        known: Visit | None = getattr(request.state, "visit", None)
        if known is None:
            session = self.sessions.read(request.cookies.get(self._cookie))
            known = Visit(self.sessions.begin(), True) if session is None else Visit(session, False)
            request.state.visit = known
        return known

    def begin(self, request: Request, key: str | None = None) -> None:
        """End the session of a request and begin another one."""
        self.sessions.end(self.visit(request).session)
        request.state.visit = Visit(self.sessions.begin(key), True)

    def remember(self, request: Request, response: Response) -> None:
        """Let an answer bring the cookie where it is a new one."""
        visit = self.visit(request)
        if visit.new:
            response.set_cookie(
                self._cookie,
                self.sessions.write(visit.session),
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="strict",
            )

    def is_own(self, request: Request, form: Mapping[str, str]) -> bool:
        """Whether a form was made for the session it comes with."""
        return self.sessions.is_form_of(form.get("token", ""), self.visit(request).session)


def visitors_of(request: Request) -> Visitors:
    """Return the visitors of the application that is asked."""
    visitors: Visitors = request.app.state.visitors
    return visitors


async def admit_visitor(request: Request) -> None:
    """Let whoever signed in through, and others as any caller; `ProblemError` where they may not.

    A key that was revoked or has expired since ends here, as does one that asks too often.
    """
    gate = service_of(request).gate
    key = visitors_of(request).visit(request).session.key
    if key is not None:
        await gate.admit_again(request, key, SCOPE)
    else:
        await gate.admit(request, SCOPE)
