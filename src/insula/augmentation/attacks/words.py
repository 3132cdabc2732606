"""Candidates of the attack on words: English synonyms from WordNet, as in PWWS (Ren et al. 2019).

Candidates may be rare words, and a word needs no single sense (`wordnet.WIDE`), so more of them miss the meaning than
with the augmenter `synonyms`. Words with a negation stay. Inflected words keep their form, and "a" and "an" stay right.
"""

from __future__ import annotations

import random

from insula.augmentation.attacks.characters import MOST
from insula.augmentation.attacks.search import Sentence
from insula.augmentation.wordnet import WIDE, load_thesaurus
from insula.text.protected_words import NEGATIONS


def find_synonym_edits(sentence: Sentence, place: int, chance: random.Random) -> list[str]:
    """Return synonyms of the word at a place."""
    word = sentence.words[place]
    if word.lower() in NEGATIONS:
        return []
    before = next((one for one in reversed(sentence.words[:place]) if one.isalnum()), "")
    found = list(load_thesaurus(WIDE).find(word, before))
    return chance.sample(found, MOST) if len(found) > MOST else found
