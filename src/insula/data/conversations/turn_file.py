"""`read_turn_file`: the earlier turns of one conversation from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingFileError
from insula.core.model_input import Turn
from insula.data.conversations.turn_cells import read_turns
from insula.text.turn_lines import parse_turns

LIST_KEYS = ("turns", "messages", "context", "history")
MAX_BYTES = 4_000_000
_FORM = 'a JSON list such as [{"speaker": "A", "text": "I lost my job."}], or lines such as `A: I lost my job.`'


def read_turn_file(file: str | Path) -> tuple[Turn, ...]:
    """Return the turns in a file, oldest first.

    The file holds a JSON list of texts or of objects with `text` and `speaker` (or `content` and `role`); an object
    with such a list under `turns`, `messages`, `context` or `history`; one JSON object a line; or plain lines
    `Speaker: text`. Raises `MissingFileError`, or `DataError` for anything else and for a file without turns.
    """
    path = Path(file)
    if not path.is_file():
        raise MissingFileError(f"The file {str(file)!r} does not exist. Check the path.")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(
            f"A conversation must have at most {MAX_BYTES // 1_000_000} MB. Got {str(file)!r}. Keep its last turns."
        )
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise DataError(f"The conversation in {str(file)!r} is not UTF-8. Save it as UTF-8.") from None
    turns = _parse(text, str(file))
    if not turns:
        raise DataError(f"There is no turn in {str(file)!r}. Write {_FORM}.")
    return turns


def _parse(text: str, name: str) -> tuple[Turn, ...]:
    if not text.startswith(("[{", "[\n", '["', "{", "[ ")):
        return parse_turns(text)
    try:
        given: Any = json.loads(text)
    except ValueError as error:
        try:
            given = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise DataError(f"The JSON in {name!r} is broken: {error}. Correct it.") from None
    if isinstance(given, dict):
        held = next((given[key] for key in LIST_KEYS if isinstance(given.get(key), list)), None)
        given = [given] if held is None else held
    found = read_turns([given])
    if found.problem is not None:
        raise DataError(f"The turns of {name!r} cannot be read: a file {found.problem}. Write {_FORM}.")
    return tuple(turn for turn in found.turns if turn.text.strip())
