"""`homophone` and `pinyin`: the typing errors of people who write Chinese by pinyin.

`homophone` chooses another character of the same syllable, as a wrong choice from the list of an input method;
`pinyin` one of a syllable that is easily confused or mistyped (zh and z, n and l, in and ing). Both choose among the
3,755 common characters of GB 2312 (level 1).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.core.environment import require
from insula.text.scripts import HAN
from insula.text.sounds import FINALS, INITIALS, KEPT

require("pypinyin", extra="augmentation", purpose="make typing errors of pinyin")

from pypinyin.pinyin_dict import pinyin_dict  # noqa: E402 - only with the extra

SHARE = 0.05
"""The share of Chinese characters that are replaced, at least one."""
_CHARACTER = re.compile(f"[{HAN}]")


def replace_by_homophone(text: str, context: AugmentationContext) -> str | None:
    """Replace characters by others of the same syllable."""
    return _replace_characters(text, context, find_homophones)


def replace_by_neighbour(text: str, context: AugmentationContext) -> str | None:
    """Replace characters by others of a syllable that is easily confused."""
    return _replace_characters(text, context, find_near_homophones)


def find_neighbours(syllable: str) -> tuple[str, ...]:
    """Return the syllables that differ from a toneless one by a confusable initial or final."""
    found = []
    for pairs, is_final in ((INITIALS, False), (FINALS, True)):
        for pair in pairs:
            # The longer sound first: zhi begins with z, too.
            here = next((one for one in pair if (syllable.endswith if is_final else syllable.startswith)(one)), None)
            if here is None:
                continue
            there = pair[1 - pair.index(here)]
            found.append(syllable[: -len(here)] + there if is_final else there + syllable[len(here) :])
    return tuple(found)


@functools.cache
def find_homophones(character: str) -> str:
    """Return the common characters of the same syllable; none for negations."""
    return _find_others(character, lambda syllable: (syllable,))


@functools.cache
def find_near_homophones(character: str) -> str:
    """Return the common characters of easily confused syllables; none for negations."""
    return _find_others(character, find_neighbours)


def _find_others(character: str, sounds: Callable[[str], tuple[str, ...]]) -> str:
    characters_of, syllable_of = _load_tables()
    syllable = syllable_of.get(character)
    if syllable is None or character in KEPT:
        return ""
    found = "".join(characters_of.get(sound, "") for sound in sounds(syllable))
    return "".join(other for other in found if other != character and other not in KEPT)  # 部 is not written 不


def _replace_characters(text: str, context: AugmentationContext, find: Callable[[str], str]) -> str | None:
    options = {match.start(): others for match in _CHARACTER.finditer(text) if (others := find(match[0]))}
    if not options:
        return None
    characters = list(text)
    for place in context.random.sample(sorted(options), max(1, round(SHARE * len(options)))):
        characters[place] = context.random.choice(options[place])
    return "".join(characters)


@functools.cache
def _load_tables() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the common characters of each toneless syllable, and the most frequent syllable of each character."""
    syllable_of = {chr(code): strip_tone(readings.partition(",")[0]) for code, readings in pinyin_dict.items()}
    characters_of: dict[str, str] = {}
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            character = bytes([row, cell]).decode("gb2312", "ignore")
            if character in syllable_of:
                syllable = syllable_of[character]
                characters_of[syllable] = characters_of.get(syllable, "") + character
    return characters_of, syllable_of


def strip_tone(syllable: str) -> str:
    """Return a syllable without the mark of its tone, with v for ü as on a keyboard."""
    marked = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(letter for letter in marked if not unicodedata.combining(letter))


HOMOPHONE = Augmenter(replace_by_homophone, languages=("zh",))
PINYIN = Augmenter(replace_by_neighbour, languages=("zh",))
