"""Inputs of a model as plain JSON, and what is said of mappings that describe none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.core.model_input import Media, ModelInput, Turn, as_inputs, build_dialogue_inputs

LONG = "a message that somebody wrote about a bad day " * 20

words = st.text(max_size=20)
named = st.none() | words
inputs = st.builds(
    ModelInput,
    words,
    turns=st.lists(st.builds(Turn, words, named), max_size=4).map(tuple),
    speaker=named,
    target=named,
    language=named,
    id=named,
    media=st.none() | st.builds(Media, words, st.sampled_from(["audio", "image", "video"]), st.none() | st.just(1.5)),
)


@given(inputs)
def test_an_input_survives_json(one: ModelInput) -> None:
    assert ModelInput.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_turns_may_be_texts_and_what_is_not_set_may_be_null() -> None:
    row = {"text": "Fine.", "turns": ["Hi", Turn("So?", "B"), {"text": "How was it?", "speaker": None}], "target": None}
    assert ModelInput.from_dict(row) == ModelInput("Fine.", turns=(Turn("Hi"), Turn("So?", "B"), Turn("How was it?")))
    assert ModelInput("Fine.").to_dict() == {"text": "Fine."}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"txt": "a"}, r"The fields of an input must be some of text, .* Got 'txt'\. Did you mean 'text'\?"),
        ({"turns": []}, r"The field 'text' of an input is required. Got only turns"),
        ({"text": 3}, "The text of an input must be a string. Got 3"),
        ({"text": "a", "speaker": ["B"]}, "The speaker of an input must be a string"),
        ({"text": "a", "turns": "Hi"}, "The turns of an input must be a list of texts or turns. Got 'Hi'"),
        ({"text": "a", "turns": [3]}, "A turn must be a text, or an object with text and speaker. Got 3"),
        ({"text": "a", "turns": [{"speaker": "B"}]}, "The field 'text' of a turn is required"),
        ({"text": "a", "turns": [{"text": "b", "name": "B"}]}, "The fields of a turn must be some of text, speaker"),
        ({"text": "a", "turns": [{"text": 3}]}, "The text and the speaker of a turn must be strings"),
        ({"text": "a", "media": "a.wav"}, "The media of an input must be an object with uri and kind"),
        ({"text": "a", "media": {"uri": "a.wav"}}, "The field 'kind' of the media of an input is required"),
    ],
)
def test_mappings_that_describe_no_input(row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ModelInput.from_dict(row)


def test_a_sequence_names_the_position_of_a_wrong_input() -> None:
    assert as_inputs(("a", {"text": "b"}, ModelInput("c"))) == ["a", ModelInput("b"), ModelInput("c")]
    assert as_inputs(iter(["a"])) == ["a"]  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"Got 'txt'.* It is the input at position 1\."):
        as_inputs(["a", {"txt": "b"}])
    with pytest.raises(DataError, match=r"must be strings\. Got 3 at position 1"):
        as_inputs(["a", 3])  # type: ignore[list-item]
    for lone in ("a", ModelInput("a"), {"text": "a"}, 3):
        with pytest.raises(DataError, match="must be a sequence"):
            as_inputs(lone)  # type: ignore[arg-type]


def test_each_turn_of_a_dialogue_has_those_before_it() -> None:
    turns = [Turn("Hi", "A"), Turn("So?", "B"), Turn("Fine.", "A")]
    assert build_dialogue_inputs(turns)[2] == ModelInput("Fine.", turns=(turns[0], turns[1]), speaker="A")


@pytest.mark.parametrize(
    "rows",
    [
        [{"txt": LONG}],
        [{"turns": [LONG], "speaker": LONG}],
        [{"text": "a", "turns": LONG}],
        [{"text": "a", "turns": [{"speaker": LONG}]}],
        [{"text": "a", "turns": [{"text": [LONG]}]}],
        [{"text": [LONG]}],
        [{"text": "a", "media": [LONG]}],
        ["a", [LONG]],
        {"text": LONG},
    ],
    ids=range(9),
)
def test_an_error_does_not_repeat_a_whole_text(rows: Any) -> None:
    with pytest.raises(DataError) as caught:
        as_inputs(rows)
    assert len(str(caught.value)) < 220
    assert LONG not in str(caught.value)
