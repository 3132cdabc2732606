"""The vocabulary of the bilingual encoder: the pieces that English and Chinese texts use, and its tokenizer.

multilingual-e5-small has 250,002 pieces for 100 languages, and four fifths of its parameters are their vectors. Kept
are special tokens, Chinese characters and words, digits, punctuation, symbols and emoji, single Latin letters and kana,
and the English pieces in `english_pieces.txt` (made by `scripts/english_pieces.py`). A word whose piece is not kept is
split into shorter pieces.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from insula.core.arrays import Float32Array, Int64Array

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
WORD_START = "▁"
ENGLISH = "english_pieces.txt"
_OTHER_SCRIPTS = range(0x0590, 0x2000)  # their digits and punctuation are not for English and Chinese
_VARIATION_SELECTOR = "\ufe0f"  # of emoji
_SINGLE_LETTERS = ("LATIN ", "HIRAGANA ", "KATAKANA ")

# As the SentencePiece model normalises: control characters are removed, other spaces and invisible characters become
# spaces. It does not change the fullwidth tilde, which NFKC would, and which is frequent in Chinese messages.
_REMOVED = "[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]"
_SPACES = "[\u0009\u000a\u000c\u000d\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"
_TILDE, _PLACEHOLDER = "\uff5e", "\ue000"


def select_pieces(pieces: Sequence[str]) -> Int64Array:
    """Return the ids of the kept pieces, ascending."""
    english = set(files(__package__).joinpath(ENGLISH).read_text(encoding="utf-8").splitlines())
    kept = {*SPECIAL, MASK, *english}
    ids = [number for number, piece in enumerate(pieces) if piece in kept or is_shared(piece)]
    return np.array(ids, dtype=np.int64)


def is_shared(piece: str) -> bool:
    """Return whether a piece belongs to Chinese, or to no language: digits, punctuation, symbols, single letters."""
    text = piece.replace(WORD_START, "")
    if len(text) == 1 and (text.isascii() or unicodedata.name(text, "").startswith(_SINGLE_LETTERS)):
        return True
    return all(_is_shared_character(character) for character in text)


def _is_shared_character(character: str) -> bool:
    if unicodedata.name(character, "").startswith("CJK ") or character == _VARIATION_SELECTOR:
        return True
    return unicodedata.category(character)[0] in "PSN" and ord(character) not in _OTHER_SCRIPTS


def build_tokenizer_settings(pieces: Sequence[str], scores: Float32Array, kept: Int64Array) -> dict[str, Any]:
    """Return the content of `tokenizer.json` for the kept pieces; their new ids are their positions in `kept`."""
    vocabulary = [[pieces[number], float(scores[number])] for number in kept.tolist()]
    special = [(place, piece) for place, (piece, _) in enumerate(vocabulary) if piece in (*SPECIAL, MASK)]
    ids = {piece: place for place, piece in special}
    start, end = ({"SpecialToken": {"id": piece, "type_id": 0}} for piece in ("<s>", "</s>"))
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in ("A", "B"))
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": place, "content": piece, "single_word": False, "lstrip": piece == MASK, "rstrip": False,
                "normalized": False, "special": True,
            }
            for place, piece in special
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                _build_replacement({"Regex": _REMOVED}, ""),
                _build_replacement({"Regex": _SPACES}, " "),
                _build_replacement({"String": _TILDE}, _PLACEHOLDER),
                {"type": "NFKC"},
                _build_replacement({"String": _PLACEHOLDER}, _TILDE),
            ],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, _METASPACE]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, end],
            "pair": [start, first, end, end, second, end],
            "special_tokens": {
                piece: {"id": piece, "ids": [ids[piece]], "tokens": [piece]} for piece in ("<s>", "</s>")
            },
        },
        "decoder": _METASPACE,
        "model": {"type": "Unigram", "unk_id": ids["<unk>"], "vocab": vocabulary, "byte_fallback": False},
    }  # fmt: skip


_METASPACE = {"type": "Metaspace", "replacement": WORD_START, "prepend_scheme": "always", "split": True}


def _build_replacement(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}
