"""`Dialogues`: find the earlier turns of rows of dialogues, whatever the order of the table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from insula.core.model_input import Turn
from insula.data.conversations.turn_cells import MAX_TURNS
from insula.data.labels.cells import as_name, as_number

_DIGITS = re.compile(r"(\d+)")


class Dialogues:
    """The dialogues of one table: `add` its rows, then ask for the `earlier` turns of each."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, Any, Turn]]] = {}
        self._count = 0

    def add(self, dialogue: str | None, turn: Turn, order: Any = None) -> int:
        """Add a row and return its number.

        dialogue  dialogue of the row; None for a single message
        order     cell of the column that orders the rows of a dialogue; None if the table is in order
        """
        number = self._count
        self._count += 1
        if dialogue is not None:
            self._rows.setdefault(dialogue, []).append((number, order, turn))
        return number

    def collect_earlier_turns(self) -> tuple[list[tuple[Turn, ...]], int]:
        """Return the turns before each added row, oldest first, and the number of rows with more than `MAX_TURNS`.

        The last `MAX_TURNS` turns are kept.
        """
        found: list[tuple[Turn, ...]] = [()] * self._count
        long = 0
        for rows in self._rows.values():
            keys = build_order_keys([order for _, order, _ in rows])
            in_order = [rows[place] for place in sorted(range(len(rows)), key=keys.__getitem__)]
            turns = [turn for _, _, turn in in_order]
            for place, (number, _, _) in enumerate(in_order):
                found[number] = tuple(turns[max(0, place - MAX_TURNS) : place])
            long += max(0, len(rows) - MAX_TURNS - 1)
        return found, long


def build_order_keys(cells: Sequence[Any]) -> list[Any]:
    """Return sort keys for cells of the turn column: numbers if all are, else natural order (`u2` before `u10`).

    Without such a column all cells are None and the keys are equal: rows keep the order of the table.
    """
    if all(cell is None for cell in cells):
        return [0] * len(cells)
    numbers = [as_number(cell) for cell in cells]
    if all(number is not None for number in numbers):
        return numbers
    return [build_natural_key(cell) for cell in cells]


def build_natural_key(cell: Any) -> list[Any]:
    """Return a sort key that compares digits as numbers: `9:58` comes before `10:02`."""
    pieces = _DIGITS.split(as_name(cell))
    # A longer number is greater; `int` would raise for thousands of digits.
    return [(len(digits := piece.lstrip("0")), digits) if n % 2 else piece for n, piece in enumerate(pieces)]
