"""`RecentDialogues`: find the earlier turns of rows in a stream, in constant memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from insula.core.model_input import Turn
from insula.data.conversations.dialogues import build_order_keys

MAX_CHARACTERS = 16_000_000
"""Kept of all recent dialogues together; the least recently used dialogues are dropped first."""

OVERHEAD_CHARACTERS = 200  # memory of a dialogue and of each turn besides its text


@dataclass
class _Dialogue:
    turns: deque[Turn]
    order: Any = None
    characters: int = field(default=OVERHEAD_CHARACTERS)


class RecentDialogues:
    """The last turns of recent dialogues, in the order of the file.

    most          turns kept of a dialogue
    out_of_order  number of rows that came after a later turn of their dialogue
    """

    def __init__(self, most: int) -> None:
        self.out_of_order = 0
        self._most = most
        self._dialogues: OrderedDict[str, _Dialogue] = OrderedDict()
        self._characters = 0

    def add(self, dialogue: str | None, turn: Turn, order: Any = None) -> tuple[Turn, ...]:
        """Add a row and return the turns before it, oldest first.

        dialogue  dialogue of the row; None for a single message
        order     cell of the column that orders the rows of a dialogue; None if there is no such column
        """
        if dialogue is None:
            return ()
        found = self._dialogues.get(dialogue)
        if found is None:
            found = self._dialogues[dialogue] = _Dialogue(deque(maxlen=self._most))
            self._characters += found.characters
        self._dialogues.move_to_end(dialogue)
        earlier = tuple(found.turns)
        if order is not None:
            if found.order is not None:
                self.out_of_order += _is_before(order, found.order)
            found.order = order
        self._insert_in_order(found, turn)
        return earlier

    def _insert_in_order(self, dialogue: _Dialogue, turn: Turn) -> None:
        dropped = dialogue.turns[0] if len(dialogue.turns) == self._most else None
        dialogue.turns.append(turn)
        change = _count_characters(turn) - (0 if dropped is None else _count_characters(dropped))
        dialogue.characters += change
        self._characters += change
        while self._characters > MAX_CHARACTERS and len(self._dialogues) > 1:
            _, oldest = self._dialogues.popitem(last=False)
            self._characters -= oldest.characters


def _is_before(order: Any, other: Any) -> bool:
    """Whether one position in a dialogue is before another."""
    if type(order) is type(other) is int:
        return bool(order < other)
    key, other_key = build_order_keys([order, other])
    return bool(key < other_key)


def _count_characters(turn: Turn) -> int:
    return len(turn.text) + OVERHEAD_CHARACTERS
