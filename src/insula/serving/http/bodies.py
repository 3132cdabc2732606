"""JSON bodies: validated while they are parsed, and described in OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.http.media_type import JSON, read_media_type
from insula.serving.http.problems import ProblemDetails, ProblemError, build_validation_problem

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return the body of a request as a `kind`; raise `ProblemError` if it is not JSON in UTF-8, or not valid.

    pydantic parses the bytes itself, so that no object is built that the schema does not have.
    """
    if read_media_type(request.headers) != JSON:
        # Browsers let pages of other origins send most other types without a preflight request.
        raise ProblemError("unsupported_media", f"The body must be JSON. Send it with the header Content-Type: {JSON}")
    # Not `request.body()`: it would keep the bytes next to what is parsed from them until the answer.
    content = b"".join([part async for part in request.stream()])
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise build_validation_problem(error) from None


def build_json_response(content: Any, status: int = 200) -> Response:
    """Return a JSON response, with null for NaN."""
    return Response(to_json(content, inf_nan_mode="null"), status, media_type=JSON)


def describe_json_body(kind: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads `kind`; `examples` maps titles to bodies."""
    shown = {title: {"value": value} for title, value in examples.items()}
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "examples": shown}}}}


def describe_bodies(app: FastAPI, *kinds: type[BaseModel]) -> None:
    """Add the schemas of bodies that `read_body` reads to the OpenAPI document of the application."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        described: tuple[type[BaseModel], ...] = (ProblemDetails, *kinds)
        for kind in described:
            schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            schemas[kind.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
