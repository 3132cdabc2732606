"""Texts to token numbers, and rows of different length in one array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from insula.core.errors import ModelFolderError
from insula.models.layers.padding import pad
from insula.models.tokens.tokenization import TextTokenizer

EncoderFolder = Callable[..., Path]


def test_texts_are_cut_and_never_padded(encoder_folder: EncoderFolder) -> None:
    tokenizer = TextTokenizer(encoder_folder() / "tokenizer.json", max_tokens=8)
    short, long, empty = tokenizer(["happy day", "happy " * 50, ""])
    assert (len(short), len(long), len(empty)) == (4, 8, 2)
    whole = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    assert short.tolist() == whole.encode("happy day").ids
    assert long[-1] == short[-1] == whole.token_to_id("[SEP]")  # cut before the closing token
    assert tokenizer([]) == []


def test_half_a_character_is_no_obstacle(encoder_folder: EncoderFolder) -> None:
    tokenizer = TextTokenizer(encoder_folder() / "tokenizer.json", max_tokens=8)
    assert len(tokenizer(["\ud83d happy"])[0]) == 4


def test_an_empty_text_has_one_token_without_special_ones(encoder_folder: EncoderFolder, tmp_path: Path) -> None:
    plain = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    from tokenizers.processors import TemplateProcessing

    plain.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    plain.save(str(tmp_path / "tokenizer.json"))
    tokens = TextTokenizer(tmp_path / "tokenizer.json", max_tokens=8)(["", "happy"])
    assert [len(row) for row in tokens] == [1, 1]


def test_it_tells_what_its_vocabulary_knows(encoder_folder: EncoderFolder) -> None:
    tokenizer = TextTokenizer(encoder_folder() / "tokenizer.json", max_tokens=8)
    assert tokenizer.compute_known_share(["happy", "开心"]) == 1.0
    assert tokenizer.compute_known_share(["happy", "🙂"]) == 0.5


@pytest.mark.parametrize("content", [None, "", "{}", "not json"])
def test_an_unreadable_tokenizer_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelFolderError, match="cannot be read"):
        TextTokenizer(tmp_path / "tokenizer.json", max_tokens=8)


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=9), min_size=1, max_size=6))
def test_padding_keeps_every_row(rows: list[list[int]]) -> None:
    padded, mask = pad([np.array(row) for row in rows])
    assert padded.shape == mask.shape == (len(rows), max(map(len, rows)))
    for row, numbers, real in zip(rows, padded, mask, strict=True):
        assert numbers[real == 1].tolist() == row
        assert not numbers[real == 0].any()
        assert real.tolist() == sorted(real.tolist(), reverse=True)


def test_half_precision_states_come_out_as_float32() -> None:
    padded, mask = pad([np.ones((2, 4), np.float16), np.ones((3, 4), np.float16)])
    assert padded.dtype == np.float32
    assert padded.shape == (2, 3, 4)
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1]]
