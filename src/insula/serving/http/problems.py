"""Errors as RFC 9457 problem details with stable codes: no stack trace, and no text of the request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from insula.core.errors import DataError, StoreError, UnknownNameError
from insula.core.sentences import describe_requirement

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 10
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem: its HTTP status and its title."""

    status: int
    title: str


CODES: Mapping[str, ProblemKind] = {
    "malformed": ProblemKind(400, "The request cannot be read"),
    "unauthenticated": ProblemKind(401, "The credentials are missing or not valid"),
    "forbidden": ProblemKind(403, "The key or token lacks the scope for this"),
    "not_found": ProblemKind(404, "Not found"),
    "method_not_allowed": ProblemKind(405, "This address does not support the method"),
    "timeout": ProblemKind(408, "The request took too long to arrive"),
    "conflict": ProblemKind(409, "The request conflicts with the present state"),
    "too_large": ProblemKind(413, "The request is too large"),
    "unsupported_media": ProblemKind(415, "The media type is not supported"),
    "range": ProblemKind(416, "The range is not within the file"),
    "misdirected": ProblemKind(421, "The host name is not one of this server"),
    "validation": ProblemKind(422, "The request is not valid"),
    "headers_too_large": ProblemKind(431, "The headers are too large"),
    "overloaded": ProblemKind(429, "The queue is full"),
    "too_many_calls": ProblemKind(429, "The rate limit is exceeded"),
    "quota": ProblemKind(429, "The daily quota is used up"),
    "internal": ProblemKind(500, "An error in the service"),
    "disabled": ProblemKind(501, "The feature is switched off"),
    "unavailable": ProblemKind(503, "The service is not available"),
}
"""All problem codes."""


class ProblemDetails(BaseModel):
    """An error in the format of RFC 9457."""

    type: str = Field(description="The kind of problem: a URN that ends with the code.")
    title: str = Field(description="A short title for the kind of problem.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="A stable code for the kind of problem, for programs.")
    detail: str = Field(description="The reason why this request was rejected, and what is allowed.")
    errors: list[dict[str, str]] | None = Field(None, description="The invalid fields.")


class ProblemError(Exception):
    """A problem to answer with: a code of `CODES`, a sentence for people, and headers such as `Retry-After`."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code].status

    def to_dict(self) -> dict[str, Any]:
        """Return the problem in the format of RFC 9457."""
        known = CODES[self.code]
        return {
            "type": f"urn:insula:problem:{self.code}",
            "title": known.title,
            "status": known.status,
            "code": self.code,
            "detail": self.detail,
            **self.more,
        }

    def to_response(self) -> Response:
        """Return the problem as an answer."""
        return Response(to_json(self.to_dict()), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def build_validation_problem(error: ValidationError) -> ProblemError:
    """Return the errors that pydantic found, without the values of the request."""
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return ProblemError("malformed", "The body must be valid JSON in UTF-8. Correct it.")
    return ProblemError(
        "validation", _summarise_errors(found), errors=[_describe_error(one) for one in found[:MAX_ERRORS]]
    )


@contextmanager
def convert_store_errors() -> Iterator[None]:
    """Raise `ProblemError` for an unknown name, for wrong values, and if the store does not answer."""
    try:
        yield
    except UnknownNameError as error:
        raise ProblemError("not_found", str(error)) from None
    except DataError as error:
        raise ProblemError("validation", str(error)) from None
    except StoreError:
        raise ProblemError(
            "unavailable", "The store does not answer. Try again later.", headers={"retry-after": "2"}
        ) from None


def add_problem_handlers(app: FastAPI, count: Callable[[str], None]) -> None:
    """Answer every error of the application with a problem; `count` is called with its code."""

    async def respond(request: Request, error: Exception) -> Response:
        problem = _to_problem(error)
        if problem.code == "method_not_allowed":
            problem.headers = {"allow": _list_methods(request)}
        count(problem.code)
        return problem.to_response()

    for kind in (ProblemError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, respond)


def describe_responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    entries: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        entries[CODES[code].status] = {"description": CODES[code].title, "content": content}
    return entries


def _list_methods(request: Request) -> str:
    """Return the methods of all routes of a path; the router reports only the methods of the first one."""
    found = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join(["GET", "HEAD", *found[1:]] if "GET" in found else found)


def _to_problem(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        found = error.errors()
        return ProblemError(
            "validation", _summarise_errors(found), errors=[_describe_error(one) for one in found[:MAX_ERRORS]]
        )
    if isinstance(error, HTTPException):
        code = next((name for name, known in CODES.items() if known.status == error.status_code), "malformed")
        return ProblemError(code, f"{CODES[code].title}.", headers=error.headers)
    raise error


def _summarise_errors(found: Any) -> str:
    first = _describe_error(found[0])
    return f"{first['field']}: {first['message']}" if first["field"] else first["message"]


def _describe_error(error: Mapping[str, Any]) -> dict[str, str]:
    place = list(error["loc"])
    if error["type"] == "extra_forbidden":
        # The name of an unknown field may be a text of the request.
        place[-1] = "(unknown field)"
    return {"field": ".".join(str(part) for part in place), "message": describe_requirement(error)}
