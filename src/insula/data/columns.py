"""Which columns of a file hold text, labels and the rest: the named ones, else those with usual names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from insula.core.errors import DataError, nearest
from insula.data.options import DataOptions

# Tiers of usual names: the first tier of which a file has a column decides; two of one tier are ambiguous.
_TEXT = (
    ("text", "文本"),
    ("message", "content", "review", "sentence", "tweet", "comment", "utterance", "内容", "评论"),
)
_LABEL = (("label", "labels", "标签"),)
DIMENSIONS = ("valence", "arousal", "dominance", "intensity")
_LABEL_LIKE = (("emotion", "emotions", "sentiment", "category", "class", "情感"),)
_ID = (("id",),)
_LANGUAGE = (("language", "lang"),)
_WEIGHT = (("weight",),)
# Looked for only where a model that reads them predicts a file.
_CONTEXT = (("turns", "上文"), ("context", "history", "previous"))
_DIALOGUE = (("dialogue", "dialogue_id", "dialog", "dialog_id", "conversation", "conversation_id", "对话"),)
_TURN = (("turn", "turn_id", "utterance_id", "轮次"),)
_SPEAKER = (("speaker", "说话人"),)
_TARGET = (("target", "aspect", "目标", "方面"),)


@dataclass(frozen=True)
class ConversationColumns:
    """Columns with the context of a text: earlier turns in cells (`context`) or in rows (`dialogue`), its speaker, what
    the emotion is towards."""

    context: tuple[str, ...] = ()
    dialogue: str | None = None
    turn: str | None = None
    speaker: str | None = None
    target: str | None = None

    @property
    def named(self) -> list[tuple[str, str]]:
        """What the columns are for, and their names."""
        one = ((what, getattr(self, what)) for what in ("dialogue", "turn", "speaker", "target"))
        return [*(("context", name) for name in self.context), *((what, name) for what, name in one if name)]

    @property
    def add_context(self) -> bool:
        """Whether there is more for a model to read than the text."""
        return bool(self.context or self.dialogue or self.target)


NO_CONVERSATION = ConversationColumns()


@dataclass(frozen=True)
class Columns:
    """Names of columns; `labels` has several for one-hot labels and scores, none where labels were not wanted."""

    text: str
    labels: tuple[str, ...] = ()
    id: str | None = None
    language: str | None = None
    group: str | None = None
    weight: str | None = None
    votes: str | None = None
    conversation: ConversationColumns = NO_CONVERSATION


def find_columns(
    columns: Sequence[str], options: DataOptions, where: str, *, labelled: bool = True, names: Sequence[str] = ()
) -> Columns:
    """Return which of `columns` is what.

    labelled  labels are needed; without them only the text and its context are looked for
    names     labels of a known scheme: columns with just these names are one-hot labels or scores

    Columns of a conversation are read only where they are named: one that happens to be called `context` changes
    nothing. Raises `DataError` naming the columns there are, and the nearest, where one is missing or several would do.
    """
    text = find_text_column(columns, options.text, where)
    rest = [column for column in columns if column != text]
    conversation = conversation_columns(columns, options, where)
    if not labelled:
        return Columns(text=text, conversation=conversation)
    if options.label:
        given = (options.label,) if isinstance(options.label, str) else options.label
        labels = tuple(_given(columns, name, "label", where) for name in given)
        if twice := sorted({name for name in labels if labels.count(name) > 1}):
            raise DataError(f"The label columns must differ. Got {twice[0]!r} more than once; name each once.")
    else:
        labels = _label_columns(rest, names, where)
    return Columns(
        text=text,
        labels=labels,
        id=_optional(rest, options.id, _ID, "id", where),
        language=_optional(rest, options.language, _LANGUAGE, "language", where),
        group=_optional(rest, options.group, (), "group", where),
        weight=_optional(rest, options.weight, _WEIGHT, "weight", where),
        votes=options.votes if options.votes in columns else None,  # the rows that are only judged may go without
        conversation=conversation,
    )


def conversation_columns(columns: Sequence[str], options: DataOptions, where: str) -> ConversationColumns:
    """Return the named columns of a conversation; `DataError` with the nearest name where one is missing."""
    context = (options.context,) if isinstance(options.context, str) else options.context or ()
    one = {what: getattr(options, what) for what in ("dialogue", "turn", "speaker", "target")}
    return ConversationColumns(
        context=tuple(_given(columns, name, "context", where) for name in context),
        **{what: None if name is None else _given(columns, name, what, where) for what, name in one.items()},
    )


def usual_conversation(
    columns: Sequence[str], given: ConversationColumns, where: str, *, turns: bool, target: bool
) -> ConversationColumns:
    """Return the given columns with those that have usual names, where `turns` or a `target` are wanted."""
    found = given
    if turns and not (given.context or given.dialogue):
        if context := _usual(columns, _CONTEXT, "context", where):
            found = replace(found, context=(context,))
        elif dialogue := _usual(columns, _DIALOGUE, "dialogue", where):
            found = replace(found, dialogue=dialogue, turn=_usual(columns, _TURN, "turn", where))
    if (found.context or found.dialogue) and turns and given.speaker is None:
        found = replace(found, speaker=_usual(columns, _SPEAKER, "speaker", where))
    if target and given.target is None:
        found = replace(found, target=_usual(columns, _TARGET, "target", where))
    return found


def usual_identity(columns: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the columns with the id and the language of a row, None where none, or more than one, has a usual name."""
    names = ([column for column in columns if column.strip().lower() in tiers[0]] for tiers in (_ID, _LANGUAGE))
    id_, language = (found[0] if len(found) == 1 else None for found in names)
    return id_, language


