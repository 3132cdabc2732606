"""Escape text for Markdown and YAML."""

from __future__ import annotations

import json
import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!$&])")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")  # direction overrides would reorder the rest of the line


def escape_markdown(text: object) -> str:
    """Return text for a line or a table cell: on one line, with all markup escaped."""
    line = " ".join(_DIRECTION.sub("", str(text)).split())
    return _SPECIAL.sub(lambda found: _escape_character(found[1]), line)


def fence_code(text: str, language: str = "") -> str:
    """Return a code block; its fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{_DIRECTION.sub('', text)}\n{fence}"


def quote_yaml(text: object) -> str:
    """Return a double-quoted YAML scalar; every JSON string is one."""
    return json.dumps(_DIRECTION.sub("", str(text)), ensure_ascii=False)


def _escape_character(character: str) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(character, f"\\{character}")
