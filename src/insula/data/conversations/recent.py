"""`RecentDialogues`: the earlier turns of rows that stream by, in flat memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from insula.core.model_input import Turn
from insula.data.conversations.dialogues import order_keys

MOST_CHARACTERS = 16_000_000
"""Kept of all recent dialogues together; the ones that have been silent for longest are forgotten first."""

CHARACTERS_OF_ANY = 200  # what a dialogue and each of its turns take besides the text


@dataclass
class _Dialogue:
    turns: deque[Turn]
    order: Any = None
    characters: int = field(default=CHARACTERS_OF_ANY)


class RecentDialogues:
    """The last turns of the dialogues that a file has shown lately, in the order of the file.

    most       turns kept of a dialogue
    backwards  how many rows came after one of a later place in their dialogue
    """

    def __init__(self, most: int) -> None:
        self.backwards = 0
        self._most = most
        self._dialogues: OrderedDict[str, _Dialogue] = OrderedDict()
        self._characters = 0

    def follow(self, dialogue: str | None, turn: Turn, order: Any = None) -> tuple[Turn, ...]:
        """Return the turns before a row, oldest first, and take its own.

        dialogue  which one it belongs to; None where it is a lone message
        order     its cell in the column that orders the rows of a dialogue; None where there is none
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
                self.backwards += _is_before(order, found.order)
            found.order = order
        self._take(found, turn)
        return earlier

    def _take(self, dialogue: _Dialogue, turn: Turn) -> None:
        gone = dialogue.turns[0] if len(dialogue.turns) == self._most else None
        dialogue.turns.append(turn)
        change = _size(turn) - (0 if gone is None else _size(gone))
        dialogue.characters += change
        self._characters += change
        while self._characters > MOST_CHARACTERS and len(self._dialogues) > 1:
            _, forgotten = self._dialogues.popitem(last=False)
            self._characters -= forgotten.characters


def _is_before(order: Any, other: Any) -> bool:
    """Return whether a place in a dialogue comes before another."""
    if type(order) is type(other) is int:
        return bool(order < other)
    here, there = order_keys([order, other])
    return bool(here < there)


def _size(turn: Turn) -> int:
    return len(turn.text) + CHARACTERS_OF_ANY
