"""`TokenCache`: tokenises each distinct word only once, because most words of a text have occurred before.

Tokenizers here are those of the library `tokenizers`, as opened by `tokenization.TextTokenizer`.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]  # the garbage collector does not track tuples of numbers, unlike lists
_MAX_WORDS = 200_000
_MAX_SINGLE_WORDS = 64  # up to this number, words are tokenised one by one
_WORDS_PER_TEXT = 256  # words joined to one text for the tokenizer
_MAX_CHARACTERS = 40  # longer words are not cached, to limit memory

_SPLITS_AT_SPACE = ("BertPreTokenizer", "WhitespaceSplit", "Whitespace")
_LOCAL_NORMALIZERS = ("BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")


def tokenizes_word_by_word(tokenizer: Any, *, pattern: str) -> bool:
    """Return whether the tokens of a text always equal the concatenated tokens of its space-separated words.

    pattern  a regular expression of a `Split` that neither matches a space nor looks across one
    """
    if tokenizer.num_special_tokens_to_add(False):
        return False
    before, normalizer = _get_state(tokenizer.pre_tokenizer), _get_state(tokenizer.normalizer)
    first, *others = before.get("pretokenizers", [before])
    if first.get("type") == "Split":
        splits = first.get("pattern") == {"Regex": pattern} and first.get("behavior") == "Removed" and first["invert"]
    else:
        splits = first.get("type") in _SPLITS_AT_SPACE
    marks = all(one.get("type") == "Metaspace" and one.get("prepend_scheme") == "always" for one in others)
    normal = normalizer.get("normalizers", [normalizer] if normalizer else [])
    return splits and marks and all(_is_local(one) for one in normal)


def _get_state(component: Any) -> dict[str, Any]:
    state: dict[str, Any] = {} if component is None else json.loads(component.__getstate__())
    return state


def _is_local(normalizer: dict[str, Any]) -> bool:
    if normalizer.get("type") == "Replace":  # replaces several spaces by one
        return str(normalizer["pattern"].get("String", "-")).isspace() and normalizer["content"] == " "
    return normalizer.get("type") in _LOCAL_NORMALIZERS


class TokenCache:
    """Caches the tokens of words. `tokenizer` must not truncate."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, Ids] = {"": ()}

    def __call__(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token ids of all texts, concatenated, and the number of tokens of each text."""
        split = [text.split(" ") for text in texts]
        known, long = self._look_up(set(itertools.chain.from_iterable(split)))
        numbers: list[int] = []
        ends = []
        for words in split:
            for word in words:
                try:
                    numbers += known[word]
                except KeyError:
                    numbers += long[word]
            ends.append(len(numbers))
        lengths = np.array(ends, dtype=np.int64)
        lengths[1:] -= lengths[:-1].copy()
        return np.array(numbers, dtype=np.int64), lengths

    def _look_up(self, words: set[str]) -> tuple[dict[str, Ids], dict[str, Ids]]:
        """Return the cached tokens, which include these words, and the tokens of words too long for the cache."""
        known = self._known
        unseen = [word for word in words if word not in known]
        if not unseen:
            return known, {}
        if len(known) + len(unseen) > _MAX_WORDS:
            # A new dictionary instead of clearing this one, because another thread may be reading it.
            known = self._known = {"": ()}
            unseen = [word for word in words if word]
        found = dict(zip(unseen, self._iterate_tokens(unseen), strict=True))
        long = {word: found.pop(word) for word in unseen if len(word) > _MAX_CHARACTERS}
        known.update(found)
        return known, long

    def _iterate_tokens(self, words: Sequence[str]) -> Iterator[Ids]:
        # A lone surrogate has no UTF-8 form and the tokenizer rejects it: use the replacement character.
        clean = [word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8") for word in words]
        if len(clean) <= _MAX_SINGLE_WORDS or self._mark is None:  # a batch would first wake threads
            yield from map(self._tokenize_word, clean)
            return
        # One text of many words takes a fifth of the time of one text per word.
        blocks = [clean[first : first + _WORDS_PER_TEXT] for first in range(0, len(clean), _WORDS_PER_TEXT)]
        between, mark = f" {self._mark} ", self._tokenizer.token_to_id(self._mark)
        texts = self._tokenizer.encode_batch_fast([between.join([*block, ""]) for block in blocks])
        for block, text in zip(blocks, texts, strict=True):
            ids, first = text.ids, 0
            if ids.count(mark) != len(block):  # a word contains the mark
                yield from map(self._tokenize_word, block)
                continue
            for _ in block:
                end = ids.index(mark, first)
                yield tuple(ids[first:end])
                first = end + 1

    def _tokenize_word(self, word: str) -> Ids:
        return tuple(self._tokenizer.encode(word).ids)

    @functools.cached_property
    def _mark(self) -> str | None:
        """A special token to separate words, which hardly any word contains; None if there is none."""
        added = self._tokenizer.get_added_tokens_decoder().values()
        plain = (one.content for one in added if one.special and not (one.normalized or one.lstrip or one.rstrip))
        return next(plain, None)
