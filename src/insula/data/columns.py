"""Find the columns that hold the text, the labels and the rest: the named ones, else those with common names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.sentences import shorten
from insula.data.cell_paths import JOINED, is_path
from insula.data.known_column_names import (
    CONTEXT,
    DIALOGUE,
    DIMENSIONS,
    ID,
    LABEL,
    LABEL_LIKE,
    LANGUAGE,
    SPEAKER,
    TARGET,
    TEXT,
    TURN,
    WEIGHT,
)
from insula.data.labels.cells import as_number
from insula.data.options import DataOptions

AUGMENTED_BY, SOURCE_ROW = "augmented_by", "source_row"
"""Columns of an augmented file: the augmenter that made a row (empty for original rows), and the number of the original
row, from 1."""
_MAX_NAME_CHARACTERS = 40
_MAX_SHOWN_NAMES = 40  # of columns that a sentence lists


@dataclass(frozen=True)
class ConversationColumns:
    """Columns with the context of a text: earlier turns in cells (`context`) or in rows (`dialogue`), the speaker, the
    target of the emotion."""

    context: tuple[str, ...] = ()
    dialogue: str | None = None
    turn: str | None = None
    speaker: str | None = None
    target: str | None = None

    @property
    def named(self) -> list[tuple[str, str]]:
        """The role and the name of each column."""
        single = ((role, getattr(self, role)) for role in ("dialogue", "turn", "speaker", "target"))
        return [*(("context", name) for name in self.context), *((role, name) for role, name in single if name)]

    @property
    def has_context(self) -> bool:
        """Whether a model can read more than the text."""
        return bool(self.context or self.dialogue or self.target)


NO_CONVERSATION = ConversationColumns()


@dataclass(frozen=True)
class Columns:
    """Column names. `labels` holds several for one-hot labels and scores, none if no labels are needed.

    texts  columns of the text, joined by line ends; any name may be a path into objects (`data.text`)
    augmented_by, source_row  the columns of an augmented file
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    id: str | None = None
    language: str | None = None
    group: str | None = None
    weight: str | None = None
    votes: str | None = None
    subgroup: str | None = None
    pair: str | None = None
    augmented_by: str | None = None
    source_row: str | None = None
    conversation: ConversationColumns = NO_CONVERSATION

    @property
    def text(self) -> str:
        """The name of the text column in messages."""
        return JOINED.join(self.texts)


def find_columns(
    columns: Sequence[str], options: DataOptions, where: str, *, labelled: bool = True, names: Sequence[str] = ()
) -> Columns:
    """Return the role of each of `columns`.

    labelled  False to look for the text and its context only
    names     labels of a known scheme: columns with exactly these names are one-hot labels or scores

    Conversation columns must be named: a column that happens to be called `context` changes nothing. Raises `DataError`
    with the columns of the file and the nearest name if a column is missing or several match.
    """
    texts = find_text_columns(columns, options.text, where)
    rest = [column for column in columns if column not in texts]
    conversation = find_conversation_columns(columns, options, where)
    if not labelled:
        return Columns(texts, conversation=conversation)
    if options.label:
        given = (options.label,) if isinstance(options.label, str) else options.label
        labels = tuple(_require_column(columns, name, "label", where) for name in given)
        if twice := sorted({name for name in labels if labels.count(name) > 1}):
            raise DataError(f"The label columns must differ. Got {twice[0]!r} more than once. Pass each column once.")
    else:
        labels = _find_label_columns(rest, names, where)
    return Columns(
        texts,
        labels=labels,
        id=_find_optional(rest, options.id, ID, "id", where),
        language=_find_optional(rest, options.language, LANGUAGE, "language", where),
        group=_find_optional(rest, options.group, (), "group", where),
        weight=_find_optional(rest, options.weight, WEIGHT, "weight", where),
        votes=options.votes if options.votes in columns else None,  # evaluation rows need no votes
        subgroup=options.subgroup if options.subgroup in columns else None,  # nor subgroups and pairs
        pair=options.pair if options.pair in columns else None,
        augmented_by=AUGMENTED_BY if AUGMENTED_BY in rest else None,
        source_row=SOURCE_ROW if AUGMENTED_BY in rest and SOURCE_ROW in rest else None,
        conversation=conversation,
    )


def find_conversation_columns(columns: Sequence[str], options: DataOptions, where: str) -> ConversationColumns:
    """Return the named conversation columns; `DataError` with the nearest name if one is missing."""
    context = (options.context,) if isinstance(options.context, str) else options.context or ()
    single = {role: getattr(options, role) for role in ("dialogue", "turn", "speaker", "target")}
    return ConversationColumns(
        context=tuple(_require_column(columns, name, "context", where) for name in context),
        **{
            role: None if name is None else _require_column(columns, name, role, where) for role, name in single.items()
        },
    )


