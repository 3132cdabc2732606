"""`back-translation`: a text is translated into another language and back (Sennrich, Haddow and Birch 2016).

What a translator must not touch is cut off at the ends of a line and put back: emoji, emoticons, links, tags, user
names and placeholders. A copy is dropped if one of them is lost inside, if a negation appears or disappears, or if the
result is empty, far shorter or longer than the text, or in another script.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from insula.augmentation.registry import AugmentationContext, Augmenter, AugmenterOptions
from insula.augmentation.translation.memory import TranslationMemory
from insula.augmentation.translation.translator import Translator, choose_translator, open_translator
from insula.augmentation.words import find_untranslated, split_edges
from insula.text.protected_words import CHINESE_NEGATIONS, NEGATIONS
from insula.text.scripts import HAN

MAX_CHARACTERS = 500
"""Longest sentence of which a copy is made; for translators that read whole lines, a line may be four times as long."""
MAX_REMEMBERED = 20_000
"""Translations held between texts."""
RATIO = 3.0
"""Largest ratio of the lengths of text and copy, in either direction."""
_SENTENCES = re.compile(r"(?<=[.!?。！？])(\s+)|(?<=[。！？])(?=[^。！？”’」』)）\s])")
_HAN = re.compile(f"[{HAN}]")
_WORD = re.compile(r"[\w'’]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"\d+")


class BackTranslation:
    """The augmenter function of back-translation.

    translator   the engine
    name         its name, as given
    memory       keeps translations for a further attempt
    """

    def __init__(self, translator: Translator, name: str, memory: TranslationMemory | None) -> None:
        self._translator, self._name, self._memory = translator, name, memory
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, text: str, context: AugmentationContext) -> str | None:
        """Return the back-translated text; None if there is nothing to translate, or the result is bad."""
        language = context.language
        if _SURROGATE.search(text):  # half a character, which no engine takes
            return None
        lines = [(start, self._split(middle), end) for start, middle, end in map(split_edges, text.split("\n"))]
        pieces = [piece for _, some, _ in lines for piece in some if _has_words(piece)]
        if not pieces or max(map(len, pieces)) > self._max_characters:
            return None
        self.prepare([text], language)
        changed = "\n".join(
            start + "".join(self._known.get((language, piece), piece) for piece in some) + end
            for start, some, end in lines
        )
        return changed if is_faithful(text, changed, language) else None

    def prepare(self, texts: Sequence[str], language: str) -> None:
        """Translate the texts that will be needed, many at a time."""
        if len(self._known) > MAX_REMEMBERED:
            self._known.clear()
        new: dict[str, None] = {}
        for text in texts:
            if _SURROGATE.search(text):
                continue
            for _, middle, _ in map(split_edges, text.split("\n")):
                for piece in self._split(middle):
                    if (
                        _has_words(piece)
                        and len(piece) <= self._max_characters
                        and not self._load_remembered(piece, language)
                    ):
                        new[piece] = None
        for piece, found in zip(new, self._translator.translate_back(list(new), language), strict=True):
            self._known[language, piece] = " ".join(found.split())
            if self._memory:
                self._memory.put(self._name, language, piece, self._known[language, piece])

    @property
    def _max_characters(self) -> int:
        return MAX_CHARACTERS if self._translator.by_sentence else 4 * MAX_CHARACTERS

    def _load_remembered(self, piece: str, language: str) -> bool:
        if (language, piece) not in self._known and self._memory:
            known = self._memory.get(self._name, language, piece)
            if known is not None:
                self._known[language, piece] = known
        return (language, piece) in self._known

    def _split(self, text: str) -> list[str]:
        return list(_split_sentences(text)) if self._translator.by_sentence else [text]


def is_faithful(text: str, changed: str, language: str) -> bool:
    """Return whether a copy keeps script, length, negation, numbers, links, tags, placeholders and emoji of a text."""
    has_han = _HAN.search(changed) is not None
    if (language == "zh" and not has_han) or (language != "zh" and has_han and not _HAN.search(text)):
        return False
    if not changed.strip() or not 1 / RATIO <= (len(changed) + 10) / (len(text) + 10) <= RATIO:
        return False
    return _list_untranslated(text) == _list_untranslated(changed) and has_negation(text, language) == has_negation(
        changed, language
    )


def has_negation(text: str, language: str) -> bool:
    """Return whether a text has a word that negates."""
    if language == "zh":
        return not set(CHINESE_NEGATIONS).isdisjoint(text)
    words = {word.lower().replace("’", "'") for word in _WORD.findall(text)}
    return not words.isdisjoint(NEGATIONS) or any(word.endswith("n't") for word in words)


def build_back_translation(options: AugmenterOptions) -> Augmenter:
    """Return the augmenter for a translator. Raises the errors of `open_translator`."""
    name = choose_translator(options.translator)
    translator = open_translator(name)
    change = BackTranslation(translator, name, options.memory)
    return Augmenter(
        change, languages=translator.languages, is_soft=True, build=build_back_translation, prepare=change.prepare
    )


@functools.cache
def _build_default(name: str) -> Augmenter:
    return build_back_translation(AugmenterOptions(translator=name))


def _change_by_default(text: str, context: AugmentationContext) -> str | None:
    return _build_default(choose_translator(None)).change(text, context)


def _split_sentences(text: str) -> Iterator[str]:
    start = 0
    for match in _SENTENCES.finditer(text):
        yield text[start : match.start()]
        yield match.group()
        start = match.end()
    yield text[start:]


def _has_words(text: str) -> bool:
    return any(map(str.isalpha, text))


def _list_untranslated(text: str) -> list[str]:
    return sorted([*(text[first:last] for first, last in find_untranslated(text)), *_NUMBER.findall(text)])


BACK_TRANSLATION = Augmenter(_change_by_default, languages=("en",), is_soft=True, build=build_back_translation)
