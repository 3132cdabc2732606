"""Token numbers of texts by way of their words, each tokenised once: most words of a text have been seen before.

A tokenizer is here one of the library `tokenizers`, as `tokenization.TextTokenizer` opens it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]  # the garbage collector passes tuples of numbers by, as it does not lists
_MOST_WORDS = 200_000
_FEW = 64
_LONGEST = 40  # characters; longer words are tokenised anew each time, so that memory stays small

_SPLITS_AT_SPACE = ("BertPreTokenizer", "WhitespaceSplit", "Whitespace")
_LOCAL_NORMALIZERS = ("BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")


def reads_word_by_word(tokenizer: Any, *, pattern: str) -> bool:
    """Return True where the tokens of a text are surely those of its words between spaces, one after another.

    pattern  a regular expression of a `Split` that matches no space and does not look beyond one
    """
    if tokenizer.num_special_tokens_to_add(False):
        return False
    before, normalizer = _state(tokenizer.pre_tokenizer), _state(tokenizer.normalizer)
    first, *others = before.get("pretokenizers", [before])
    if first.get("type") == "Split":
        splits = first.get("pattern") == {"Regex": pattern} and first.get("behavior") == "Removed" and first["invert"]
    else:
        splits = first.get("type") in _SPLITS_AT_SPACE
    marks = all(one.get("type") == "Metaspace" and one.get("prepend_scheme") == "always" for one in others)
    normal = normalizer.get("normalizers", [normalizer] if normalizer else [])
    return splits and marks and all(_is_local(one) for one in normal)


def _state(part: Any) -> dict[str, Any]:
    state: dict[str, Any] = {} if part is None else json.loads(part.__getstate__())
    return state


def _is_local(normalizer: dict[str, Any]) -> bool:
    if normalizer.get("type") == "Replace":  # several spaces by one
        return str(normalizer["pattern"].get("String", "-")).isspace() and normalizer["content"] == " "
    return normalizer.get("type") in _LOCAL_NORMALIZERS


class TokenMemory:
    """What `tokenizer` makes of each word; at most `max_tokens` a text."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._known: dict[str, Ids] = {"": ()}

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token numbers of all texts one after another, and how many each text has."""
        split = [text.split(" ") for text in texts]
        known, long = self._learnt(set(itertools.chain.from_iterable(split)))
        numbers: list[int] = []
        ends = []
        for words in split:
            longest = len(numbers) + self._max_tokens
            for word in words:
                try:
                    numbers += known[word]
                except KeyError:
                    numbers += long[word]
            del numbers[longest:]
            ends.append(len(numbers))
        lengths = np.array(ends, dtype=np.int64)
        lengths[1:] -= lengths[:-1].copy()
        return np.array(numbers, dtype=np.int64), lengths

    def _learnt(self, words: set[str]) -> tuple[dict[str, Ids], dict[str, Ids]]:
        """Return the tokens of these words and more, and of those too long to be remembered."""
        known = self._known
        unseen = [word for word in words if word not in known]
        if not unseen:
            return known, {}
        if len(known) + len(unseen) > _MOST_WORDS:
            # Another dictionary, not this one emptied: another thread may be reading it.
            known = self._known = {"": ()}
            unseen = [word for word in words if word]
        # A lone surrogate has no UTF-8 form and the tokenizer refuses it: it becomes the replacement character.
        clean = [word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8") for word in unseen]
        if len(clean) <= _FEW:  # a batch wakes threads, for which one text would wait
            encoded = [self._tokenizer.encode(word) for word in clean]
        else:
            encoded = self._tokenizer.encode_batch_fast(clean)
        found = {word: tuple(one.ids) for word, one in zip(unseen, encoded, strict=True)}
        long = {word: found.pop(word) for word in unseen if len(word) > _LONGEST}
        known.update(found)
        return known, long
