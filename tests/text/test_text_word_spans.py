"""Words and their places in a text as it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.text.word_spans import find_word_spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't know, well-known!!", ["I", "don't", "know", ",", "well-known", "!!"]),
        ("我一点都不开心。OK", ["我", "一点", "都", "不", "开心", "。", "OK"]),
        ("so 😀😀 a_b", ["so", "😀😀", "a", "_", "b"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("  \n", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in find_word_spans(text)] == words


@given(st.text(max_size=80))
def test_every_character_but_space_is_in_one_word(text: str) -> None:
    places = [place for start, end in find_word_spans(text) for place in range(start, end)]
    assert places == sorted(set(places))
    assert all(text[place].isspace() for place in set(range(len(text))) - set(places))
    assert not any(text[place].isspace() for place in places)
