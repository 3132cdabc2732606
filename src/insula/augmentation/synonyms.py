"""`synonyms`: words are replaced by synonyms, the third of the four operations of EDA (Wei and Zou 2019).

English synonyms come from WordNet. Chinese ones share a gloss in CC-CEDICT, and the bilingual encoder finds them close
to the word, alone and in the text. Words that negate, intensify or contrast stay, as in `word_edits`.
"""

from __future__ import annotations

import functools

from insula.augmentation import cedict
from insula.augmentation.registry import AugmentationContext, Augmenter, AugmenterOptions
from insula.augmentation.word_edits import SHARE, is_protected
from insula.augmentation.wordnet import iterate_synonyms
from insula.augmentation.words import join_words, split_words
from insula.models.bilingual.sentence_encoder import load_sentence_encoder

CLOSE_WORDS = 0.92
"""Least cosine similarity of a Chinese word and its synonym."""
CLOSE_TEXTS = 0.975
"""Least cosine similarity of a Chinese text with a word and with its synonym; opposites are below."""


def replace_by_synonyms(text: str, context: AugmentationContext) -> str | None:
    """Replace a tenth of the words, at least one, by synonyms."""
    if context.language == "zh":
        return _replace_chinese(text, context)
    words, gaps = split_words(text, context.language)
    options = {place: found for place, found in iterate_synonyms(words) if not is_protected(words[place])}
    if not options:
        return None
    count = min(len(options), max(1, round(SHARE * len(words))))
    for place in context.random.sample(sorted(options), count):
        words[place] = context.random.choice(options[place])
    return join_words(words, gaps)


def _replace_chinese(text: str, context: AugmentationContext) -> str | None:
    if not cedict.is_installed():
        return None
    words, gaps = split_words(text, "zh")
    options = {
        place: found
        for place, word in enumerate(words)
        if not is_protected(word)
        if (found := find_close_synonyms(word))
    }
    count = max(1, round(SHARE * len(words)))
    changed = list(words)
    for place in context.random.sample(sorted(options), len(options)):
        if count == 0:
            break
        texts = [join_words([*words[:place], other, *words[place + 1 :]], gaps) for other in options[place]]
        similar = load_sentence_encoder().compare(text, texts)
        close = [other for other, one in zip(options[place], similar, strict=True) if one >= CLOSE_TEXTS]
        if close:
            changed[place] = context.random.choice(close)
            count -= 1
    return join_words(changed, gaps)


@functools.lru_cache(maxsize=20_000)
def find_close_synonyms(word: str) -> tuple[str, ...]:
    """Return the candidates for a Chinese word that are frequent and close to it."""
    others = cedict.find_candidates(word)
    if not others:
        return ()
    encoder = load_sentence_encoder()
    frequent = [other for other in others if encoder.is_piece(other)]
    similar = encoder.compare(word, frequent)
    return tuple(other for other, one in zip(frequent, similar, strict=True) if one >= CLOSE_WORDS)


def build_synonyms(_: AugmenterOptions) -> Augmenter:
    """Return the augmenter for the installed dictionaries; raises `MissingExtraError` if Chinese lacks the encoder."""
    if not cedict.is_installed():
        return Augmenter(replace_by_synonyms, languages=("en",), is_soft=True, hints={"zh": cedict.INSTALL})
    load_sentence_encoder()
    return SYNONYMS


SYNONYMS = Augmenter(replace_by_synonyms, is_soft=True, build=build_synonyms)
