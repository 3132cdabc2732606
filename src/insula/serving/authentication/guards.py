"""Guards of routes: what must let a request through before its route sees it, and what OpenAPI says of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import Depends, FastAPI
from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from insula.serving.http.last_resort import ClientGoneError
from insula.serving.http.problems import CODES, MEDIA_TYPE, ProblemError

Scope = Literal["predict", "review", "admin"]
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `insula keys create`, or a token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of `insula keys create`."},
}
REFUSALS = ("unauthenticated", "forbidden", "too_many_calls", "unavailable")
MARK = "x-insula-scope"


def guards(scope: Scope | None) -> Sequence[Dependency]:
    """Return the dependencies of routes that need a scope; none for those that are open to everybody."""
    if scope is None:
        return []

    async def guard(connection: HTTPConnection) -> None:
        service = connection.app.state.service
        try:
            await service.gate.admit(connection, scope)
        except ProblemError as problem:
            if not isinstance(connection, WebSocket):
                raise
            # A socket that was not accepted has no handler of errors: it is answered here, as any request.
            service.telemetry.rejected(problem.code)
            await connection.send_denial_response(problem.response())
            raise ClientGoneError from None

    return [Depends(guard)]


def describe_access(app: FastAPI, guarded: Sequence[tuple[str, Scope]]) -> None:
    """Let the OpenAPI document say which paths need which scope, and how a key is sent."""
    made = app.openapi
    scopes = dict(guarded)

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {})["securitySchemes"] = SCHEMES
        for path, methods in document.get("paths", {}).items():
            if path in scopes:
                for operation in methods.values():
                    _describe(operation, scopes[path])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _describe(operation: dict[str, Any], scope: Scope) -> None:
    operation["security"] = [{name: []} for name in SCHEMES]
    operation[MARK] = scope
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for code in REFUSALS:
        refused = {"description": CODES[code].title, "content": content}
        operation["responses"].setdefault(str(CODES[code].status), refused)
