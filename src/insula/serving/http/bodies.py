"""JSON bodies: read once, checked by their schema while they are parsed, and described in OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.http.problems import ProblemDetails, ProblemError, invalid

Body = TypeVar("Body", bound=BaseModel)
JSON = "application/json"


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return the body of a request; `ProblemError` where it is not JSON, not UTF-8, too deep, or not of that kind.

    pydantic reads the bytes itself: nothing is built in memory that the schema does not know.
    """
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated != JSON:
        # A page of another origin can send anything else without being asked whether it may.
        raise ProblemError("unsupported_media", f"The body must be JSON. Say so with the header Content-Type: {JSON}")
    content = await request.body()
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise invalid(error) from None


def answered(content: Any, status: int = 200) -> Response:
    """Return an answer in JSON; NaN is null."""
    return Response(to_json(content, inf_nan_mode="null"), status, media_type=JSON)


def json_body(kind: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads `kind`; examples are titles and bodies."""
    shown = {title: {"value": value} for title, value in examples.items()}
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "examples": shown}}}}


def describe_bodies(app: FastAPI, *kinds: type[BaseModel]) -> None:
    """Let the OpenAPI document of the application hold the schemas of bodies that `read_body` reads."""
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
