"""Token numbers of texts by way of their words, each tokenised once: most words of a text have been seen before.

A tokenizer is here one of the library `tokenizers`, as `tokenization.TextTokenizer` opens it.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]  # the garbage collector passes tuples of numbers by, as it does not lists
_MOST_WORDS = 200_000
_FEW = 64
_AT_ONCE = 256  # words in one call of the tokenizer
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


class TokenCache:
    """What `tokenizer`, which must not cut texts, makes of each word; at most `max_tokens` a text."""

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
        found = dict(zip(unseen, self._tokens(unseen), strict=True))
        long = {word: found.pop(word) for word in unseen if len(word) > _LONGEST}
        known.update(found)
        return known, long

    def _tokens(self, words: Sequence[str]) -> Iterator[Ids]:
        # A lone surrogate has no UTF-8 form and the tokenizer refuses it: it becomes the replacement character.
        clean = [word if word.isascii() else word.encode("utf-8", "replace").decode("utf-8") for word in words]
        if len(clean) <= _FEW or self._mark is None:  # a batch wakes threads, for which one text would wait
            yield from map(self._tokens_of, clean)
            return
        # A text of many words takes a fifth of the time that a text for each takes.
        some = [clean[first : first + _AT_ONCE] for first in range(0, len(clean), _AT_ONCE)]
        between, mark = f" {self._mark} ", self._tokenizer.token_to_id(self._mark)
        texts = self._tokenizer.encode_batch_fast([between.join([*part, ""]) for part in some])
        for part, text in zip(some, texts, strict=True):
            ids, first = text.ids, 0
            if ids.count(mark) != len(part):  # one of the words has it, too
                yield from map(self._tokens_of, part)
                continue
            for _ in part:
                end = ids.index(mark, first)
                yield tuple(ids[first:end])
                first = end + 1

    def _tokens_of(self, word: str) -> Ids:
        return tuple(self._tokenizer.encode(word).ids)

    @functools.cached_property
    def _mark(self) -> str | None:
        """A token that hardly any word has, to stand between words; None where there is none."""
        added = self._tokenizer.get_added_tokens_decoder().values()
        plain = (one.content for one in added if one.special and not (one.normalized or one.lstrip or one.rstrip))
        return next(plain, None)
