"""View model of the OpenAPI document: its operations with examples, for the page `/docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

METHODS = ("get", "post", "delete")


@dataclass(frozen=True)
class Operation:
    """A method of a path.

    anchor      id of its section on the page
    scope       the scope that a key needs, None for an open path
    paragraphs  its description
    parameters  name, where it is sent, and description
    examples    title, empty for the only one, and the command that sends it
    responses   status and meaning
    """

    anchor: str
    method: str
    path: str
    summary: str
    scope: str | None
    paragraphs: list[Markup]
    parameters: list[tuple[str, str, Markup]]
    examples: list[tuple[str, str]]
    responses: list[tuple[str, str]]


def list_operations(document: Mapping[str, Any], address: str) -> list[Operation]:
    """Return the operations of a document; `address` is that of the service, for the commands."""
    return [
        _build_operation(method, path, methods[method], address)
        for path, methods in document["paths"].items()
        for method in METHODS
        if method in methods
    ]


def _build_operation(method: str, path: str, facts: Mapping[str, Any], address: str) -> Operation:
    return Operation(
        anchor=f"{method}{path.replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        summary=facts.get("summary", ""),
        scope=facts.get("x-insula-scope"),
        paragraphs=[
            _mark_code(" ".join(part.split())) for part in facts.get("description", "").split("\n\n") if part.strip()
        ],
        parameters=[
            (one["name"], one["in"], _mark_code(one.get("description") or one["schema"].get("description", "")))
            for one in facts.get("parameters", ())
        ],
        examples=list(_iterate_examples(method, path, facts, address)),
        responses=[(status, one.get("description", "")) for status, one in sorted(facts["responses"].items())],
    )


def _mark_code(text: str) -> Markup:
    """Return a description as HTML, with text between backticks as code."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _iterate_examples(method: str, path: str, facts: Mapping[str, Any], address: str) -> Iterator[tuple[str, str]]:
    key = " \\\n  -H 'X-API-Key: KEY'" if facts.get("x-insula-scope") else ""
    bodies = facts.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
    for title, example in bodies.items():
        body = json.dumps(example["value"], ensure_ascii=False, indent=2).replace("'", "'\\''")
        yield title, f"curl {address}{path}{key} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    if not bodies:
        verb = "" if method == "get" else f" -X {method.upper()}"
        yield "", f"curl{verb} {address}{path}{key}"
