"""The registry of augmenters: small functions that change a text and know what happens to its label.

An augmenter is registered by name; packages add their own through the entry-point group `insula.augmenters`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.moved import moved_names
from insula.core.registry import Registry

if TYPE_CHECKING:
    from insula.augmentation.translation.memory import TranslationMemory

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"Situation": f"{__name__}:AugmentationContext"})

Preserves = Literal["label", "emotion", "nothing"]


@dataclass(frozen=True)
class AugmentationContext:
    """The context that an augmenter may use for a text.

    random    the source of chance, seeded per variant
    language  `zh` or `en`
    label     the label of the row, None if there is none or several
    """

    random: random.Random
    language: str
    label: str | None = None


Change = Callable[[str, AugmentationContext], str | None]
"""Returns the changed text, or None if the text offers nothing to change."""


@dataclass(frozen=True)
class AugmenterOptions:
    """Options for augmenters that need them.

    translator  name of a translator (`translation.translator`); None takes the default
    memory      keeps translations for a further attempt; None keeps none
    """

    translator: str | None = None
    memory: TranslationMemory | None = None


@dataclass(frozen=True)
class Augmenter:
    """One way to change texts.

    change      the function
    languages   the languages that it supports
    preserves   label: the label stays true; emotion: the emotion stays and its strength changes, so that ordinal and
                dimensional labels become wrong; nothing: the label changes as `new_labels` says
    new_labels  old label to new label, in lower case; rows with other labels are not changed
    needs_label  whether the change depends on the label
    is_soft     whether some changes contradict the label: a reference model gave fewer than 95 % of the texts the same
                class (benchmarks/augmentation.py)
    hints       language to a sentence on what is missing to support it
    build       returns the augmenter with options, None if it has none
    prepare     is called with many texts of a language before they are changed, since some tools are slow to start
    """

    change: Change
    languages: tuple[str, ...] = ("en", "zh")
    preserves: Preserves = "label"
    new_labels: Mapping[str, str] = field(default_factory=dict)
    needs_label: bool = False
    is_soft: bool = False
    hints: Mapping[str, str] = field(default_factory=dict)
    build: Callable[[AugmenterOptions], Augmenter] | None = None
    prepare: Callable[[Sequence[str], str], None] | None = None

    def __call__(self, text: str, context: AugmentationContext) -> tuple[str, str | None] | None:
        """Return the changed text and its label, or None if the augmenter does not apply."""
        label = context.label
        if not text.strip() or context.language not in self.languages or (self.needs_label and label is None):
            return None
        if self.preserves == "nothing":
            new = None if label is None else self.new_labels.get(label.lower())
            if new is None:
                return None
            label = new
        changed = self.change(text, context)
        return None if changed is None or changed.strip() in ("", text.strip()) else (changed, label)


DEFAULT_OPTIONS = AugmenterOptions()
BACK_TRANSLATION = "back-translation"
augmenters: Registry[Augmenter] = Registry("augmenters")
augmenters.register("swap", "insula.augmentation.word_edits:SWAP")
augmenters.register("delete", "insula.augmentation.word_edits:DELETE")
augmenters.register("synonyms", "insula.augmentation.synonyms:SYNONYMS")
augmenters.register(BACK_TRANSLATION, "insula.augmentation.translation.back_translation:BACK_TRANSLATION")
augmenters.register("keyboard", "insula.augmentation.noise:KEYBOARD")
augmenters.register("misspellings", "insula.augmentation.misspellings:MISSPELLINGS")
augmenters.register("homophone", "insula.augmentation.pinyin_edits:HOMOPHONE")
augmenters.register("pinyin", "insula.augmentation.pinyin_edits:PINYIN")
augmenters.register("casing", "insula.augmentation.noise:CASING")
augmenters.register("width", "insula.augmentation.noise:WIDTH")
augmenters.register("ocr", "insula.augmentation.noise:OCR")
augmenters.register("traditional", "insula.augmentation.script_edits:TRADITIONAL")
augmenters.register("elongation", "insula.augmentation.noise:ELONGATION")
augmenters.register("punctuation", "insula.augmentation.noise:PUNCTUATION")
augmenters.register("emoji-words", "insula.augmentation.emoji_edits:EMOJI_WORDS")
augmenters.register("emoji", "insula.augmentation.emoji_edits:EMOJI")
augmenters.register("identity", "insula.augmentation.identity:IDENTITY")
augmenters.register("names", "insula.augmentation.names:NAMES")
augmenters.register("negation", "insula.augmentation.meaning:NEGATION")
augmenters.register("contrast", "insula.augmentation.meaning:CONTRAST")
augmenters.register("intensity", "insula.augmentation.meaning:INTENSITY")


def choose_augmenters(names: object, options: AugmenterOptions = DEFAULT_OPTIONS) -> dict[str, Augmenter]:
    """Return the named augmenters in order, with their options.

    Raises `DataError` if there is none, `UnknownNameError` for other names, and what an augmenter raises that is not
    installed or whose options are wrong.
    """
    chosen = [str(name) for name in names] if isinstance(names, list | tuple) else []
    if not chosen:
        raise DataError(
            f"The methods must be a list with at least one of {', '.join(augmenters)}. Got {names!r}."
            f"{suggest(str(names), augmenters, CHOOSE)}"
        )
    found = {name: augmenters[name] for name in dict.fromkeys(chosen)}
    return {name: one if one.build is None else one.build(options) for name, one in found.items()}
