"""`made_sentences`: the sentences of both languages, without duplicates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from starter_sentences import chinese, english
from starter_sentences.parts import Parts, Sentence
from starter_sentences.second import second_sentences
from starter_sentences.similar import without_similar
from starter_sentences.traditional import to_traditional

MAKERS = {"en": english, "zh": chinese}


def made_sentences(count: int, *, seed: int = 0, more: bool = False, second: int = 0) -> list[Sentence]:
    """Return different sentences, none of them almost one of the evaluation: the plain ones and up to `count` composed ones for each language.

    more    also use the parts of the second stage of training
    second  number of composed sentences of each language that only the second stage has
    """
    found: dict[str, Sentence] = {}
    for language, maker in MAKERS.items():
        parts = Parts(language, random.Random(f"{seed}{language}"), more=more)
        for sentence in maker.sentences(parts, count):
            found.setdefault(sentence.text, sentence)
        for sentence in _partly_traditional(parts, second_sentences(parts, second, maker.close)) if second else ():
            found.setdefault(sentence.text, sentence)
    return list(without_similar(found.values()))


def _partly_traditional(parts: Parts, sentences: Iterator[Sentence]) -> Iterator[Sentence]:
    for sentence in sentences:
        is_traditional = parts.language == "zh" and parts.random.random() < chinese.TRADITIONAL_SHARE
        yield replace(sentence, text=to_traditional(sentence.text)) if is_traditional else sentence
