"""Candidates of the attack on words: synonyms, as in PWWS (Ren et al. 2019), English from WordNet.

Candidates may be rare words, and a word needs no single sense (`wordnet.WIDE`), so more of them miss the meaning than
with the augmenter `synonyms`. Words with a negation stay. Inflected words keep their form, and "a" and "an" stay right.
Chinese synonyms are those of the augmenter, before it looks at the text.
"""

from __future__ import annotations

import random
import re

from insula.augmentation import cedict
from insula.augmentation.attacks.characters import MAX_EDITS
from insula.augmentation.attacks.search import SplitText
from insula.augmentation.synonyms import find_close_synonyms
from insula.augmentation.wordnet import WIDE, load_thesaurus
from insula.text.protected_words import CHINESE_NEGATIONS, NEGATIONS
from insula.text.scripts import HAN

_CHINESE = re.compile(f"[{HAN}]+")


def find_synonym_edits(sentence: SplitText, place: int, chance: random.Random) -> list[str]:
    """Return synonyms of the word at a position."""
    word = sentence.words[place]
    if word.lower() in NEGATIONS:
        return []
    if _CHINESE.fullmatch(word):
        is_fixed = not cedict.is_installed() or not set(CHINESE_NEGATIONS).isdisjoint(word)
        return [] if is_fixed else list(find_close_synonyms(word))
    before = next((one for one in reversed(sentence.words[:place]) if one.isalnum()), "")
    found = list(load_thesaurus(WIDE).find(word, before))
    return chance.sample(found, MAX_EDITS) if len(found) > MAX_EDITS else found
