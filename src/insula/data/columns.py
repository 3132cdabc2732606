"""Find the columns that hold the text, the labels and the rest: the named ones, else those with usual names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from insula.core.errors import DataError, nearest
from insula.data.options import DataOptions

# Usual names in order of preference: the first tuple with a match decides; two matches in one tuple are ambiguous.
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
# Used only to predict a file with a model that reads them.
_CONTEXT = (("turns", "上文"), ("context", "history", "previous"))
_DIALOGUE = (("dialogue", "dialogue_id", "dialog", "dialog_id", "conversation", "conversation_id", "对话"),)
_TURN = (("turn", "turn_id", "utterance_id", "轮次"),)
_SPEAKER = (("speaker", "说话人"),)
_TARGET = (("target", "aspect", "目标", "方面"),)


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
        """True if a model can read more than the text."""
        return bool(self.context or self.dialogue or self.target)


NO_CONVERSATION = ConversationColumns()


@dataclass(frozen=True)
class Columns:
    """Column names. `labels` holds several for one-hot labels and scores, none if no labels are needed."""

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
    """Return the role of each of `columns`.

    labelled  False to look for the text and its context only
    names     labels of a known scheme: columns with exactly these names are one-hot labels or scores

    Conversation columns must be named: a column that happens to be called `context` changes nothing. Raises `DataError`
    with the columns of the file and the nearest name if a column is missing or several match.
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
        votes=options.votes if options.votes in columns else None,  # evaluation rows need no votes
        conversation=conversation,
    )


def conversation_columns(columns: Sequence[str], options: DataOptions, where: str) -> ConversationColumns:
    """Return the named conversation columns; `DataError` with the nearest name if one is missing."""
    context = (options.context,) if isinstance(options.context, str) else options.context or ()
    single = {role: getattr(options, role) for role in ("dialogue", "turn", "speaker", "target")}
    return ConversationColumns(
        context=tuple(_given(columns, name, "context", where) for name in context),
        **{role: None if name is None else _given(columns, name, role, where) for role, name in single.items()},
    )


def usual_conversation(
    columns: Sequence[str], given: ConversationColumns, where: str, *, turns: bool, target: bool
) -> ConversationColumns:
    """Return `given`, completed by columns with usual names if `turns` or a `target` are needed."""
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
    """Return the id column and the language column; None if no column, or more than one, has a usual name."""
    names = ([column for column in columns if column.strip().lower() in tiers[0]] for tiers in (_ID, _LANGUAGE))
    id_, language = (found[0] if len(found) == 1 else None for found in names)
    return id_, language


def find_text_column(columns: Sequence[str], given: str | None, where: str) -> str:
    """Return the text column; `DataError` if no column or several match."""
    if not columns:  # JSON: only its rows name the columns
        raise DataError(f"No row of {where} can be read, so it has no columns. Check how the file was made.")
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
