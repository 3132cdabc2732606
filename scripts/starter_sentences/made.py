"""`made_sentences`: the sentences of both languages, without duplicates."""

from __future__ import annotations

import random

from starter_sentences import chinese, english
from starter_sentences.parts import Parts, Sentence


def made_sentences(count: int, *, seed: int = 0) -> list[Sentence]:
    """Return different sentences: the plain ones and up to `count` composed ones for each language."""
    found: dict[str, Sentence] = {}
    for maker, language in ((english, "en"), (chinese, "zh")):
        for sentence in maker.sentences(Parts(language, random.Random(f"{seed}{language}")), count):
            found.setdefault(sentence.text, sentence)
    return list(found.values())
