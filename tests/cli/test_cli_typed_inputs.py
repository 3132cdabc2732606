"""Typed texts and turns become inputs."""

from __future__ import annotations

from insula.cli.typed_inputs import build_typed_inputs
from insula.core.model_input import ModelInput, Turn


def test_texts_alone_stay_texts_and_all_get_the_same_turns() -> None:
    assert build_typed_inputs(["a", "b"]) == ["a", "b"]
    turns = (Turn("x", "B"), Turn("y"))
    assert build_typed_inputs(["a", "b"], context=["B: x", "y"], speaker="A") == [
        ModelInput("a", turns=turns, speaker="A"),
        ModelInput("b", turns=turns, speaker="A"),
    ]
    assert build_typed_inputs(["a"], target="food") == [ModelInput("a", target="food")]
    assert build_typed_inputs(["caf\udce9"]) == ["caf�"]