def find_text_column(columns: Sequence[str], given: str | None, where: str) -> str:
    """Return the column with the text; `DataError` where none or several would do."""
    if not columns:  # of JSON, whose rows alone name them
        raise DataError(f"There is no row in {where} that can be read, and so no column. Check how the file was made.")
    if given is not None:
        return _given(columns, given, "text", where)
    found = _usual(columns, _TEXT, "text", where)
    if found is None:
        usual = ", ".join(name for tier in _TEXT for name in tier)
        raise DataError(
            f"No column of {where} has a usual name for text ({usual}); it has: {_listed(columns)}. "
            "Name the column with `text`."
        )
    return found


def _label_columns(columns: Sequence[str], names: Sequence[str], where: str) -> tuple[str, ...]:
    if names and set(names) <= set(columns):
        return tuple(names)
    found = _usual(columns, _LABEL, "label", where)
    if found is None:
        by_name = {column.lower(): column for column in columns}
        if dimensions := tuple(by_name[name] for name in DIMENSIONS if name in by_name):
            return dimensions
        found = _usual(columns, _LABEL_LIKE, "label", where)
    if found is None:
        usual = ", ".join((*_LABEL[0], *_LABEL_LIKE[0], *DIMENSIONS))
        raise DataError(
            f"No column of {where} has a usual name for labels ({usual}); it has: {_listed(columns)}. "
            "Name the column, or several one-hot or score columns, with `label`."
        )
    return (found,)


def _optional(
    columns: Sequence[str], given: str | None, tiers: Sequence[Sequence[str]], what: str, where: str
) -> str | None:
    if given is not None:
        return _given(columns, given, what, where)
    return _usual(columns, tiers, what, where)


def _given(columns: Sequence[str], name: str, what: str, where: str) -> str:
    if name not in columns:
        raise DataError(
            f"The {what} column {name!r} is not in {where}, which has: {_listed(columns)}.{nearest(name, columns)}"
        )
    return name


def _usual(columns: Sequence[str], tiers: Sequence[Sequence[str]], what: str, where: str) -> str | None:
    for tier in tiers:
        found = [column for column in columns if column.strip().lower() in tier]
        if len(found) > 1:
            raise DataError(
                f"Several columns of {where} may be the {what}: {_listed(found)}. Name the right one with `{what}`."
            )
        if found:
            return found[0]
    return None


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(repr(column) for column in columns[:40]) + (" ..." if len(columns) > 40 else "") or "none"
