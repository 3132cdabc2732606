"""`ModelInput`: the input of a model: a text, the earlier turns of its conversation, the target of the emotion."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.moved import moved_names
from insula.core.sentences import quote

if not TYPE_CHECKING:  # type checkers must not take every name for one that is here
    __getattr__ = moved_names(__name__, {"dialogue_inputs": f"{__name__}:build_dialogue_inputs"})


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a dialogue."""

    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to audio, an image or a video. `start` and `end` are in seconds; None means the whole."""

    uri: str
    kind: Literal["audio", "image", "video"]
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input of a model. A plain string is short for an input with only a text.

    text      the text to classify
    turns     the earlier turns of its dialogue, oldest first, without the text itself; empty for a single message
    speaker   the speaker of the text
    target    the target of the emotion (an aspect, a product, a person); None for the text as a whole
    media     the recording or picture of the text
    language  ISO 639-1 code; None if unknown
    id        the caller's identifier, returned with the prediction
    attributes  facts about the text that rules may look at, such as `{"source": "forum"}`; no model reads them

    A model reads turns and targets if it was trained with them (`text.preparation.Context`), else only the text.
    """

    text: str
    turns: tuple[Turn, ...] = field(default=(), kw_only=True)
    speaker: str | None = field(default=None, kw_only=True)
    target: str | None = field(default=None, kw_only=True)
    media: Media | None = field(default=None, kw_only=True)
    language: str | None = field(default=None, kw_only=True)
    id: str | None = field(default=None, kw_only=True)
    attributes: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)

    @property
    def has_context(self) -> bool:
        """Whether there are earlier turns or a target."""
        return bool(self.turns) or self.target is not None

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> ModelInput:
        """Build an input from a mapping of its fields, as in JSON.

        `turns` is a list of texts, or of objects with `text` and optionally `speaker`. Raises `DataError` for the first
        unknown field or wrong type.
        """
        _check_fields(row, cls, "an input", required=("text",))
        given = {name: value for name, value in row.items() if value is not None}
        for name in ("text", "speaker", "target", "language", "id"):
            if not isinstance(given.get(name, ""), str):
                raise DataError(
                    f"The {name} of an input must be a string. Got {quote(given[name])}. Quote it, or leave it out."
                )
        attributes = given.get("attributes", {})
        if not isinstance(attributes, Mapping) or not all(isinstance(one, str) for one in attributes.values()):
            raise DataError(
                f"The attributes of an input must be names and strings. Got {quote(attributes)}. Quote the values, or "
                "leave them out."
            )
        turns = given.pop("turns", ())
        if isinstance(turns, str) or not isinstance(turns, Sequence):
            raise DataError(
                f"The turns of an input must be a list of texts or turns. Got {quote(turns)}. Put them in a list."
            )
        media = given.pop("media", None)
        if isinstance(media, Mapping):
            _check_fields(media, Media, "the media of an input", required=("uri", "kind"))
            media = Media(**media)
        elif media is not None and not isinstance(media, Media):
            raise DataError(
                f"The media of an input must be an object with uri and kind. Got {quote(media)}. Add these two, or "
                "leave the media out."
            )
        return cls(**given, turns=tuple(map(_parse_turn, turns)), media=media)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types for `from_dict`, without fields that are not set."""
        row = dataclasses.asdict(self)
        row["turns"] = [{name: value for name, value in turn.items() if value is not None} for turn in row["turns"]]
        return {name: value for name, value in row.items() if value is not None and value not in ([], {})}


def _parse_turn(given: Any) -> Turn:
    if isinstance(given, str):
        return Turn(given)
    if isinstance(given, Turn):
        return given
    if not isinstance(given, Mapping):
        raise DataError(
            f"A turn must be a text, or an object with text and speaker. Got {quote(given)}. Correct or remove that "
            "turn."
        )
    _check_fields(given, Turn, "a turn", required=("text",))
    text, speaker = given["text"], given.get("speaker")
    if not isinstance(text, str) or not isinstance(speaker, str | None):
        raise DataError(
            f"The text and the speaker of a turn must be strings. Got {quote(dict(given))}. Correct or remove that "
            "turn."
        )
    return Turn(text, speaker)


def _check_fields(row: Mapping[str, Any], kind: type[Any], called: str, *, required: Sequence[str]) -> None:
    known = [one.name for one in dataclasses.fields(kind)]
    for name in row:
        if name not in known:
            raise DataError(
                f"The fields of {called} must be some of {', '.join(known)}. Got {name!r}."
                f"{suggest(str(name), known, CHOOSE)}"
            )
    for name in required:
        if row.get(name) is None:
            raise DataError(
                f"The field {name!r} of {called} is required. Got only {', '.join(map(str, row)) or 'no field'}. Add "
                "it."
            )


TextOrInput = str | ModelInput

EMPTY_TEXT = "A text must not be empty or blank."
"""The error for an empty text in Python, on the command line and over HTTP."""


def get_text(given: TextOrInput) -> str:
    """Return the text of an input."""
    return given if isinstance(given, str) else given.text


def count_characters(given: TextOrInput) -> int:
    """Return the number of characters in the text, the turns and the target of an input."""
    if isinstance(given, str):
        return len(given)
    return len(given.text) + sum(len(turn.text) for turn in given.turns) + len(given.target or "")


def build_dialogue_inputs(
    turns: Sequence[Turn], *, language: str | None = None, target: str | None = None, most: int | None = None
) -> list[ModelInput]:
    """Return one input per turn of a dialogue, oldest first, each with the turns before it as context.

    most  the maximum number of earlier turns, of which the newest are kept; None keeps all
    """
    return [
        ModelInput(
            turn.text,
            turns=tuple(turns[0 if most is None else max(0, number - most) : number]),
            speaker=turn.speaker,
            target=target,
            language=language,
        )
        for number, turn in enumerate(turns)
    ]


def as_inputs(given: Sequence[TextOrInput | Mapping[str, Any]]) -> list[TextOrInput]:
    """Return texts and inputs unchanged, and mappings as inputs (`ModelInput.from_dict`).

    Raises `DataError` with the position of anything else.
    """
    if isinstance(given, Mapping) or not isinstance(given, str | ModelInput | Iterable):
        raise DataError(f"The texts must be a sequence. Got {quote(given)}. Put it in a list.")
    if isinstance(given, str | ModelInput):
        check_inputs(given)
    inputs: list[TextOrInput] = []
    for position, one in enumerate(given):
        try:
            inputs.append(one if isinstance(one, str) or not isinstance(one, Mapping) else ModelInput.from_dict(one))
        except DataError as error:
            raise DataError(f"{error} It is the input at position {position}.") from error
    check_inputs(inputs)
    return inputs


def check_texts(inputs: Sequence[TextOrInput]) -> None:
    """Raise `DataError` for an empty or blank text: no emotion can be read from it."""
    for position, given in enumerate(inputs):
        if not get_text(given).strip():
            raise DataError(f"{EMPTY_TEXT} Got one at position {position}. Leave it out.")


def check_inputs(inputs: Sequence[TextOrInput]) -> None:
    """Raise `DataError` unless `inputs` is a sequence of strings and of `ModelInput`s with a string as text."""
    if isinstance(inputs, str | ModelInput):
        raise DataError("The texts must be a sequence. Got one text. Put it in a list.")
    for position, given in enumerate(inputs):
        if isinstance(given, str):
            continue
        if not isinstance(given, ModelInput):
            raise DataError(
                f"The texts must be strings. Got {quote(given)} at position {position}. Correct or remove it."
            )
        if not isinstance(given.text, str):
            raise DataError(
                f"The text of an input must be a string. Got {quote(given.text)} at position {position}. Correct or "
                "remove it."
            )
