"""`synonyms`: words are replaced by synonyms from WordNet, the third of the four operations of EDA (Wei and Zou 2019).

Words that negate, intensify or contrast stay, as in `word_edits`.
"""

from __future__ import annotations

from insula.augmentation.registry import Augmenter, Situation
from insula.augmentation.word_edits import SHARE, is_protected
from insula.augmentation.wordnet import iterate_synonyms
from insula.augmentation.words import join_words, split_words


def replace_by_synonyms(text: str, situation: Situation) -> str | None:
    """Replace a tenth of the words, at least one, by synonyms."""
    words, gaps = split_words(text, situation.language)
    options = {place: found for place, found in iterate_synonyms(words) if not is_protected(words[place])}
    if not options:
        return None
    count = min(len(options), max(1, round(SHARE * len(words))))
    for place in situation.random.sample(sorted(options), count):
        words[place] = situation.random.choice(options[place])
    return join_words(words, gaps)


SYNONYMS = Augmenter(replace_by_synonyms, languages=("en",), is_soft=True)
