"""`Context`: which earlier turns and targets a model reads, and how they become a second segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from insula.core.errors import RecipeError
from insula.core.model_input import ModelInput, Turn

Segments = str | tuple[str, str]
"""A prepared input: one segment, or the text and its context, which a tokenizer encodes as a pair."""

Speakers = Literal["relative", "names", "none"]
SPEAKERS: tuple[Speakers, ...] = ("relative", "names", "none")
KEYS = ("turns", "speakers", "target", "pairs")
BETWEEN_TURNS = " / "
BETWEEN_SEGMENTS = "\n"


@dataclass(frozen=True)
class Context:
    """The context that a model reads besides the text; stored in its folder.

    turns     how many earlier turns it reads; 0 reads none
    speakers  the mark before a turn: `relative` (A is the speaker of the text; B, C are the others, the nearest
              first), `names` (as given), `none`
    target    whether it reads the target
    pairs     whether text and context are encoded as a pair; otherwise they are joined by a line break, the text
              first

    The second segment holds the target, then the earlier turns from the newest to the oldest, so that truncation drops
    the oldest: `food / B: How was it? / A: We went to the new place.`
    """

    turns: int = 0
    speakers: Speakers = "relative"
    target: bool = False
    pairs: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.turns, bool) or not isinstance(self.turns, int) or self.turns < 0:
            raise RecipeError(
                f"The turns of a context must be a whole number of at least 0. Got {self.turns!r}. Choose 0 to read "
                "no turns."
            )
        if self.speakers not in SPEAKERS:
            raise RecipeError(
                f"The speakers option must be one of {', '.join(SPEAKERS)}. Got {self.speakers!r}. Choose one of these."
            )

    def prepare_segments(self, given: ModelInput, prepare: Callable[[str], str]) -> Segments:
        """Return the prepared segments of an input: the text alone if there is no context to read."""
        text = prepare(given.text)
        parts = [prepare(given.target)] if self.target and given.target else []
        if self.turns:
            near = given.turns[-self.turns :][::-1]
            marks = self._mark_turns(given.speaker, near)
            parts += [f"{mark}{prepare(turn.text)}" for mark, turn in zip(marks, near, strict=True)]
        second = BETWEEN_TURNS.join(part for part in parts if part)
        if not second:
            return text
        return (text, second) if self.pairs else f"{text}{BETWEEN_SEGMENTS}{second}"

    def _mark_turns(self, speaker: str | None, turns: tuple[Turn, ...]) -> list[str]:
        if self.speakers == "none":
            return [""] * len(turns)
        if self.speakers == "names":
            return ["" if turn.speaker is None else f"{turn.speaker}: " for turn in turns]
        letters = {} if speaker is None else {speaker: "A"}
        marks = []
        for turn in turns:
            if turn.speaker is None:
                marks.append("")
                continue
            # A is reserved for the speaker of the text, also if that speaker is unknown.
            letter = letters.setdefault(turn.speaker, chr(ord("A") + min(len(letters) + (speaker is None), 25)))
            marks.append(f"{letter}: ")
        return marks

    def drop_unread(self, given: ModelInput) -> ModelInput:
        """Return the input without the turns and target that this model does not read; the prediction is the same."""
        turns = given.turns[-self.turns :] if self.turns else ()
        speaker, target = given.speaker if turns else None, given.target if self.target else None
        if (turns, speaker, target) == (given.turns, given.speaker, given.target):
            return given
        return replace(given, turns=turns, speaker=speaker, target=target)

    def ignores_context(self, given: ModelInput) -> bool:
        """Whether the input has turns or a target that this model does not read at all."""
        return bool((given.turns and not self.turns) or (given.target is not None and not self.target))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `from_dict` reads them back."""
        return {key: getattr(self, key) for key in KEYS}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Context:
        """Build the object from the output of `to_dict`. Raises `RecipeError` for unknown keys and wrong values."""
        if not isinstance(row, Mapping) or not set(row) <= set(KEYS):
            raise RecipeError(
                f"The context of a text preparation must have only the keys {', '.join(KEYS)}. Got {row!r}. Remove "
                "the others."
            )
        return cls(**row)


TEXT_ALONE = Context()
