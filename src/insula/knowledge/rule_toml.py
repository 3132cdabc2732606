"""TOML of rules for predictions and for routing: read with one sentence for each mistake in it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from insula.core.errors import CHOOSE, DataError, MissingFileError, suggest
from insula.core.scheme import LabelScheme
from insula.core.sentences import describe_invalid_value


class TomlTable(BaseModel):
    """A table of a rule file: its keys are all known, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Form = TypeVar("Form", bound=TomlTable)


def read_rule_text(file: str | Path, kind: str = "rules") -> str:
    """Return the TOML of a rule file. Raises `MissingFileError`, and `DataError` if it cannot be read.

    kind  what messages call it: `rules` or `routes`
    """
    path = Path(file)
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(f"The {kind} file {str(path)!r} does not exist. Check the path.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"The {kind} file {str(path)!r} cannot be read: byte {error.start + 1} is not UTF-8. Save it as UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"The {kind} file {str(path)!r} cannot be read: {error}. Check the path.") from error


def parse_tables(
    text: str,
    form: type[Form],
    lists: Mapping[str, type[TomlTable]],
    *,
    kind: str,
    origin: str,
    called: str | None = None,
) -> Form:
    """Return the content of a TOML text.

    form    the content as a whole
    lists   the key of each list of tables to what one of them is
    kind    the key of the list whose names must differ: `rules`, `routes` or `alerts`
    origin  names the text in messages
    called  what messages call the file (default: `kind`)

    Raises `DataError` for what is not valid: an unknown key, two rules of one name.
    """
    called = called or kind
    if text.startswith("\ufeff"):
        raise DataError(f"The {called} file {origin} starts with a byte order mark. Save it as UTF-8 without one.")
    try:
        content: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = "its values are nested too deeply" if isinstance(error, RecursionError) else error
        raise DataError(f"The {called} file {origin} is not valid TOML: {reason}. Correct it there.") from error
    try:
        found = form.model_validate(content)
    except ValidationError as error:
        sentence = _describe_error(error, content, form, lists)
        raise DataError(f"The {called} file {origin} is not valid: {sentence}") from error
    names: set[str] = set()
    for rule in getattr(found, kind):
        if rule.name in names:
            raise DataError(f"The names of {kind} in {origin} must be unique. Got {rule.name!r} twice. Rename one.")
        names.add(rule.name)
    return found


def check_labels(labels: Iterable[str], scheme: LabelScheme, rule: str, origin: str) -> None:
    """Raise `DataError` if a rule, such as `rule 'a'`, names a label that a label scheme does not have."""
    for label in labels:
        if label not in scheme.names:
            raise DataError(
                f"The labels of {rule} in {origin} must be labels of the model: {', '.join(scheme.names)}. Got "
                f"{label!r}.{suggest(label, scheme.names, CHOOSE)}"
            )


def _describe_error(
    error: ValidationError, content: Mapping[str, Any], form: type[TomlTable], lists: Mapping[str, type[TomlTable]]
) -> str:
    found = error.errors(include_url=False)[0]
    place, where, table = list(found["loc"]), "", form
    if len(place) > 1 and place[0] in lists and isinstance(place[1], int):
        row, table = content[str(place[0])][place[1]], lists[str(place[0])]
        called = row.get("name") or row.get("text") if isinstance(row, dict) else None
        where = f"in {place[0]}[{place[1] + 1}]" + (f" ({str(called)[:40]!r})" if called else "") + ": "
        place = place[2:]
    for part in place[:-1]:
        inside = table.model_fields[str(part)].annotation if str(part) in table.model_fields else None
        if not (isinstance(inside, type) and issubclass(inside, TomlTable)):
            break
        table = inside
    key = ".".join(str(part) for part in place)
    sentence = describe_invalid_value(key, found)
    if found["type"] == "extra_forbidden":
        known = table.model_fields
        sentence += f"; the keys are {', '.join(known)}.{suggest(str(place[-1]), known)}"
    return where + sentence + ("" if sentence.endswith((".", "?")) else ".")
