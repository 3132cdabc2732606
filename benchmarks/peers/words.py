"""Texts to word numbers, as the reference networks read them: 0 is padding, 1 an unknown word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

PADDING, UNKNOWN = 0, 1
# What the Keras text tokenizer takes out by default.
FILTERED = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def words(text: str, language: str) -> list[str]:
    """Return lower-case words without ASCII punctuation; Chinese is segmented by rjieba."""
    if language == "zh":
        import rjieba

        return [word for word in rjieba.cut(text) if word.strip()]
    return text.lower().translate(FILTERED).split()


class Vocabulary:
    """The most frequent words of the training texts, numbered by count."""

    def __init__(self, texts: Sequence[str], language: str, size: int) -> None:
        counts = Counter(word for text in texts for word in words(text, language))
        self.language = language
        self.numbers = {word: number for number, (word, _) in enumerate(counts.most_common(size - 2), start=2)}

    def __call__(self, text: str, most: int) -> list[int]:
        """Return the numbers of the first `most` words."""
        return [self.numbers.get(word, UNKNOWN) for word in words(text, self.language)[:most]]
