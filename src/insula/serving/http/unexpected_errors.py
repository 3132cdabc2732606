"""Unexpected errors: answered as a problem, and logged without any part of the request."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from insula.serving.http.problems import ProblemError

log = logging.getLogger("insula.serving")


class ClientGoneError(Exception):
    """The client closed its connection, so nobody waits for an answer."""


class UnexpectedErrors:
    """ASGI middleware: turns an unexpected error into a problem with status 500; `count` is called with its code.

    Without it the server would log the message of the error, which may contain a text of the request.
    """

    def __init__(self, app: ASGIApp, count: Callable[[str], None]) -> None:
        self.app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, and catch its errors."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except (ClientGoneError, ClientDisconnect, ClientDisconnected):
            return
        except Exception as error:  # noqa: BLE001 - the message of an error must not reach the log
            problem = log_unexpected(error)
            if scope["type"] != "http" or started:
                return
            self._count(problem.code)
            await problem.to_response()(scope, receive, send)


def log_unexpected(error: Exception) -> ProblemError:
    """Log where an error was raised, without its message, and return the problem for the caller."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("A request failed with %s:\n%s", type(error).__name__, where)
    return ProblemError(
        "internal", "The request could not be answered. The error is in the log of the service; try again later."
    )
