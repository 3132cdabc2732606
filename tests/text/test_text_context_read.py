"""Parts of an input that a model does not read can be removed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from insula.core.model_input import ModelInput, Turn, build_dialogue_inputs, count_characters
from insula.text.context import SPEAKERS, Context
from insula.text.preparation import Preparation

words = st.text("ab ", max_size=6)
speakers = st.none() | st.sampled_from(["anna", "ben", "cleo"])
inputs = st.builds(
    ModelInput,
    words,
    turns=st.lists(st.builds(Turn, words, speakers), max_size=5).map(tuple),
    speaker=speakers,
    target=st.none() | words,
)
contexts = st.builds(
    Context, turns=st.integers(0, 4), speakers=st.sampled_from(SPEAKERS), target=st.booleans(), pairs=st.booleans()
)


@given(one=inputs, context=contexts)
def test_unread_parts_do_not_change_the_segments(one: ModelInput, context: Context) -> None:
    preparation = Preparation(context=context)
    read = context.drop_unread(one)
    assert preparation.prepare_segments([read]) == preparation.prepare_segments([one])
    assert len(read.turns) <= context.turns
    assert context.drop_unread(read) is read
    assert not context.ignores_context(read)
    assert count_characters(read) <= count_characters(one)


def test_a_dialogue_s_inputs_have_the_newest_turns() -> None:
    turns = [Turn("a", "x"), Turn("b"), Turn("c", "y")]
    assert [one.turns for one in build_dialogue_inputs(turns, most=1)] == [(), (turns[0],), (turns[1],)]
    assert [one.turns for one in build_dialogue_inputs(turns, most=0)] == [(), (), ()]
    whole = build_dialogue_inputs(turns, target="t", language="en")
    assert whole[2] == ModelInput("c", turns=tuple(turns[:2]), speaker="y", target="t", language="en")
