"""Tokenisation, identical in training and at prediction.

A model folder stores it as `tokenizer.json` (vocabulary and rules) and `tokens.json` (the maximum number of tokens, and
the number of outputs of the model).
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from insula.core.errors import ModelFolderError
from insula.core.files import write_json
from insula.models.tokens.token_cache import TokenCache, reads_word_by_word
from insula.models.tokens.vocabulary import WORD
from insula.text.context import Segments

UNKNOWN = ("[UNK]", "<unk>", "<UNK>")
TOKENIZER = "tokenizer.json"
SETTINGS = "tokens.json"


class TextTokenizer:
    """A fast tokenizer that truncates texts to `max_tokens`, including special tokens, and never pads.

    In a pair the longer segment is truncated first, so a text loses tokens only if it needs more than half of
    `max_tokens`.
    """

    def __init__(self, file: Path, *, max_tokens: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            raise ModelFolderError(f"The tokenizer {str(file)!r} cannot be read: {error}. Copy it again.") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        if self._tokenizer.num_special_tokens_to_add(False):  # truncation keeps special tokens
            self._tokenizer.enable_truncation(max_length=max_tokens)
        self.max_tokens = max_tokens
        self._unknown = {self._tokenizer.token_to_id(token) for token in UNKNOWN} - {None}

    def __call__(self, texts: Sequence[Segments]) -> list[NDArray[np.int64]]:
        """Return one array of token ids per text or pair, of different lengths (at least 1)."""
        clean = [_clean(text) if isinstance(text, str) else (_clean(text[0]), _clean(text[1])) for text in texts]
        # Without special tokens an empty text has no tokens, but a model needs at least one.
        rows = self._tokenizer.encode_batch_fast(clean)
        return [np.asarray(row.ids[: self.max_tokens] or [0], dtype=np.int64) for row in rows]

    def encode_with_places(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token numbers of one text, and (tokens, 2) where each starts and ends in it."""
        encoding = self._tokenizer.encode(_clean(text))
        ids, places = encoding.ids[: self.max_tokens], encoding.offsets[: self.max_tokens]
        return np.asarray(ids, dtype=np.int64), np.asarray(places, dtype=np.int64).reshape(-1, 2)

    def encode_flat(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token ids of all texts, concatenated, and the number of tokens of each text (0 or more)."""
        if self._cache is not None:
            return self._cache(texts)
        clean = [_clean(text) for text in texts]
        rows = [encoding.ids[: self.max_tokens] for encoding in self._tokenizer.encode_batch_fast(clean)]
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        return np.fromiter(itertools.chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum())), lengths

    @functools.cached_property
    def _cache(self) -> TokenCache | None:
        """The tokens of known words; None if the tokens of a text are not those of its words."""
        local = reads_word_by_word(self._tokenizer, pattern=WORD)
        return TokenCache(self._tokenizer, self.max_tokens) if local else None

    @functools.cached_property
    def separator(self) -> int | None:
        """The id of the token that ends the first segment of a pair; None if the tokenizer has none."""
        pair = self._tokenizer.encode("a", "b")
        inner = [number for number, mark in list(zip(pair.ids, pair.special_tokens_mask, strict=True))[1:-1] if mark]
        return inner[0] if inner else None

    def known_share(self, symbols: Sequence[str]) -> float:
        """Return the share of symbols without an unknown token."""
        known = [
            not self._unknown & set(self._tokenizer.encode(symbol, add_special_tokens=False).ids) for symbol in symbols
        ]
        return sum(known) / len(known)

    def unknown_share(self, texts: Sequence[Segments]) -> float:
        """Return the share of unknown tokens in these texts."""
        tokens = [number for row in self(texts) for number in row.tolist()]
        return sum(number in self._unknown for number in tokens) / max(len(tokens), 1)


def _clean(text: str) -> str:
    """Return the text with the replacement character for lone surrogates, which have no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")


def write_settings(folder: Path, *, max_tokens: int, outputs: int) -> None:
    """Write `tokens.json` into a model folder under construction."""
    write_json(folder / SETTINGS, {"max_tokens": max_tokens, "outputs": outputs})


def open_tokenizer(folder: Path) -> tuple[TextTokenizer, int]:
    """Return the tokenizer of a model folder and the number of outputs of its model.

    Raises `ModelFolderError` if one of the two files is missing or unreadable.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(f"The model folder {str(folder)!r} has no {SETTINGS}. Train again.") from error
    return TextTokenizer(folder / TOKENIZER, max_tokens=settings["max_tokens"]), settings["outputs"]
