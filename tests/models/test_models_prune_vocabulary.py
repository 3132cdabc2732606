"""Vocabularies with tokens left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace

from insula.core.errors import ModelFolderError
from insula.models.tokens.prune_vocabulary import prune_vocabulary
from insula.models.tokens.tokenization import TextTokenizer

TEXTS = ["lovely day with friend", "the train was awful", "the the the 12"]


def pieces(file: Path, text: str) -> list[str]:
    found: list[str] = Tokenizer.from_file(str(file)).encode(text).tokens
    return found


@pytest.fixture
def pruned(tmp_path: Path, encoder_folder: Callable[..., Path]) -> tuple[Path, Path, np.ndarray]:
    old, new = encoder_folder() / "tokenizer.json", tmp_path / "tokenizer.json"
    kept = prune_vocabulary(old, TextTokenizer(old, max_tokens=32)(TEXTS), min_count=1, output=new)
    return old, new, kept


def test_seen_texts_have_the_same_tokens(pruned: tuple[Path, Path, np.ndarray]) -> None:
    old, new, kept = pruned
    for text in TEXTS:
        assert pieces(new, text) == pieces(old, text)
    before, after = (TextTokenizer(file, max_tokens=32)(TEXTS) for file in (old, new))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(kept[other], one)
    assert len(kept) < Tokenizer.from_file(str(old)).get_vocab_size()
    assert len(kept) == Tokenizer.from_file(str(new)).get_vocab_size()


def test_words_left_out_fall_into_pieces(pruned: tuple[Path, Path, np.ndarray]) -> None:
    old, new, _ = pruned
    assert pieces(old, "terrible") == ["[CLS]", "terrible", "[SEP]"]
    assert pieces(new, "terrible") == ["[CLS]", "t", *(f"##{letter}" for letter in "errible"), "[SEP]"]


def test_what_was_unknown_stays_unknown_and_padding_stays_first(pruned: tuple[Path, Path, np.ndarray]) -> None:
    old, new, kept = pruned
    assert pieces(new, "ж") == pieces(old, "ж") == ["[CLS]", "[UNK]", "[SEP]"]
    assert json.loads(new.read_text(encoding="utf-8"))["model"]["vocab"]["[PAD]"] == 0
    assert kept[0] == 0


def test_rare_tokens_go_where_more_is_asked(tmp_path: Path, encoder_folder: Callable[..., Path]) -> None:
    old, new = encoder_folder() / "tokenizer.json", tmp_path / "tokenizer.json"
    prune_vocabulary(old, TextTokenizer(old, max_tokens=32)(TEXTS), min_count=3, output=new)
    assert "the" in pieces(new, "the train")
    assert "train" not in pieces(new, "the train")


def test_tokens_that_were_added_to_a_vocabulary_are_kept(tmp_path: Path) -> None:
    vocabulary = {"[UNK]": 0, "lovely": 1, "awful": 2, "day": 3}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_tokens(["@person", ":-)"])
    old, new, texts = tmp_path / "old.json", tmp_path / "new.json", ["lovely day @person :-)"]
    tokenizer.save(str(old))
    kept = prune_vocabulary(old, TextTokenizer(old, max_tokens=32)(texts), min_count=1, output=new)
    assert kept.tolist() == [0, 1, 3, 4, 5]
    before, after = (TextTokenizer(file, max_tokens=32)(texts)[0] for file in (old, new))
    np.testing.assert_array_equal(kept[after], before)
    assert pieces(new, texts[0]) == ["lovely", "day", "@person", ":-)"]


def test_other_tokenizers_are_refused(tmp_path: Path, decoder_folder: Callable[[], Path]) -> None:
    with pytest.raises(ModelFolderError, match="only for WordPiece"):
        prune_vocabulary(decoder_folder() / "tokenizer.json", [], min_count=1, output=tmp_path / "tokenizer.json")
    assert not list(tmp_path.iterdir())
