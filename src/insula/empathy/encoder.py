"""`MessageEncoder`: vectors of English and Chinese texts, to compare messages and answers without torch."""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Sequence

import numpy as np

from insula.core.arrays import Float32Array
from insula.inference.risk.hidden_states import HiddenStateEncoder
from insula.models.locate import STARTER_FOLDER
from insula.text.scripts import HAN
from insula.text.stem import stem_english
from insula.text.stopwords import is_stop_word

FIRST_TRAINED_LAYER = 4  # of the starter model: `KindNetwork` replaces this layer and those above
TENSOR = f"layer_norm_{2 * FIRST_TRAINED_LAYER}"  # what that layer reads, and the score of risk, too
WORD_BUCKETS = 2048
MAX_CHARACTERS = 2_000  # of a text that are read
FEW, REMEMBERED = 32, 1_024  # up to so many texts are encoded one by one; vectors that are remembered (10 MB)
MAX_TOKENS = 96  # of a text whose states are read one by one
WORD_SHARE = 0.6  # weight of shared words in the similarity; the rest is that of the hidden states
_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = re.compile(r"[a-z][a-z']+")


class MessageEncoder:
    """Encodes texts by the words in them and by a hidden layer of the starter model, which reads both languages.

    A vector has length 1, so that a scalar product is a cosine from -1 to 1.
    """

    name = "starter"

    def __init__(self) -> None:
        self._states = HiddenStateEncoder(STARTER_FOLDER, TENSOR)
        # A message is compared by several generators, and the same templates come again and again.
        self._encode_one = functools.lru_cache(maxsize=REMEMBERED)(lambda text: self._encode_all([text])[0])

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Return (texts, width) vectors; a text without words and letters is all zeros."""
        if not texts:
            return np.zeros((0, WORD_BUCKETS), dtype=np.float32)
        some = [text[:MAX_CHARACTERS] for text in texts]
        if len(some) <= FEW:
            return np.stack([self._encode_one(text) for text in some])
        return self._encode_all(some)

    def read_states(self, text: str) -> Float32Array:
        """Return (tokens, width) the hidden states of the first `MAX_TOKENS` tokens of a text."""
        windows = [self._states.encode([text[:MAX_CHARACTERS] or " "])[0].windows[0][:MAX_TOKENS]]
        ((_, states, _),) = self._states.compute(windows)
        return np.asarray(states[0], dtype=np.float32)

    def _encode_all(self, some: Sequence[str]) -> Float32Array:
        words = np.stack([count_words(text) for text in some])
        hidden = self._average(some)
        return np.concatenate(
            [np.sqrt(WORD_SHARE) * _normalise(words), np.sqrt(1 - WORD_SHARE) * _normalise(hidden)], axis=1
        ).astype(np.float32)

    def _average(self, texts: Sequence[str]) -> Float32Array:
        """Return the mean hidden state of the first window of each text."""
        windows = [tokens.windows[0] for tokens in self._states.encode([text or " " for text in texts])]
        means: dict[int, Float32Array] = {}
        for places, states, mask in self._states.compute(windows):
            weights = mask[:, :, None].astype(np.float32)
            found = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
            means.update(zip(places.tolist(), found, strict=True))
        return np.stack([means[place] for place in range(len(texts))])


@functools.cache
def load_message_encoder() -> MessageEncoder:
    """Return the encoder; its model is opened at the first call."""
    return MessageEncoder()


def list_content_words(text: str) -> list[str]:
    """Return the stems of English words and the pairs of Chinese characters of a text, without stop words."""
    plain = text.casefold().replace("’", "'")
    stems = [stem_english(word) for word in _LATIN.findall(plain) if not is_stop_word(word)]
    pairs = [
        run[start : start + 2]
        for run in _HAN_RUN.findall(plain)
        for start in range(max(1, len(run) - 1))
        if not is_stop_word(run[start : start + 2])
    ]
    return stems + pairs


def count_words(text: str) -> Float32Array:
    """Return (WORD_BUCKETS,) the square roots of the counts of the content words, by a hash that never changes."""
    counts = np.zeros(WORD_BUCKETS, dtype=np.float32)
    for word in list_content_words(text):
        counts[zlib.crc32(word.encode("utf-8", "replace")) % WORD_BUCKETS] += 1
    return np.sqrt(counts)


def _normalise(rows: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
