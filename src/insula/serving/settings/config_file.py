"""The settings as a commented TOML file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from insula.serving.settings.settings import LISTS, PREFIX, Settings, get_section

# Up to the last @: a password may contain one that is not escaped.
USER_AND_PASSWORD = re.compile(r"^([a-z][a-z0-9+.-]*://[^:/@?]*):.*@", re.IGNORECASE | re.DOTALL)
PASSWORD_OPTION = re.compile(r"(?<=[?&])[a-z_]*(?:password|passwd|secret|token)=[^&#]*&?", re.IGNORECASE)


def to_toml(settings: Settings) -> str:
    """Return all settings with their descriptions; options without a value are comments.

    Passwords in addresses are left out, because printed settings end up in files, tickets and logs.
    """
    return "\n".join(
        (
            "# Settings of `insula serve --config FILE`. Each is also an environment variable, overriding this file:",
            f"# {PREFIX}PORT is port, {PREFIX}QUEUE_WAIT_MS is wait_ms of [queue]; lists have commas between entries.",
            *_iterate_lines(settings),
            *_iterate_lists(settings),
            "",
        )
    )


def _iterate_lines(section: BaseModel) -> Iterator[str]:
    fields = type(section).model_fields
    for name, field in fields.items():
        if get_section(field) is None and name not in LISTS:
            value = getattr(section, name)
            yield f"\n# {field.description}"
            shown = _remove_password(value) if isinstance(value, str) else value
            if shown != value:
                yield "# The password is not shown. Put the whole address into the environment variable."
            yield f"# {name} =" if value is None else f"{name} = {_format_value(shown)}"
    for name, field in fields.items():
        inner = get_section(field)
        if inner is not None:
            yield f"\n\n# {(inner.__doc__ or '').splitlines()[0]}\n[{name}]"
            yield from _iterate_lines(getattr(section, name))


def _iterate_lists(settings: Settings) -> Iterator[str]:
    """Yield the lists of tables; one without entries is shown as a comment."""
    for name, form in LISTS.items():
        yield f"\n\n# {Settings.model_fields[name].description} Can be repeated."
        entries = getattr(settings, name)
        for entry in entries:
            yield f"[[{name}]]"
            yield from _iterate_lines(entry)
        if not entries:
            yield f"# [[{name}]]"
            for key, field in form.model_fields.items():
                shown = "" if field.is_required() or field.default is None else f" {_format_value(field.default)}"
                yield f"\n# {field.description}\n# {key} ={shown}"


def _remove_password(address: str) -> str:
    """Return an address without its password; other texts are unchanged."""
    if "://" not in address:
        return address
    return PASSWORD_OPTION.sub("", USER_AND_PASSWORD.sub(r"\1@", address)).rstrip("?&")


def _format_value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_format_value, value))}]"
    if isinstance(value, Path):
        return _format_value(str(value))
    # Strings, numbers and booleans of JSON are also TOML.
    return json.dumps(value, ensure_ascii=False)
