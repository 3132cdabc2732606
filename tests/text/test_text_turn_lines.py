"""Turns as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.model_input import Turn
from insula.text.turn_lines import parse_turn, parse_turns


@pytest.mark.parametrize(
    ("line", "turn"),
    [
        ("Anna: I am back.", Turn("I am back.", "Anna")),
        ("  Anna B. :  I am back: at last.  ", Turn("I am back: at last.", "Anna B.")),
        ("Customer service: Hello: hi", Turn("Hello: hi", "Customer service")),
        ("小明：你好：再见", Turn("你好：再见", "小明")),
        ("小明 ： 你好", Turn("你好", "小明")),
        ("小明: 你好", Turn("你好", "小明")),
        ("We meet at 10:30.", Turn("We meet at 10:30.")),
        ("https://example.org is down", Turn("https://example.org is down")),
        ("see https://example.org", Turn("see https://example.org")),
        (f"{'a' * 41}: b", Turn(f"{'a' * 41}: b")),
        ("Anna:", Turn("Anna:")),
        (": Note: it was cold", Turn("Note: it was cold")),
        ("Anna: I am back.\nReally.", Turn("I am back.\nReally.", "Anna")),
    ],
)
def test_a_line_is_a_turn(line: str, turn: Turn) -> None:
    assert parse_turn(line) == turn


def test_blank_lines_are_no_turns() -> None:
    assert parse_turns("\nA: one\n\n  \r\nB: two\n") == (Turn("one", "A"), Turn("two", "B"))
    assert parse_turns("") == ()


names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=40)
words = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=50)


@given(turns=st.lists(st.builds(Turn, words, names), max_size=5))
def test_turns_come_back_from_their_lines(turns: list[Turn]) -> None:
    assert parse_turns("\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)) == tuple(turns)
