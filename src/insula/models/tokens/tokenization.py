"""Tokenisation, identical in training and at prediction.

A model folder stores it as `tokenizer.json` (vocabulary and rules) and `tokens.json` (the maximum number of tokens, the
number of outputs of the model, and how longer texts are read in windows, if they are).
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from insula.core.errors import ModelFolderError
from insula.core.files import write_json
from insula.models.tokens.token_cache import TokenCache, tokenizes_word_by_word
from insula.models.tokens.vocabulary import WORD
from insula.models.tokens.windows import (
    WINDOWS,
    FlatTokens,
    TextTokens,
    Windows,
    compute_window_spans,
    split_into_windows,
)
from insula.text.context import Segments

UNKNOWN = ("[UNK]", "<unk>", "<UNK>")
TOKENIZER = "tokenizer.json"
SETTINGS = "tokens.json"


class TextTokenizer:
    """A fast tokenizer that truncates texts to `max_tokens`, including special tokens, and never pads.

    In a pair the longer segment is truncated first, so a text loses tokens only if it needs more than half of
    `max_tokens`.

    windows  how `read` and `read_flat` read longer texts; pairs are always truncated
    """

    def __init__(self, file: Path, *, max_tokens: int, windows: Windows = "none") -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            raise ModelFolderError(f"The tokenizer {str(file)!r} cannot be read: {error}. Copy it again.") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        if self._tokenizer.num_special_tokens_to_add(False):  # truncation keeps special tokens
            self._tokenizer.enable_truncation(max_length=max_tokens)
        self.max_tokens = max_tokens
        self.windows: Windows = windows
        self._unknown = {self._tokenizer.token_to_id(token) for token in UNKNOWN} - {None}

    def __call__(self, texts: Sequence[Segments]) -> list[NDArray[np.int64]]:
        """Return one array of token ids per text or pair, truncated, of different lengths (at least 1)."""
        return [np.asarray(row.ids[: self.max_tokens] or [0], dtype=np.int64) for row in self._encode(texts)]

    def read(self, texts: Sequence[Segments]) -> list[TextTokens]:
        """Return the tokens of each text or pair: one window, or several for a long text if `windows` is set."""
        return [self._read(text, row) for text, row in zip(texts, self._encode(texts), strict=True)]

    def read_flat(self, texts: Sequence[str]) -> FlatTokens:
        """Return the tokens that `read` returns, concatenated over all texts; a text may have no tokens."""
        return split_into_windows(*self.encode_flat(texts), max_tokens=self.max_tokens, windows=self.windows)

    def encode_with_offsets(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token ids of a text, and the (tokens, 2) start and end of each token in it."""
        encoding = self._tokenizer.encode(_clean(text))
        places = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        return np.asarray(encoding.ids, dtype=np.int64), places

    def encode_flat(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the token ids of all texts, concatenated and whole, and the number of tokens of each text.

        For tokenizers without special tokens.
        """
        if self._cache is not None:
            return self._cache(texts)
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch_fast([_clean(text) for text in texts])]
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        return np.fromiter(itertools.chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum())), lengths

    def _encode(self, texts: Sequence[Segments]) -> list[Any]:
        clean = [_clean(text) if isinstance(text, str) else (_clean(text[0]), _clean(text[1])) for text in texts]
        encodings: list[Any] = self._tokenizer.encode_batch_fast(clean)
        return encodings

    def _read(self, text: Segments, encoding: Any) -> TextTokens:
        # Without special tokens an empty text has no tokens, but a model needs at least one.
        ids = encoding.ids or [0]
        if len(ids) < self.max_tokens or not self._is_longer(text, encoding):
            return TextTokens((np.asarray(ids, dtype=np.int64),))
        if self.windows == "none" or not isinstance(text, str):
            return TextTokens((np.asarray(ids[: self.max_tokens], dtype=np.int64),), truncated=True)
        before, after = self._special_token_counts
        content = [
            number for one in (encoding, *encoding.overflowing) for number in one.ids[before : len(one.ids) - after]
        ]
        spans = compute_window_spans(len(content), self.max_tokens - before - after)
        first, last = ids[:before], ids[len(ids) - after :] if after else []
        rows = ([*first, *content[start:end], *last] for start, end in spans)
        return TextTokens(tuple(np.asarray(row, dtype=np.int64) for row in rows), self.windows)

    def _is_longer(self, text: Segments, encoding: Any) -> bool:
        """Return whether a text, or the text of a pair, has tokens that truncation removes."""
        if len(encoding.ids) < self.max_tokens:
            return False
        if self._tokenizer.truncation is None:
            return len(encoding.ids) > self.max_tokens
        if isinstance(text, str) or not encoding.overflowing:
            return bool(encoding.overflowing)
        read: int = encoding.sequence_ids.count(0)
        return read < len(self._tokenizer.encode(text[0], add_special_tokens=False).ids)

    @functools.cached_property
    def _special_token_counts(self) -> tuple[int, int]:
        """Number of special tokens before and after a text."""
        marks = self._tokenizer.encode("a").special_tokens_mask
        before = marks.index(0)
        return before, marks[::-1].index(0)

    @functools.cached_property
    def _cache(self) -> TokenCache | None:
        """The tokens of known words; None if the tokens of a text do not follow from its words."""
        local = tokenizes_word_by_word(self._tokenizer, pattern=WORD)
        return TokenCache(self._tokenizer) if local else None

    @functools.cached_property
    def separator(self) -> int | None:
        """The id of the token that ends the first segment of a pair; None if the tokenizer has none."""
        pair = self._tokenizer.encode("a", "b")
        inner = [number for number, mark in list(zip(pair.ids, pair.special_tokens_mask, strict=True))[1:-1] if mark]
        return inner[0] if inner else None

    def compute_known_share(self, symbols: Sequence[str]) -> float:
        """Return the share of symbols without an unknown token."""
        known = [
            not self._unknown & set(self._tokenizer.encode(symbol, add_special_tokens=False).ids) for symbol in symbols
        ]
        return sum(known) / len(known)

    def compute_unknown_share(self, texts: Sequence[Segments]) -> float:
        """Return the share of unknown tokens in these texts."""
        tokens = [number for row in self(texts) for number in row.tolist()]
        return sum(number in self._unknown for number in tokens) / max(len(tokens), 1)


def _clean(text: str) -> str:
    """Return the text with the replacement character for lone surrogates, which have no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")


def write_settings(folder: Path, *, max_tokens: int, outputs: int, windows: Windows = "none") -> None:
    """Write `tokens.json` into a model folder under construction."""
    settings = {"max_tokens": max_tokens, "outputs": outputs}
    write_json(folder / SETTINGS, settings if windows == "none" else settings | {"windows": windows})


def set_windows(folder: Path, windows: Windows) -> None:
    """Change how a model folder under construction reads long texts."""
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    write_settings(folder, max_tokens=settings["max_tokens"], outputs=settings["outputs"], windows=windows)


def open_tokenizer(folder: Path) -> tuple[TextTokenizer, int]:
    """Return the tokenizer of a model folder and the number of outputs of its model.

    Raises `ModelFolderError` if one of the two files is missing or unreadable, or names unknown windows.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(f"The model folder {str(folder)!r} has no {SETTINGS}. Train again.") from error
    windows = settings.get("windows", "none")
    if windows not in WINDOWS:
        raise ModelFolderError(
            f"The windows in {SETTINGS} of {str(folder)!r} must be one of {', '.join(WINDOWS)}. Got {windows!r}. "
            "Upgrade insula, or train again."
        )
    tokenizer = TextTokenizer(folder / TOKENIZER, max_tokens=settings["max_tokens"], windows=windows)
    return tokenizer, settings["outputs"]
