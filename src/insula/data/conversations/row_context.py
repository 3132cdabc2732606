"""`ContextReader`: the context of each row of a table, found row by row or, for dialogues, after the last row."""

from __future__ import annotations

from typing import NamedTuple

from insula.core.model_input import Turn
from insula.data.columns import ConversationColumns
from insula.data.conversations.dialogues import Dialogues
from insula.data.conversations.turn_cells import MAX_TURNS, read_turns
from insula.data.formats.row_reader import Row
from insula.data.labels.cells import as_attribute, is_missing, is_not_text

NO_PLACE = "without a value in the turn column"


class RowContext(NamedTuple):
    """The context of a row.

    turns    earlier turns, oldest first; for a dialogue, `collect_earlier_turns` holds them at index `number`
    number   index of a row of a dialogue, else -1
    problem  the reason why the earlier turns cannot be read
    """

    turns: tuple[Turn, ...] = ()
    speaker: str | None = None
    target: str | None = None
    number: int = -1
    problem: str | None = None


TEXT_ONLY = RowContext()


class ContextReader:
    """Finds the context of the rows of a table. Rows without a usable label are turns of their dialogue, too.

    most_characters  characters kept of an earlier turn
    long             number of rows with more than `MAX_TURNS` earlier turns, of which the last are kept
    """

    def __init__(self, columns: ConversationColumns, most_characters: int) -> None:
        self.long = 0
        self._columns = columns
        self._most_characters = most_characters
        self._dialogues = Dialogues()

    def read(self, row: Row, text: str) -> RowContext:
        """Return the context of a row with this text."""
        columns = self._columns
        if not columns.named:
            return TEXT_ONLY
        speaker = as_attribute(row.get(columns.speaker)) if columns.speaker else None
        target = as_attribute(row.get(columns.target)) if columns.target else None
        if columns.dialogue is not None:
            dialogue = as_attribute(row.get(columns.dialogue))
            order = row.get(columns.turn) if columns.turn and dialogue is not None else None
            if columns.turn and dialogue is not None and (is_missing(order) or is_not_text(order)):
                return RowContext(problem=NO_PLACE)
            number = self._dialogues.add(dialogue, Turn(text, speaker), order)
            return RowContext((), speaker, target, number)
        if not columns.context:
            return RowContext((), speaker, target)
        turns, problem = read_turns([row.get(name) for name in columns.context])
        self.long += len(turns) > MAX_TURNS
        return RowContext(tuple(map(self._shorten_turn, turns[-MAX_TURNS:])), speaker, target, problem=problem)

    def collect_earlier_turns(self) -> list[tuple[Turn, ...]]:
        """Return the earlier turns of the rows of dialogues, by their `number`."""
        earlier, self.long = self._dialogues.collect_earlier_turns()
        return earlier

    def _shorten_turn(self, turn: Turn) -> Turn:
        most = self._most_characters
        return turn if len(turn.text) <= most else Turn(turn.text[:most], turn.speaker)
