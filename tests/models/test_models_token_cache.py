"""Tokens by way of remembered words are those of the whole text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

import toy_data
from insula.models.tokens import token_cache
from insula.models.tokens.token_cache import tokenizes_word_by_word
from insula.models.tokens.tokenization import TextTokenizer
from insula.models.tokens.vocabulary import WORD, train_vocabulary

TEXTS = [
    *(row.text for row in toy_data.toy_dataset("multi", train=20).split("train")),
    "", " ", "lovely", "  lovely   day ", "lovely-day, isn't\tit?", "不开心 lovely", "\ud83d so", "x" * 60 + " day",
    "[UNK] [PAD]lovely", "a\u0301 ÉCLAIR", "can’t n't", "the " * 40,
]  # fmt: skip


def _whole(tokenizer: TextTokenizer, text: str) -> list[int]:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    ids: list[int] = tokenizer._tokenizer.encode(clean).ids
    return ids


def _apart(tokenizer: TextTokenizer, texts: list[str]) -> list[list[int]]:
    ids, lengths = tokenizer.encode_flat(texts)
    assert len(ids) == lengths.sum()
    return [row.tolist() for row in np.split(ids, np.cumsum(lengths)[:-1])]


def _word_pieces(file: Path, settings: dict[str, object]) -> None:
    words = ["[PAD]", "[UNK]", *toy_data.words(), "##s", "##y", "love", "l", "e", "c", "a", "i", "r"]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(dict.fromkeys(words))}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    for part, value in settings.items():
        setattr(tokenizer, part, value)
    tokenizer.save(str(file))


@pytest.mark.parametrize("kind", ["words", "subwords", "pieces"])
@pytest.mark.parametrize("max_tokens", [4, 64])
def test_the_same_as_of_whole_texts(
    tmp_path: Path, kind: str, max_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokenizer.json"
    if kind == "pieces":
        bert = {"normalizer": normalizers.BertNormalizer(), "pre_tokenizer": pre_tokenizers.BertPreTokenizer()}
        _word_pieces(file, bert)
    else:
        texts = [text for text in TEXTS if "\ud83d" not in text]
        train_vocabulary(texts, file, kind=kind, size=90, min_count=1)  # type: ignore[arg-type]
    tokenizer = TextTokenizer(file, max_tokens=max_tokens)
    assert tokenizer._cache is not None
    wanted = [_whole(tokenizer, text) for text in TEXTS]
    # All remembered; nearly nothing; in batches; in batches of which some have no special tokens in words.
    for most, few, at_once in ((200_000, 64, 256), (5, 64, 256), (5, 0, 256), (5, 0, 3)):
        monkeypatch.setattr(token_cache, "_MAX_WORDS", most)
        monkeypatch.setattr(token_cache, "_MAX_SINGLE_WORDS", few)
        monkeypatch.setattr(token_cache, "_WORDS_PER_TEXT", at_once)
        assert _apart(tokenizer, TEXTS) == wanted
        assert [_apart(tokenizer, [text])[0] for text in TEXTS] == wanted
        assert _apart(tokenizer, TEXTS * 3) == wanted * 3
    assert not any(len(word) == 60 for word in tokenizer._cache._known)


@pytest.mark.parametrize(
    "settings",
    [
        {"pre_tokenizer": pre_tokenizers.Metaspace(prepend_scheme="first")},
        {"pre_tokenizer": pre_tokenizers.ByteLevel()},
        {"pre_tokenizer": pre_tokenizers.Split(Regex(r"\s+\w"), behavior="isolated")},
        {
            "pre_tokenizer": pre_tokenizers.Sequence(
                [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="first")]
            )
        },
        {"pre_tokenizer": pre_tokenizers.Whitespace(), "normalizer": normalizers.Replace(" a", "b")},
        {
            "pre_tokenizer": pre_tokenizers.Whitespace(),
            "post_processor": processors.TemplateProcessing(single="[PAD] $A", special_tokens=[("[PAD]", 0)]),
        },
        {},
    ],
)
def test_what_may_look_beyond_a_word_reads_whole_texts(tmp_path: Path, settings: dict[str, object]) -> None:
    file = tmp_path / "tokenizer.json"
    _word_pieces(file, settings)
    tokenizer = TextTokenizer(file, max_tokens=64)
    assert not tokenizes_word_by_word(tokenizer._tokenizer, pattern=WORD)
    assert _apart(tokenizer, TEXTS) == [_whole(tokenizer, text) for text in TEXTS]
