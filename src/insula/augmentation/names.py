"""`names`: first names become others of the same gender, so that pronouns stay right. `set_names` changes the gender.

English: the names of Kiritchenko and Mohammad (2018), "Examining Gender and Race Bias in Two Hundred Sentiment Analysis
Systems", in pairs of one group. Chinese: frequent given names of one gender.
"""

from __future__ import annotations

import re
from typing import Literal

from insula.augmentation.registry import AugmentationContext, Augmenter

_ENGLISH = """
Adam Amanda | Alan Betsy | Andrew Courtney | Frank Ellen | Harry Heather | Jack Katie | Josh Kristin | Justin Melanie |
Roger Nancy | Ryan Stephanie | Alonzo Ebony | Alphonse Jasmine | Darnell Lakisha | Jamel Latisha | Jerome Latoya |
Lamar Nichelle | Leroy Shaniqua | Malik Shereen | Terrence Tanisha | Torrance Tia
"""
_CHINESE = "志强 桂英 | 志明 秀英 | 建华 秀兰 | 国栋 淑珍 | 文杰 雅婷 | 俊杰 欣怡 | 子轩 梓涵"
_FEMALE: dict[str, str] = dict(pair.split() for pair in f"{_ENGLISH}|{_CHINESE}".split("|"))
_MALE = {female: male for male, female in _FEMALE.items()}


def _compile(names: dict[str, str]) -> re.Pattern[str]:
    english = "|".join(name for name in names if name.isascii())
    chinese = "|".join(name for name in names if not name.isascii())
    return re.compile(rf"\b(?:{english})\b|{chinese}")


_MALE_NAME, _FEMALE_NAME = _compile(_FEMALE), _compile(_MALE)


def set_names(text: str, gender: Literal["female", "male"]) -> str:
    """Return the text with every first name of the table in one gender; unchanged if they are."""
    if gender == "female":
        return _MALE_NAME.sub(lambda match: _FEMALE[match[0]], text)
    return _FEMALE_NAME.sub(lambda match: _MALE[match[0]], text)


def swap_names(text: str, context: AugmentationContext) -> str | None:
    """Replace every first name of the table; the same name becomes the same other one."""
    chosen: dict[str, str] = {}
    for names, pattern in ((_FEMALE, _MALE_NAME), (_MALE, _FEMALE_NAME)):
        for name in dict.fromkeys(pattern.findall(text)):
            others = [
                other for other in names
                if other.isascii() == name.isascii() and other not in text and other not in chosen.values()
            ]  # fmt: skip
            if others:
                chosen[name] = context.random.choice(others)
    return re.sub("|".join(map(_add_word_boundaries, chosen)), lambda match: chosen[match[0]], text) if chosen else None


def _add_word_boundaries(name: str) -> str:
    return rf"\b{name}\b" if name.isascii() else name


NAMES = Augmenter(swap_names)
