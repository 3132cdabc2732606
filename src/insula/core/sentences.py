"""Formatting for messages: counts, shortened texts and values, the rules that pydantic checks, tables in HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_SHOWN = 60
_RULES = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table of names and values",
    "mapping_type": "must be a table of names and values",
    "model_type": "must be a table of names and values",
    "model_attributes_type": "must be a table of names and values",
}
_SUBJECT = re.compile(r"^(Input|String|Value|List|Tuple|Set|Dictionary|URL|Data) should ")


def pluralise(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shorten(text: str, most: int) -> str:
    """Return the text, cut to at most `most` characters including a final ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def describe_requirement(error: Mapping[str, Any]) -> str:
    """Return the requirement in an entry of `ValidationError.errors()`, such as `must be at least 0`."""
    rule = _RULES.get(error["type"])
    if rule is not None:
        limits = error.get("ctx", {}).items()
        return rule.format(**{name: f"{limit:g}" if isinstance(limit, float) else limit for name, limit in limits})
    # A validator of our own, or a rare type of pydantic's.
    return _SUBJECT.sub("must ", str(error["msg"]).removeprefix("Value error, "))


def describe_invalid_value(name: str, *errors: Mapping[str, Any]) -> str:
    """Return a sentence without a full stop on a value, such as `epochs must be above 0. Got -1`.

    name    what the value is called; empty if the error concerns several values
    errors  entries of `ValidationError.errors()` on it; several if the value may be of several kinds
    """
    rule = " or ".join(dict.fromkeys(describe_requirement(error).removesuffix(".") for error in errors)).replace(
        " or must be ", " or "
    )
    if errors[0]["type"] in ("extra_forbidden", "missing"):
        return f"{name!r} {rule}"
    rule = f"{name} {rule}" if rule.startswith("must ") else f"{name}: {rule}" if name else rule
    # A whole section is no value to repeat, and a question ends with what to do next.
    value = errors[0]["input"]
    return rule if isinstance(value, Mapping) or rule.endswith("?") else f"{rule}. Got {quote(value)}"


def quote(value: object) -> str:
    """Return the value for an error message, cut short: it may be a text of the user's."""
    return shorten(repr(value), MAX_SHOWN)


def build_html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], below: str = "") -> str:
    """Return a table for a notebook; all texts are escaped. `below` is a line under it."""
    cells = [[f"<td>{html.escape(cell)}</td>" for cell in row] for row in rows]
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    caption = f'<caption style="text-align: left">{html.escape(caption)}</caption>'
    under = f"<div>{html.escape(below)}</div>" if below else ""
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{under}"
