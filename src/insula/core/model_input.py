"""`ModelInput`: what a model is asked about: a text, the conversation it is part of, what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from insula.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a dialogue."""

    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to sound, picture or video; `start` and `end` in seconds, None for the whole."""

    uri: str
    kind: Literal["audio", "image", "video"]
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input of a model. A plain string is short for an input that is a text and nothing else.

    text      the text to classify
    turns     the earlier turns of its dialogue, oldest first, without the text itself; empty for a lone message
    speaker   who says the text
    target    what the emotion is towards (an aspect, a product, a person); None for the text as a whole
    media     the recording or picture that goes with it
    language  ISO 639-1 code, None where unknown
    id        the caller's own name for it; the prediction carries it back

    A model reads turns and targets where it was trained with them (`text.preparation.Context`), else the text alone.
    """

    text: str
    turns: tuple[Turn, ...] = field(default=(), kw_only=True)
    speaker: str | None = field(default=None, kw_only=True)
    target: str | None = field(default=None, kw_only=True)
    media: Media | None = field(default=None, kw_only=True)
    language: str | None = field(default=None, kw_only=True)
    id: str | None = field(default=None, kw_only=True)

    @property
    def has_context(self) -> bool:
        """Whether there is more to read than the text: earlier turns or a target."""
        return bool(self.turns) or self.target is not None


TextOrInput = str | ModelInput


def text_of(given: TextOrInput) -> str:
    """Return the text of an input."""
    return given if isinstance(given, str) else given.text


def dialogue_inputs(turns: Sequence[Turn], *, language: str | None = None) -> list[ModelInput]:
    """Return one input a turn of a dialogue, each with the turns before it as its context; oldest first."""
    return [
        ModelInput(turn.text, turns=tuple(turns[:number]), speaker=turn.speaker, language=language)
        for number, turn in enumerate(turns)
    ]


def check_inputs(inputs: Sequence[TextOrInput]) -> None:
    """Raise `DataError` for anything but a sequence of strings and `ModelInput`s whose texts are strings."""
    if isinstance(inputs, str | ModelInput):
        raise DataError("The texts must be a sequence. Got one text: put it in a list.")
    for position, given in enumerate(inputs):
        if isinstance(given, str):
            continue
        if not isinstance(given, ModelInput):
            raise DataError(f"The texts must be strings. Got {given!r} at position {position}.")
        if not isinstance(given.text, str):
            raise DataError(f"The text of an input must be a string. Got {given.text!r} at position {position}.")
