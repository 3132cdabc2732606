"""Read earlier turns from the cells of a row: a list, a JSON string, or one text per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from insula.core.model_input import Turn
from insula.data.labels.cells import as_name, is_missing, is_not_text, parse_literal

MAX_TURNS = 64
"""Earlier turns kept of a row: more than any model reads, few enough that a dialogue of 100,000 rows fits in memory."""

TEXT_KEYS = ("text", "utterance", "content")
SPEAKER_KEYS = ("speaker", "role")
NOT_A_LIST = "with earlier turns that are neither a list nor a text"
BROKEN = "with earlier turns in broken JSON"
NO_TEXT = "with an earlier turn that has no text"


class TurnReading(NamedTuple):
    """The earlier turns of a row, oldest first; `problem` is the reason why they cannot be read."""

    turns: tuple[Turn, ...] = ()
    problem: str | None = None


def read_turns(cells: Sequence[Any]) -> TurnReading:
    """Return the earlier turns of a row from its context columns.

    A single cell holds a list of texts or of objects (`{"speaker": "A", "text": "How was it?"}`), the same as a JSON
    string, or one earlier text. Several cells hold one text each, the oldest first. Blank turns are left out.
    """
    return _read_cell(cells[0]) if len(cells) == 1 else _read_numbered_columns(cells)


def _read_numbered_columns(cells: Sequence[Any]) -> TurnReading:
    turns = [cell for cell in cells if not is_missing(cell)]
    if any(map(is_not_text, turns)):
        return TurnReading(problem="with a list, an object or bytes in place of an earlier turn")
    return TurnReading(tuple(Turn(_read_text(cell)) for cell in turns))


def _read_cell(cell: Any) -> TurnReading:
    if is_missing(cell):
        return TurnReading()
    if isinstance(cell, str) and (spelled := cell.strip()).startswith("["):
        value = parse_literal(spelled)
        if isinstance(value, list):
            cell = value
        elif _is_broken_list(spelled):
            return TurnReading(problem=BROKEN)
    if isinstance(cell, list | tuple):
        return _read_list(cell)
    if is_not_text(cell):
        return TurnReading(problem=NOT_A_LIST)
    return TurnReading((Turn(_read_text(cell)),))


def _is_broken_list(spelled: str) -> bool:
    """Whether a text starts like a JSON list of turns; `[sighs] Fine.` does not."""
    return spelled[1:].lstrip()[:1] in ("{", '"')


def _read_list(entries: Sequence[Any]) -> TurnReading:
    turns = []
    for entry in entries:
        if isinstance(entry, Mapping):
            key = next((key for key in TEXT_KEYS if key in entry), None)
            if key is None:
                return TurnReading(problem=NO_TEXT)
            text, speaker = entry[key], next((entry[key] for key in SPEAKER_KEYS if key in entry), None)
        else:
            text, speaker = entry, None
        if is_missing(text):
            continue
        if is_not_text(text) or isinstance(text, tuple) or is_not_text(speaker):
            return TurnReading(problem=NO_TEXT)
        turns.append(Turn(_read_text(text), None if is_missing(speaker) else _read_text(speaker).strip()))
    return TurnReading(tuple(turns))


def _read_text(cell: Any) -> str:
    return cell if isinstance(cell, str) else as_name(cell)
