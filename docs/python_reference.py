"""Public names as Markdown: a signature, and the docstring with its parameters as a table.

A block of lines `name  meaning`, further lines indented, is how insula's docstrings describe parameters and attributes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

ENTRY = re.compile(r"(?P<names>\w+(?:, \w+)*) {2,}(?P<meaning>\S.*)")
WIDEST = 88


def overview(members: Mapping[str, Any]) -> str:
    """Return a table of the names, linked, with the first sentence of each."""
    rows = [(f"[`{name}`](#{name.lower()})", _first_sentence(member)) for name, member in members.items()]
    return _table(("name", "what it is for"), rows)


def member(name: str, found: Any) -> str:
    """Return the section of a function, or of a class with its public methods."""
    parts = [f"### `{name}`\n", _signature(name, found), docstring(found)]
    if inspect.isclass(found):
        parts += [_fields(found), *_methods(name, found)]
    return "\n".join(part for part in parts if part)


def docstring(found: Any) -> str:
    """Return a docstring as Markdown."""
    return "\n".join(_paragraph(part) for part in (inspect.getdoc(found) or "").split("\n\n") if part.strip())


def _fields(kind: type) -> str:
    """Return the described fields of a model as a table."""
    fields = kind.model_fields if issubclass(kind, BaseModel) else {}
    rows = [(f"`{name}`", field.description) for name, field in fields.items() if field.description]
    return _table(("field", "meaning"), rows) if rows else ""


def _paragraph(text: str) -> str:
    entries = _entries(text.splitlines())
    if entries:
        return _table(("name", "meaning"), entries)
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```\n"
    return " ".join(text.split()) + "\n"


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    """Return names and meanings where every line is an entry or continues one; an empty list elsewhere."""
    entries: list[tuple[str, str]] = []
    for line in lines:
        if entry := ENTRY.fullmatch(line):
            names = ", ".join(f"`{name}`" for name in entry["names"].split(", "))
            entries.append((names, entry["meaning"]))
        elif entries and line.startswith("  "):
            names, meaning = entries[-1]
            entries[-1] = (names, f"{meaning} {line.strip()}")
        else:
            return []
    return entries


def _methods(owner: str, kind: type) -> Iterator[str]:
    for name, found in inspect.getmembers(kind):
        function = getattr(found, "__func__", found)
        module = getattr(function, "__module__", "") or ""
        own = inspect.isroutine(found) and not name.startswith("_") and module.startswith("insula.")
        if own and inspect.getdoc(found):
            yield f"#### `{owner}.{name}`\n"
            yield _signature(name, function)
            yield docstring(found)


def _signature(name: str, found: Any) -> str:
    """Return a call as code; nothing for errors, and for models whose fields are options of a recipe."""
    if inspect.isclass(found) and issubclass(found, (BaseException, BaseModel)):
        return ""
    signature = inspect.signature(found)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    result = "" if inspect.isclass(found) else _annotation(signature.return_annotation, " -> ")
    written = list(_written(parameters))
    line = f"{name}({', '.join(written)}){result}"
    if len(line) > WIDEST:
        line = f"{name}(\n" + "".join(f"    {one},\n" for one in written) + f"){result}"
    return f"```py\n{line}\n```\n"


def _written(parameters: Iterable[inspect.Parameter]) -> Iterator[str]:
    star = False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not star:
            star = True
            yield "*"
        star = star or one.kind is one.VAR_POSITIONAL
        marks = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        yield f"{marks}{one.name}{_annotation(one.annotation, ': ')}{_default(one.default)}"


def _annotation(annotation: Any, before: str) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return before + (annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)).strip("'\"")


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if isinstance(value, str | int | float | bool | tuple | None):
        return f" = {value!r}".replace("'", '"')
    factory = type(value).__name__
    return " = ..." if factory.startswith("_") else f" = {factory}()"


def _first_sentence(found: Any) -> str:
    first = (inspect.getdoc(found) or "").split("\n\n")[0]
    return " ".join(first.split())


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [heads, ("---", "---"), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
