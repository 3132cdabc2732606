"""Candidates of the attack on characters: typing errors that a reader corrects without noticing.

English as in DeepWordBug (Gao et al. 2018), Chinese by sound and by halves (`augmentation.misspellings`).
"""

from __future__ import annotations

import random

from insula.augmentation.attacks.search import SplitText
from insula.augmentation.misspellings import find_misspellings

MAX_EDITS = 12
"""Candidates of a word."""


def find_character_edits(sentence: SplitText, place: int, chance: random.Random) -> list[str]:
    """Return words that differ by one character from the word at a position."""
    found = find_misspellings(sentence.words[place])
    return chance.sample(found, MAX_EDITS) if len(found) > MAX_EDITS else list(found)