def complete_conversation(
    columns: Sequence[str], given: ConversationColumns, where: str, *, turns: bool, target: bool
) -> ConversationColumns:
    """Return `given`, completed by columns with common names if `turns` or a `target` are needed."""
    found = given
    if turns and not (given.context or given.dialogue):
        if context := _find_known_name(columns, CONTEXT, "context", where):
            found = replace(found, context=(context,))
        elif dialogue := _find_known_name(columns, DIALOGUE, "dialogue", where):
            found = replace(found, dialogue=dialogue, turn=_find_known_name(columns, TURN, "turn", where))
    if (found.context or found.dialogue) and turns and given.speaker is None:
        found = replace(found, speaker=_find_known_name(columns, SPEAKER, "speaker", where))
    if target and given.target is None:
        found = replace(found, target=_find_known_name(columns, TARGET, "target", where))
    return found


def find_identity_columns(columns: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the id column and the language column; None if no column, or more than one, has a common name."""
    names = ([column for column in columns if column.strip().lower() in tiers[0]] for tiers in (ID, LANGUAGE))
    id_, language = (found[0] if len(found) == 1 else None for found in names)
    return id_, language


def find_text_columns(columns: Sequence[str], given: str | Sequence[str] | None, where: str) -> tuple[str, ...]:
    """Return the columns of the text: the given ones, else the one with a common name; `DataError` if there is none or
    several have common names."""
    if not columns:  # JSON: only its rows name the columns
        raise DataError(
            f"The columns of {where} are unknown, because none of its rows can be read. Check how the file was made.",
            code="no_readable_row",
        )
    if given is not None:
        names = (given,) if isinstance(given, str) else tuple(given)
        return tuple(_require_column(columns, name, "text", where) for name in names)
    found = _find_known_name(columns, TEXT, "text", where)
    if found is None:
        usual = ", ".join(name for tier in TEXT for name in tier)
        raise DataError(
            f"No column of {where} has a common name for text ({usual}); its columns are {_list_names(columns)}. "
            f"Choose the column with `text`.{_suggest_no_header(columns)}",
            code="no_text_column",
            columns=columns[:_MAX_SHOWN_NAMES],
        )
    return (found,)


def _suggest_no_header(columns: Sequence[str]) -> str:
    """Return a hint if a column name reads like a text or a number, and so like the first row of a file."""
    if not any(len(column) > _MAX_NAME_CHARACTERS or as_number(column) is not None for column in columns):
        return ""
    return " If its first line is no header, set `header` to false (--no-header) and name the columns by number."


def _find_label_columns(columns: Sequence[str], names: Sequence[str], where: str) -> tuple[str, ...]:
    if names and set(names) <= set(columns):
        return tuple(names)
    found = _find_known_name(columns, LABEL, "label", where)
    if found is None:
        by_name = {column.lower(): column for column in columns}
        if dimensions := tuple(by_name[name] for name in DIMENSIONS if name in by_name):
            return dimensions
        found = _find_known_name(columns, LABEL_LIKE, "label", where)
    if found is None:
        usual = ", ".join((*LABEL[0], *LABEL_LIKE[0], *DIMENSIONS))
        raise DataError(
            f"No column of {where} has a common name for labels ({usual}); its columns are {_list_names(columns)}. "
            "Choose one column, or several one-hot or score columns, with `label`."
        )
    return (found,)


def _find_optional(
    columns: Sequence[str], given: str | None, tiers: Sequence[Sequence[str]], what: str, where: str
) -> str | None:
    if given is not None:
        return _require_column(columns, given, what, where)
    return _find_known_name(columns, tiers, what, where)


def _require_column(columns: Sequence[str], name: str, what: str, where: str) -> str:
    if name in columns or is_path(name, columns):
        return name
    if (numbered := f"column_{name}") in columns:  # of a file without a header
        return numbered
    raise DataError(
        f"The {what} column must be one of {_list_names(columns)}, the columns of {where}. Got "
        f"{name!r}.{suggest(name, columns, CHOOSE)}",
        code="unknown_column",
        column=name,
        columns=columns[:_MAX_SHOWN_NAMES],
    )


def _find_known_name(columns: Sequence[str], tiers: Sequence[Sequence[str]], what: str, where: str) -> str | None:
    for tier in tiers:
        found = [column for column in columns if column.strip().lower() in tier]
        if len(found) > 1:
            raise DataError(
                f"The {what} column of {where} is ambiguous: it may be any of {_list_names(found)}. Choose one with "
                f"`{what}`.",
                code="ambiguous_column",
                columns=found[:_MAX_SHOWN_NAMES],
            )
        if found:
            return found[0]
    return None


def _list_names(columns: Sequence[str]) -> str:
    names = [repr(shorten(column, _MAX_NAME_CHARACTERS)) for column in columns[:_MAX_SHOWN_NAMES]]
    return ", ".join(names) + (" ..." if len(columns) > _MAX_SHOWN_NAMES else "") or "none"
