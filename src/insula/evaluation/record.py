"""`Record` and `Document`: base classes of typed JSON documents that older and newer versions can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from insula.core.errors import DataError, MissingFileError, NewerFormatError
from insula.core.files import write_json
from insula.core.sentences import describe_invalid_value


def _remove_null_types(table: Any) -> Any:
    if not isinstance(table, Mapping):
        return table
    return {name: value for name, value in table.items() if value is not None}


WITHOUT_NULLS = BeforeValidator(_remove_null_types)
"""Reads values by name; a null entry counts as missing."""


class Record(BaseModel):
    """A part of a document.

    Reading is lenient, since another version of insula may have written the document: a missing key gets its default,
    null counts as missing unless the default is null, and an unknown key is ignored. Writing is strict: `to_dict` has
    exactly the keys that were set, so that a document is written as it was read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, content: Any) -> Any:
        if not isinstance(content, Mapping):
            return content
        nullable = _find_nullable_keys(cls)
        return {key: value for key, value in content.items() if value is not None or key in nullable}

    @property
    def is_empty(self) -> bool:
        """Whether no key was set."""
        return not self.model_fields_set

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types: the keys that were set, named as in the file."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Document(Record):
    """A JSON document; a subclass states its `title` and the newest format that it reads.

    A new key does not raise `FORMAT`, since older versions ignore it. `FORMAT` is raised where an older version would
    misread the file; that version then raises `NewerFormatError`.
    """

    title: ClassVar[str]
    FORMAT: ClassVar[int] = 1

    @classmethod
    def from_dict(cls, content: Any, *, origin: str | Path | None = None) -> Self:
        """Read the content of a document, which another version may have written.

        origin  its file, for error messages

        Raises `DataError` where a value has the wrong type, `NewerFormatError` where the format is a newer one.
        """
        named = cls.title if origin is None else f"{cls.title} {str(origin)!r}"
        version = content.get("format_version") if isinstance(content, Mapping) else None
        if isinstance(version, int) and version > cls.FORMAT:
            raise NewerFormatError(
                f"The {named} has format {version}, written by insula {content.get('insula_version', '?')}; this "
                f"insula reads up to format {cls.FORMAT}. Upgrade with: pip install --upgrade insula"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the document"
            raise DataError(
                f"The {named} does not have the form that insula writes: {describe_invalid_value(where, first)}. "
                "Restore the file, or write it again."
            ) from error

    @classmethod
    def read(cls, file: str | Path) -> Self:
        """Read a file; `MissingFileError` where it does not exist, else as `from_dict`."""
        try:
            content = json.loads(Path(file).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise MissingFileError(f"The {cls.title} {str(file)!r} does not exist. Check the path.") from error
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"The {cls.title} {str(file)!r} is not valid JSON: {error}. Restore the file, or write it again."
            ) from error
        return cls.from_dict(content, origin=file)

    def write(self, file: str | Path) -> None:
        """Write a file; `OutputError` where it cannot be written."""
        write_json(file, self.to_dict())


@cache
def _find_nullable_keys(kind: type[Record]) -> frozenset[str]:
    fields = kind.model_fields.items()
    return frozenset(key for name, field in fields if field.default is None for key in (name, field.alias or name))
