"""Detokenising gives text as it is written, and leaves written text alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.text.detokenize import detokenize
from insula.text.preparation import ENCODER_STEPS, WORD_STEPS, Preparation


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        ("it 's bad , is n't it ?", "it's bad, isn't it?"),
        ("they wo n't sit still ; i do n't care .", "they won't sit still; i don't care."),
        ("a film -lrb- or two -rrb- that drags ...", "a film (or two) that drags..."),
        ("`` ballistic '' is a bore !", '"ballistic" is a bore!'),
        ("mr. murray , a droll one , i 'd say .", "mr. murray, a droll one, i'd say."),
        ("50 % of it is fun , but : no more", "50% of it is fun, but: no more"),
    ],
)
def test_tokens_are_joined_as_people_write_them(tokens: str, written: str) -> None:
    assert detokenize(tokens) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no marks at all",
        "Don't! It's 50% off, honestly.",
        "One said “haha.” And the other left me on seen : )",
        "a smile : ) and a frown ; (",
        "我很难过 ，真的 。",
        "He said 'n't' is, well, odd .",
    ],
)
def test_written_text_stays(written: str) -> None:
    assert detokenize(written) == written


@given(
    st.lists(
        st.sampled_from(["film", "I", ",", ".", "...", "n't", "'s", "``", "''", "-lrb-", "-rrb-", "!", "好", "(", ")"])
    )
)
def test_reading_again_changes_nothing_and_letters_stay(tokens: list[str]) -> None:
    once = detokenize(" ".join(tokens))
    letters = [c for c in once.replace("-lrb-", "").replace("-rrb-", "") if c.isalpha()]
    assert letters == [c for c in " ".join(t for t in tokens if not t.startswith("-")) if c.isalpha()]
    assert detokenize(once) == once


def test_encoders_read_written_text_and_words_are_counted_apart() -> None:
    text = "it 's fun , is n't it ?"
    assert Preparation(ENCODER_STEPS)(text) == "it's fun, isn't it?"
    assert Preparation(WORD_STEPS)(text) == text
