"""`HostCheck`: a server without keys answers only to the names of its own machine, on routes without a scope, too."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.serving.authentication.access_control import AccessControl
from insula.serving.http.problems import ProblemError


class HostCheck:
    """ASGI middleware: denies calls by a foreign host name; `count` is called with the code of the denial.

    Without it a web page could point its own name to this machine (DNS rebinding) and read what needs no key.
    """

    def __init__(self, app: ASGIApp, access: AccessControl, count: Callable[[str], None]) -> None:
        self.app = app
        self._access = access
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, unless the host name is a foreign one."""
        if scope["type"] in ("http", "websocket"):
            try:
                await self._access.check_host(HTTPConnection(scope))
            except ProblemError as problem:
                self._count(problem.code)
                await problem.to_response()(scope, receive, send)
                return
        await self.app(scope, receive, send)
