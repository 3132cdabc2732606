"""`NgramTfidf`: counts the n-grams of texts and weighs them by TF-IDF, as scikit-learn's `TfidfVectorizer` does.

scikit-learn learns the vocabulary. Predictions do without it: importing it takes more than half of the time in which a
`linear` model starts and answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

WORD = r"\w+|[^\w\s]"  # punctuation counts as a word: "!" and "?" carry emotion
_SPACES = re.compile(r"\s\s+")

Unit = Literal["word", "char_wb", "char"]
"""Units to count, under scikit-learn's names: words, characters within words, characters."""


@dataclass(frozen=True)
class NgramTfidf:
    """Learned TF-IDF: prepared texts to a sparse (rows, n-grams) matrix, each row of length one.

    unit        what is counted
    sizes       shortest and longest n-gram
    vocabulary  the column of each n-gram, in the order of the columns
    idf         (n-grams,) float32 inverse document frequencies
    """

    unit: Unit
    sizes: tuple[int, int]
    vocabulary: dict[str, int]
    idf: NDArray[np.float32]

    @classmethod
    def fit(
        cls, unit: Unit, sizes: tuple[int, int], texts: Sequence[str], *, min_df: int
    ) -> tuple[NgramTfidf, csr_matrix]:
        """Learn the n-grams that at least `min_df` texts contain; return them and the matrix of the texts.

        Raises `ValueError` if there is none.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer=unit, ngram_range=sizes, token_pattern=WORD if unit == "word" else None,
            min_df=min_df, sublinear_tf=True, dtype=np.float32,
        )  # fmt: skip
        matrix = vectorizer.fit_transform(texts)
        vocabulary = {ngram: column for column, ngram in enumerate(vectorizer.get_feature_names_out())}
        return cls(unit, sizes, vocabulary, vectorizer.idf_), matrix

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features of prepared texts: (1 + log count) times idf, divided by the length of the row."""
        split, column_of = _SPLITTERS[self.unit], self.vocabulary.get
        columns: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            for ngram, count in Counter(split(text.lower(), *self.sizes)).items():
                column = column_of(ngram)
                if column is not None:
                    columns.append(column)
                    counts.append(count)
            ends.append(len(columns))
        matrix = csr_matrix(
            (np.array(counts, dtype=np.float32), np.array(columns, dtype=np.int32), np.array(ends)),
            shape=(len(texts), len(self.idf)),
        )
        matrix.sort_indices()
        values = (np.log(matrix.data) + np.float32(1.0)) * self.idf[matrix.indices]
        rows = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        lengths = np.sqrt(np.bincount(rows, weights=values * values, minlength=len(texts)))
        matrix.data = (values / lengths[rows]).astype(np.float32)
        return matrix


def _split_words(text: str, shortest: int, longest: int) -> list[str]:
    words = re.findall(WORD, text)
    sizes = range(shortest, min(longest, len(words)) + 1)
    return [" ".join(words[start : start + size]) for size in sizes for start in range(len(words) - size + 1)]


def _split_characters(text: str, shortest: int, longest: int) -> list[str]:
    text = _SPACES.sub(" ", text)
    sizes = range(shortest, min(longest, len(text)) + 1)
    return [text[start : start + size] for size in sizes for start in range(len(text) - size + 1)]


def _split_words_into_characters(text: str, shortest: int, longest: int) -> list[str]:
    return [ngram for word in text.split() for ngram in _split_word(word, shortest, longest)]


@lru_cache(maxsize=4096)  # a few words make up most of any text
def _split_word(word: str, shortest: int, longest: int) -> tuple[str, ...]:
    run = f" {word} "
    sizes = range(shortest, min(longest, max(len(run), shortest)) + 1)  # a short word is counted once
    return tuple(run[start : start + size] for size in sizes for start in range(max(len(run) - size + 1, 1)))


_SPLITTERS: dict[Unit, Callable[[str, int, int], list[str]]] = {
    "word": _split_words,
    "char": _split_characters,
    "char_wb": _split_words_into_characters,
}
