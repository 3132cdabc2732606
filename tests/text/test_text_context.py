"""Context: earlier turns and a target as a second segment."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import DataError, RecipeError
from insula.core.model_input import ModelInput, Turn, build_dialogue_inputs, check_inputs
from insula.text.context import Context
from insula.text.preparation import WORD_STEPS, Preparation

DIALOGUE = (Turn("How was it?", "Ann"), Turn("We went in.", "Bo"), Turn("And?", "Cy"))
ASKED = ModelInput("Awful.", turns=DIALOGUE, speaker="Bo", target="food")


def test_the_newest_turn_comes_first_and_speakers_are_letters() -> None:
    assert Context(turns=3).prepare_segments(ASKED, str) == ("Awful.", "B: And? / A: We went in. / C: How was it?")
    assert Context(turns=1).prepare_segments(ASKED, str) == ("Awful.", "B: And?")


def test_speakers_by_name_or_without_marks() -> None:
    assert Context(turns=2, speakers="names").prepare_segments(ASKED, str) == ("Awful.", "Cy: And? / Bo: We went in.")
    assert Context(turns=2, speakers="none").prepare_segments(ASKED, str) == ("Awful.", "And? / We went in.")


def test_an_unknown_speaker_is_not_a() -> None:
    unknown = dataclasses.replace(ASKED, speaker=None)
    assert Context(turns=2).prepare_segments(unknown, str) == ("Awful.", "B: And? / C: We went in.")
    nameless = ModelInput("Awful.", turns=(Turn("And?"),), speaker="Bo")
    assert Context(turns=2).prepare_segments(nameless, str) == ("Awful.", "And?")


def test_the_target_comes_before_the_turns() -> None:
    assert Context(turns=1, target=True).prepare_segments(ASKED, str) == ("Awful.", "food / B: And?")
    assert Context(target=True).prepare_segments(ASKED, str) == ("Awful.", "food")


def test_families_without_pairs_get_both_joined() -> None:
    assert Context(turns=1, pairs=False).prepare_segments(ASKED, str) == "Awful.\nB: And?"


def test_a_lone_text_is_one_segment() -> None:
    assert Context(turns=3, target=True).prepare_segments(ModelInput("Awful."), str) == "Awful."
    assert Context().prepare_segments(ASKED, str) == "Awful."
    blank = ModelInput("Awful.", turns=(Turn("  "),))
    assert Context(turns=3).prepare_segments(blank, str.strip) == "Awful."


def test_unread_turns_and_targets_are_counted() -> None:
    inputs = ["plain", ModelInput("alone"), ModelInput("a", turns=DIALOGUE), ModelInput("b", target="food")]
    assert Preparation().count_unread(inputs) == 2
    assert Preparation(context=Context(turns=1)).count_unread(inputs) == 1
    assert Preparation(context=Context(turns=1, target=True)).count_unread(inputs) == 0


def test_every_segment_takes_the_text_steps() -> None:
    preparation = Preparation(WORD_STEPS, context=Context(turns=1))
    assert preparation.prepare_segments([ASKED, "OK"]) == [("awful.", "B: and?"), "ok"]


@given(st.integers(0, 9), st.sampled_from(["relative", "names", "none"]), st.booleans(), st.booleans())
def test_context_options_survive_the_model_folder(turns: int, speakers: str, target: bool, pairs: bool) -> None:
    context = Context(turns=turns, speakers=speakers, target=target, pairs=pairs)  # type: ignore[arg-type]
    preparation = Preparation(WORD_STEPS, context=context)
    assert Preparation.from_dict(preparation.to_dict()) == preparation


def test_folders_without_context_are_written_as_before() -> None:
    assert Preparation(("unicode",)).to_dict() == {"steps": ["unicode"], "language": None, "max_length": None}


@pytest.mark.parametrize("row", [{"turns": -1}, {"turns": True}, {"speakers": "shout"}, {"depth": 3}, ["turns"]])
def test_a_damaged_context_is_rejected(row: object) -> None:
    with pytest.raises(RecipeError, match=r"context|speakers option"):
        Preparation.from_dict({"context": row})


def test_a_dialogue_gives_each_turn_its_own_past() -> None:
    inputs = build_dialogue_inputs(DIALOGUE, language="en")
    assert [one.text for one in inputs] == ["How was it?", "We went in.", "And?"]
    assert inputs[0].turns == ()
    assert inputs[2].turns == DIALOGUE[:2]
    assert {one.language for one in inputs} == {"en"}
    assert [one.speaker for one in inputs] == ["Ann", "Bo", "Cy"]


@pytest.mark.parametrize("wrong", ["a text", ModelInput("one"), ["ok", 3], [ModelInput(None)], [None]])  # type: ignore[arg-type]
def test_anything_but_inputs_is_rejected(wrong: object) -> None:
    with pytest.raises(DataError):
        check_inputs(wrong)  # type: ignore[arg-type]
