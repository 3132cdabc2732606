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
    """The most frequent words of the training texts, numbered by count, those that stand there `least` times."""

    def __init__(self, texts: Sequence[str], language: str, size: int, least: int = 1) -> None:
        counts = Counter(word for text in texts for word in words(text, language))
        frequent = [word for word, count in counts.most_common(size - 2) if count >= least]
        self.language = language
        self.numbers = {word: number for number, word in enumerate(frequent, start=2)}

    def __len__(self) -> int:
        return len(self.numbers) + 2

    def __call__(self, text: str, most: int) -> list[int]:
        """Return the numbers of the first `most` words."""
        return [self.numbers.get(word, UNKNOWN) for word in words(text, self.language)[:most]]
