"""`made_sentences`: the sentences of both languages, without duplicates."""

from __future__ import annotations

import random

from starter_sentences import chinese, english
from starter_sentences.parts import Parts, Sentence
from starter_sentences.similar import without_similar


def made_sentences(count: int, *, seed: int = 0, more: bool = False) -> list[Sentence]:
    """Return different sentences, none of them almost one of the evaluation: the plain ones and up to `count` composed ones for each language.

    more  also use the parts of the second stage of training
    """
    found: dict[str, Sentence] = {}
    for maker, language in ((english, "en"), (chinese, "zh")):
        for sentence in maker.sentences(Parts(language, random.Random(f"{seed}{language}"), more=more), count):
            found.setdefault(sentence.text, sentence)
    return list(without_similar(found.values()))
