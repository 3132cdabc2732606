"""Turns as they are typed."""

from __future__ import annotations

import pytest

from insula.cli.typed_inputs import typed_inputs, typed_turn
from insula.core.model_input import ModelInput, Turn


@pytest.mark.parametrize(
    ("said", "turn"),
    [
        ("How was it?", Turn("How was it?")),
        ("B: How was it?", Turn("How was it?", "B")),
        ("Customer service: Hello: hi", Turn("Hello: hi", "Customer service")),
        ("客服：您好", Turn("您好", "客服")),
        ("see http://example.org", Turn("see http://example.org")),
        ("at 10:30 I left", Turn("at 10:30 I left")),
        (": Note: it was cold", Turn("Note: it was cold")),
        ("B:", Turn("B:")),
    ],
)
def test_who_says_a_turn(said: str, turn: Turn) -> None:
    assert typed_turn(said) == turn


def test_texts_alone_stay_texts_and_all_get_the_same_turns() -> None:
    assert typed_inputs(["a", "b"]) == ["a", "b"]
    turns = (Turn("x", "B"), Turn("y"))
    assert typed_inputs(["a", "b"], context=["B: x", "y"], speaker="A") == [
        ModelInput("a", turns=turns, speaker="A"),
        ModelInput("b", turns=turns, speaker="A"),
    ]
    assert typed_inputs(["a"], target="food") == [ModelInput("a", target="food")]
    assert typed_inputs(["caf\udce9"]) == ["caf�"]
