"""The scope that a route requires: checked before the route runs, and described in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from fastapi import Depends, FastAPI
from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from insula.serving.authentication.access_control import AccessControl
from insula.serving.http.problems import CODES, MEDIA_TYPE, ProblemError
from insula.serving.http.unexpected_errors import ClientGoneError

Scope = Literal["predict", "review", "agent", "admin"]
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `insula keys create`, or a token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of `insula keys create`."},
}
DENIALS = ("unauthenticated", "forbidden", "too_many_calls", "unavailable")
MARK = "x-insula-scope"


def requires(scope: Scope | None, access: AccessControl, count: Callable[[str], None]) -> Sequence[Dependency]:
    """Return the dependencies of routes that require a scope; none for open routes.

    count  is called with the code of each denial that no error handler of the application sees
    """
    if scope is None:
        return []

    async def check(connection: HTTPConnection) -> None:
        try:
            await access.authorise(connection, scope)
        except ProblemError as problem:
            if not isinstance(connection, WebSocket):
                raise
            # Error handlers do not run for a WebSocket that was not accepted: the denial is sent here.
            count(problem.code)
            await connection.send_denial_response(problem.to_response())
            raise ClientGoneError from None

    return [Depends(check)]


def describe_access(app: FastAPI, access: AccessControl, restricted: Sequence[tuple[str, Scope]]) -> None:
    """Add the scope of each path, and how to send a key, to the OpenAPI document; a server without keys needs none."""
    create = app.openapi
    scopes = dict(restricted)

    def openapi() -> dict[str, Any]:
        document = create()
        security: list[dict[str, list[str]]] = [{name: []} for name in SCHEMES]
        if not access.needs_credentials:
            security.append({})
        document.setdefault("components", {})["securitySchemes"] = SCHEMES
        for path, methods in document.get("paths", {}).items():
            if path in scopes:
                for operation in methods.values():
                    _describe(operation, scopes[path], security)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _describe(operation: dict[str, Any], scope: Scope, security: Sequence[Mapping[str, Any]]) -> None:
    operation["security"] = security
    operation[MARK] = scope
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for code in DENIALS:
        denied = {"description": CODES[code].title, "content": content}
        operation["responses"].setdefault(str(CODES[code].status), denied)
