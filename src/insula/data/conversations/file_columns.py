"""Find the columns of a file that make the inputs of a model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from insula.core.model_input import TextOrInput
from insula.core.sentences import pluralise
from insula.data.cell_paths import JOINED
from insula.data.columns import (
    NO_CONVERSATION,
    ConversationColumns,
    complete_conversation,
    find_conversation_columns,
    find_identity_columns,
    find_text_columns,
)
from insula.data.conversations.turn_cells import MAX_TURNS
from insula.data.options import DataOptions
from insula.text.context import Context


@dataclass(frozen=True)
class FileColumns:
    """Names of the columns that make an input.

    texts            columns of the text, joined by line ends
    usual            conversation columns that were detected from common column names
    attributes       columns that the rules of the model look at
    most_turns       earlier turns kept
    most_characters  characters kept of an earlier turn; None for all
    """

    texts: tuple[str, ...]
    conversation: ConversationColumns = NO_CONVERSATION
    id: str | None = None
    language: str | None = None
    usual: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    most_turns: int = 0
    most_characters: int | None = None

    @property
    def text(self) -> str:
        """The name of the text column in messages and in the output."""
        return JOINED.join(self.texts)

    @property
    def is_text_only(self) -> bool:
        """Whether an input is only a text."""
        return not (self.conversation.named or self.id or self.language or self.attributes)


def find_file_columns(
    columns: Sequence[str],
    where: str,
    context: Context,
    *,
    options: DataOptions,
    most_characters: int | None,
    attributes: Collection[str] = (),
) -> FileColumns:
    """Return the columns of a file for a model that reads `context`; `DataError` if one is missing.

    attributes  columns that the rules of the model look at; those that the file lacks are left out

    Columns that the options do not name are detected from common column names if the model reads what they hold.
    """
    texts = find_text_columns(columns, options.text, where)
    rest = [name for name in columns if name not in texts]
    given = find_conversation_columns(columns, options, where)
    found = complete_conversation(rest, given, where, turns=context.turns > 0, target=context.target)
    id_, language = find_identity_columns(rest)
    return FileColumns(
        texts,
        conversation=found,
        id=id_,
        language=language,
        attributes=tuple(name for name in columns if name in attributes),
        usual=tuple(name for role, name in found.named if (role, name) not in given.named),
        most_turns=min(max(1, context.turns), MAX_TURNS),
        most_characters=most_characters,
    )


@dataclass
class ContextTally:
    """Counts the inputs with earlier turns and targets, for the warnings at the end of a file."""

    rows: int = 0
    with_turns: int = 0
    with_target: int = 0
    out_of_order: int = 0

    def count(self, inputs: Sequence[TextOrInput]) -> None:
        """Count inputs."""
        self.rows += len(inputs)
        for one in inputs:
            if not isinstance(one, str):
                self.with_turns += bool(one.turns)
                self.with_target += one.target is not None

    def list_warnings(self, columns: FileColumns, context: Context) -> list[str]:
        """Return warnings on the context: columns that were chosen, context that is not read or missing."""
        found = []
        if columns.usual:
            names = ", ".join(map(repr, columns.usual))
            found.append(f"The model reads context: columns detected from common column names: {names}.")
        for count, is_read, what, option in (
            (self.with_turns, context.turns > 0, "earlier turns", "`context` or `dialogue`"),
            (self.with_target, context.target, "a target", "`target`"),
        ):
            if count and not is_read:
                have = "has" if count == 1 else "have"
                found.append(f"{pluralise(count, 'row')} {have} {what}, which this model does not read.")
            if is_read and not count and self.rows:
                found.append(
                    f"The model reads {what}, but none of {pluralise(self.rows, 'row')} has any: predicted from the "
                    f"text only. Choose the columns with {option}."
                )
        if self.out_of_order:
            come, whose = ("comes", "its") if self.out_of_order == 1 else ("come", "their")
            found.append(
                f"{pluralise(self.out_of_order, 'row')} {come} after a later turn of {whose} dialogue (column "
                f"{columns.conversation.turn!r}): the file was read in its own order. Sort it by dialogue and turn."
            )
        return found
