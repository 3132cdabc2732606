"""Vocabularies learnt from texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from insula.core.errors import DataError
from insula.models.tokens.tokenization import TextTokenizer
from insula.models.tokens.vocabulary import (
    PADDING,
    UNKNOWN,
    WORD_START,
    Kind,
    extend_vocabulary,
    list_whole_words,
    train_vocabulary,
)
from insula.text.preparation import WORD_STEPS, Preparation

TEXTS = ["so good so good", "not good at all", "不 开心", "开心 的 一天", "good day"]
every_kind = pytest.mark.parametrize("kind", ["words", "subwords"])


def _train(file: Path, texts: list[str], kind: Kind = "words", size: int = 1000, min_count: int = 1) -> list[str]:
    return train_vocabulary(texts, file, kind=kind, size=size, min_count=min_count)


def _pieces(file: Path, text: str) -> list[str]:
    pieces: list[str] = Tokenizer.from_file(str(file)).encode(text).tokens
    return pieces


@every_kind
def test_the_same_texts_give_the_same_file(tmp_path: Path, kind: Kind) -> None:
    first = _train(tmp_path / "a" / "tokenizer.json", TEXTS, kind)
    second = _train(tmp_path / "b" / "tokenizer.json", TEXTS, kind)
    assert first == second
    assert first[:2] == [PADDING, UNKNOWN]
    assert (tmp_path / "a" / "tokenizer.json").read_bytes() == (tmp_path / "b" / "tokenizer.json").read_bytes()


def test_frequent_words_come_first_and_rare_ones_are_unknown(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    assert _train(file, TEXTS, min_count=2) == [PADDING, UNKNOWN, "good", "so", "开心"]
    assert _pieces(file, "so very good") == ["so", UNKNOWN, "good"]
    assert _train(file, TEXTS, size=3) == [PADDING, UNKNOWN, "good"]
    tokenizer = TextTokenizer(file, max_tokens=8)
    assert [row.tolist() for row in tokenizer(["good awful", ""])] == [[2, 1], [0]]


def test_words_are_cut_where_their_meaning_is(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    text = "i don't like it , it's n't ca n't can’t re-made ... !! @user [泪] they'd"
    _train(file, [text])
    assert _pieces(file, text) == [
        "i", "do", "n't", "like", "it", ",", "it", "'s", "n't", "ca", "n't", "ca", "n’t", "re", "-", "made", "...", "!",
        "!", "@user", "[泪]", "they", "'d",
    ]  # fmt: skip


def test_chinese_comes_in_words(tmp_path: Path) -> None:
    prepare, file = Preparation(WORD_STEPS), tmp_path / "tokenizer.json"
    texts = prepare.prepare_all(["今天我很开心", "这个朋友不错", "我很开心"])
    _train(file, texts)
    assert {"今天", "开心", "朋友"} <= set(_pieces(file, texts[0]) + _pieces(file, texts[1]))
    assert UNKNOWN not in _pieces(file, prepare("开心 今天"))


def test_pieces_spell_words_that_no_text_has(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    entries = _train(file, [*TEXTS, "lows lower newer"] * 3, "subwords", size=60, min_count=2)
    assert WORD_START + "good" in entries
    assert len(entries) <= 60
    pieces = _pieces(file, "good slow")
    assert pieces[0] == WORD_START + "good"
    assert "".join(pieces).replace(WORD_START, " ").strip() == "good slow"
    assert UNKNOWN in _pieces(file, "żółw")


def test_rare_characters_are_unknown(tmp_path: Path) -> None:
    _train(tmp_path / "tokenizer.json", ["good good q", "good"], "subwords", min_count=2)
    assert _pieces(tmp_path / "tokenizer.json", "q") == [WORD_START, UNKNOWN]


@every_kind
def test_half_a_character_is_no_obstacle(tmp_path: Path, kind: Kind) -> None:
    assert _train(tmp_path / "tokenizer.json", ["good \ud83d day"], kind)


@every_kind
@pytest.mark.parametrize("texts", [[], ["", " "], ["once", "two"]])
def test_texts_without_words_are_refused(tmp_path: Path, kind: Kind, texts: list[str]) -> None:
    with pytest.raises(DataError, match=r"at least 3 occurrences.*min_count=1"):
        _train(tmp_path / "tokenizer.json", texts, kind, min_count=3)


def test_known_words_stand_behind_those_of_the_texts(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    _train(file, TEXTS, min_count=2)
    entries = extend_vocabulary(file, ["bleak", "good", "drab", "bleak", "dull"], size=7)
    assert entries == [PADDING, UNKNOWN, "good", "so", "开心", "bleak", "drab"]
    assert _pieces(file, "so bleak and good and dull") == ["so", "bleak", UNKNOWN, "good", UNKNOWN, UNKNOWN]
    assert TextTokenizer(file, max_tokens=8)(["drab"])[0].tolist() == [6]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["[UNK]", "good", "##ly", "Bad", "3", "drab"], ["good", "drab"]),
        (["<unk>", "▁good", "ly", "▁Bad", "▁", "▁drab"], ["good", "drab"]),
        (["<unk>", "Ġgood", "ly", "Ġ3"], ["good"]),
    ],
)
def test_whole_words_of_an_encoder(tmp_path: Path, entries: list[str], words: list[str]) -> None:
    file = tmp_path / "tokenizer.json"
    numbers = {entry: number for number, entry in enumerate(entries)}
    Tokenizer(models.WordLevel(numbers, entries[0])).save(str(file))
    assert list_whole_words(file) == words
