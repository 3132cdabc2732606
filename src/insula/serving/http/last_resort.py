"""What nobody foresaw: answered as a problem, and written down without a word of the request."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insula.serving.http.problems import ProblemError

log = logging.getLogger("insula.serving")


class ClientGoneError(Exception):
    """The client closed its connection: nobody is there to be answered."""


class LastResort:
    """ASGI middleware: an unforeseen error becomes a problem with status 500; `refused` is told its code.

    The server would write down its message, in which a text may stand.
    """

    def __init__(self, app: ASGIApp, refused: Callable[[str], None]) -> None:
        self.app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and catch what comes back."""
        started = False

        async def look(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, look)
        except (ClientGoneError, ClientDisconnect):
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach the log in its own words
            problem = unforeseen(error)
            if scope["type"] != "http" or started:
                return
            self._refused(problem.code)
            await problem.response()(scope, receive, send)


def unforeseen(error: Exception) -> ProblemError:
    """Write down where an error came from, without its message, and return the problem that a caller is told."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("A request failed with %s:\n%s", type(error).__name__, where)
    return ProblemError("internal", "The request could not be answered. It was written down; ask again later.")
