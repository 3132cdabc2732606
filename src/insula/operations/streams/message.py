"""`MessageReader`: turns entries of a stream into messages with an id, a time and attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from insula.core.errors import DataError
from insula.core.sentences import quote, shorten
from insula.data.known_column_names import ID, LANGUAGE, TEXT
from insula.knowledge.rule_toml import TomlTable
from insula.operations.streams.source import StreamEntry

TIME = ("time", "timestamp", "created_at", "created", "date", "时间", "发布时间")
MAX_ID = 200
Key = Annotated[str, Field(min_length=1, max_length=100)]
MAX_VALUE = 100
MILLISECONDS_FROM = 1e11  # as seconds, a number from here on is a time after the year 5000


class MessageFields(TomlTable):
    """The keys of a message, if they do not have common names."""

    text: Key | None = Field(None, description="Key of the text.")
    id: Key | None = Field(None, description="Key of the id.")
    time: Key | None = Field(None, description="Key of the time when the message was written.")
    language: Key | None = Field(None, description="Key of the language.")


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A message of a stream.

    id          of the message; the position of its entry if it has none
    time        when it was written; when it was read if it has no time
    attributes  its other plain values, as strings
    """

    entry: StreamEntry
    id: str
    text: str
    time: datetime
    has_time: bool
    language: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class MessageReader:
    """Reads messages; raises `DataError` with the reason for an entry that is not one."""

    def __init__(self, fields: MessageFields | None = None) -> None:
        fields = fields or MessageFields()
        self._text = _list_field_names(fields.text, [name for tier in TEXT for name in tier])
        self._id = _list_field_names(fields.id, [*ID[0], "message_id"])
        self._time = _list_field_names(fields.time, TIME)
        self._language = _list_field_names(fields.language, LANGUAGE[0])

    def read(self, entry: StreamEntry, now: datetime) -> StreamMessage:
        """Return the message of an entry; `now` is the time of a message without one."""
        if entry.problem is not None:
            raise DataError(entry.problem)
        return self.read_row(_parse(entry.content), entry, now)

    def read_row(self, row: Mapping[str, Any], entry: StreamEntry, now: datetime) -> StreamMessage:
        """Return the message of a row that is already parsed."""
        text_key = _find_cell(row, self._text)
        if text_key is None:
            raise DataError(
                f"it has no text under {' or '.join(map(repr, self._text[:3]))}; choose the key with --text"
            )
        text = row[text_key]
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"its text must be a string with at least one character, got {quote(text)}")
        id_key, time_key, language_key = (_find_cell(row, names) for names in (self._id, self._time, self._language))
        given = None if time_key is None else _parse_time(row[time_key])
        known = {text_key, id_key, time_key, language_key}
        return StreamMessage(
            entry,
            entry.position if id_key is None else _read_id(row[id_key]),
            text,
            given or now,
            given is not None,
            None if language_key is None else str(row[language_key]),
            {name: shorten(_write(value), MAX_VALUE) for name, value in row.items() if _is_plain(name, value, known)},
        )


def _list_field_names(given: str | None, usual: Sequence[str]) -> tuple[str, ...]:
    return tuple(usual) if given is None else (given,)


def _find_cell(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if row.get(name) is not None), None)


def _parse(content: bytes) -> dict[str, Any]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise DataError(f"it is not JSON in UTF-8 ({reason})") from error
    if not isinstance(row, dict):
        raise DataError(f"it must be a JSON object, got {quote(row)}")
    return row


def _read_id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"its id must be a string or a whole number, got {quote(value)}")
    text = str(value)
    if not 0 < len(text) <= MAX_ID or "\x00" in text:
        raise DataError(f"its id must have 1 to {MAX_ID} characters, got {quote(text)}")
    return text.encode("utf-8", "replace").decode("utf-8")


def _parse_time(value: Any) -> datetime:
    """Return the moment of an ISO 8601 text, or of seconds or milliseconds since 1970; without a zone it is in UTC."""
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)
        moment = datetime.fromisoformat(str(value).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise DataError(
            f"its time must be in ISO 8601 or in seconds since 1970, such as 2026-11-30T12:00:00Z, got {quote(value)}"
        ) from None


def _is_plain(name: str, value: Any, known: set[str | None]) -> bool:
    return name not in known and isinstance(value, str | int | float | bool)


def _write(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
