"""`Preparation`: the named text steps applied before a model reads a text; stored in the model folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from insula.core.errors import CHOOSE, RecipeError, suggest
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.registry import Registry
from insula.text.context import TEXT_ALONE, Context, Segments
from insula.text.word_by_word import LOCAL_STEPS, PreparedWordCache

TextStep = Callable[[str, str | None], str]
"""`(text, language) -> text`; the language is an ISO 639-1 code, or None to detect it by script where needed."""

TEXT_STEPS: Registry[TextStep] = Registry("text_steps")
for _name, _reference in {
    "unicode": "unicode:normalize_unicode",
    "html": "clean:remove_html",
    "urls": "clean:replace_urls",
    "users": "clean:replace_users",
    "elongation": "clean:shorten_elongation",
    "emoji": "emojis:emoji_to_words",
    "detokenize": "detokenize:detokenize",
    "lowercase": "clean:lowercase",
    "segment": "segment:segment_chinese",
    "sounds": "sounds:append_sounds",
    "spelling": "spelling.corrections:correct_spelling",
    "stopwords": "stopwords:remove_stop_words",
    "stem": "stem:stem_english",
    "whitespace": "clean:collapse_whitespace",
}.items():
    TEXT_STEPS.register(_name, f"insula.text.{_reference}")

_CLEAN = ("html", "unicode", "urls", "users", "elongation", "emoji")
"""HTML first: an unescaped entity may need the Unicode step."""

ENCODER_STEPS: tuple[str, ...] = (*_CLEAN, "whitespace", "detokenize")
"""For pretrained models, whose tokenizers were trained on ordinary text."""

WORD_STEPS: tuple[str, ...] = (*_CLEAN, "lowercase", "segment", "whitespace")
"""For models that count or embed words: Chinese is segmented, all text is in lower case."""

KEYS = ("steps", "language", "max_length", "context")


@dataclass(frozen=True)
class Preparation:
    """Text steps by name, in the order in which they are applied.

    steps       names in `TEXT_STEPS`; an empty tuple leaves the text as it is
    language    ISO 639-1 code of all texts; None: steps that need one use `zh` for a text with a Chinese character,
                else `en`
    max_length  characters that are read of a text and of each earlier turn, before any step; None reads all
    context     which earlier turns and targets are read besides the text; by default none

    Raises `UnknownNameError` with the nearest name for an unknown step.
    """

    steps: tuple[str, ...] = ()
    language: str | None = None
    max_length: int | None = None
    context: Context = TEXT_ALONE

    def __post_init__(self) -> None:
        for name in self.steps:
            TEXT_STEPS[name]

    def __call__(self, text: str) -> str:
        """Return the prepared text."""
        text = text[: self.max_length]
        for function in self._functions:
            text = function(text)
        return text

    def prepare_all(self, texts: Iterable[str]) -> list[str]:
        """Return the prepared texts, each independent of the others."""
        return [self(text) for text in texts]

    def prepare_segments(self, inputs: Iterable[TextOrInput]) -> list[Segments]:
        """Return the prepared inputs, each independent of the others: a text, or a pair of text and context."""
        return [self(one) if isinstance(one, str) else self.context.prepare_segments(one, self) for one in inputs]

    def count_unread(self, inputs: Iterable[TextOrInput]) -> int:
        """Return the number of inputs with earlier turns or a target that this preparation drops."""
        return sum(isinstance(one, ModelInput) and self.context.ignores_context(one) for one in inputs)

    @cached_property
    def _functions(self) -> tuple[Callable[[str], str], ...]:
        """The steps in order; leading steps that work word by word are combined into one."""
        steps = [functools.partial(_apply_step, TEXT_STEPS[name], self.language) for name in self.steps]
        local = next((i for i, name in enumerate(self.steps) if name not in LOCAL_STEPS), len(self.steps))
        while local and self.steps[local - 1] != "whitespace":
            local -= 1
        if not local:
            return tuple(steps)
        inert = str.lower if "lowercase" in self.steps[:local] else str
        return (PreparedWordCache(functools.partial(_apply_steps, steps[:local]), inert), *steps[local:])

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the cached words."""
        return {key: getattr(self, key) for key in KEYS}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `from_dict` reads them back."""
        row: dict[str, Any] = {"steps": list(self.steps), "language": self.language, "max_length": self.max_length}
        if self.context != TEXT_ALONE:  # so that versions without context can open models that read none
            row["context"] = self.context.to_dict()
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Preparation:
        """Build from `to_dict`. Raises `RecipeError` for wrong keys or types, `UnknownNameError` for unknown steps."""
        for key in row:
            if key not in KEYS:
                raise RecipeError(
                    f"The text preparation must have only the keys {', '.join(KEYS)}. Got {key!r}."
                    f"{suggest(key, KEYS, CHOOSE)}"
                )
        steps, language, max_length, context = (row.get(key) for key in KEYS)
        steps = () if steps is None else steps
        if not isinstance(steps, list | tuple) or not all(isinstance(name, str) for name in steps):
            raise RecipeError(
                f"The steps of a text preparation must be a list of names. Got {steps!r}. Put them in a list."
            )
        if language is not None and not isinstance(language, str):
            raise RecipeError(
                f"The language of a text preparation must be an ISO 639-1 code or null. Got {language!r}. Write for "
                'example "en".'
            )
        if max_length is not None and (not isinstance(max_length, int) or max_length < 1):
            raise RecipeError(
                f"The max_length of a text preparation must be a whole number above 0 or null. Got {max_length!r}. "
                "Choose null for no limit."
            )
        context = TEXT_ALONE if context is None else Context.from_dict(context)
        return cls(steps=tuple(steps), language=language, max_length=max_length, context=context)


def _apply_step(step: TextStep, language: str | None, text: str) -> str:
    return step(text, language)


def _apply_steps(steps: Sequence[Callable[[str], str]], text: str) -> str:
    for step in steps:
        text = step(text)
    return text
