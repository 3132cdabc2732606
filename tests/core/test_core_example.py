"""Examples as Arrow columns, predictions as JSON, examples as arrays."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.core.example import Example, Media, Turn, build_arrow_schema, from_arrow, to_arrow
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix, collect_weights

TEXT = st.text(max_size=20)
OPTIONAL = st.one_of(st.none(), TEXT)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
EXAMPLES = st.builds(
    Example,
    text=TEXT,
    turns=st.lists(st.builds(Turn, text=TEXT, speaker=OPTIONAL), max_size=3).map(tuple),
    media=st.one_of(
        st.none(),
        st.builds(
            Media,
            uri=TEXT,
            kind=st.sampled_from(("audio", "image", "video")),
            start=st.one_of(st.none(), NUMBER),
            end=st.one_of(st.none(), NUMBER),
        ),
    ),
    labels=st.one_of(st.none(), st.lists(TEXT, max_size=3).map(tuple)),
    values=st.one_of(st.none(), st.lists(NUMBER, max_size=3).map(tuple)),
    votes=st.one_of(st.none(), st.dictionaries(TEXT, NUMBER, max_size=3)),
    weight=st.floats(0, 10),
    language=OPTIONAL,
    group=OPTIONAL,
    id=OPTIONAL,
)


@given(st.lists(EXAMPLES, max_size=4))
def test_examples_survive_arrow(examples: list[Example]) -> None:
    table = to_arrow(examples)
    assert table.schema == build_arrow_schema()
    assert list(from_arrow(table)) == examples


def test_arrow_has_a_column_for_each_field() -> None:
    assert set(build_arrow_schema().names) == set(Example.__dataclass_fields__)


def test_large_and_sliced_tables_keep_their_order() -> None:
    examples = [Example(text=str(i)) for i in range(20_000)]
    table = pa.concat_tables([to_arrow(examples[:9_000]), to_arrow(examples[9_000:])])
    assert list(from_arrow(table)) == examples
    assert [e.text for e in from_arrow(table.slice(8_999, 2))] == ["8999", "9000"]


def test_an_empty_label_set_is_not_a_missing_one() -> None:
    restored = list(from_arrow(to_arrow([Example(labels=()), Example(labels=None)])))
    assert [example.labels for example in restored] == [(), None]


@given(
    st.builds(
        Prediction,
        text=TEXT,
        labels=st.lists(TEXT).map(tuple),
        label=OPTIONAL,
        scores=st.dictionaries(TEXT, st.floats(0, 1)),
        confidence=st.one_of(st.none(), st.floats(0, 1)),
        abstained=st.booleans(),
        language=OPTIONAL,
        id=OPTIONAL,
    )
)
def test_a_prediction_is_plain_json(prediction: Prediction) -> None:
    row = json.loads(json.dumps(prediction.to_dict()))
    assert {"text", "labels", "label", "scores", "abstained", "confidence"} <= set(row)
    assert row["labels"] == list(prediction.labels)
    assert ("id" in row, "language" in row) == (prediction.id is not None, prediction.language is not None)
    for name, score in prediction.scores.items():
        assert row["scores"][name] == pytest.approx(score, abs=1e-6)


def test_a_prediction_of_numpy_scores_is_json_too() -> None:
    prediction = Prediction(text="", labels=(), label=None, scores={"a": np.float32(0.25)}, confidence=np.float64(0.5))  # type: ignore[dict-item]
    assert json.loads(json.dumps(prediction.to_dict()))["scores"] == {"a": 0.25}


SINGLE = LabelScheme("s", "single", ("a", "b"))
MULTI = LabelScheme("m", "multi", ("a", "b", "c"))
DIMENSIONS = LabelScheme("d", "dimensional", ("v", "w"), ranges={"v": (0, 1), "w": (0, 1)})


def test_gold_matrix() -> None:
    assert build_gold_matrix(SINGLE, [Example(labels=("b",)), Example(labels=("a",))]).tolist() == [[0, 1], [1, 0]]
    assert build_gold_matrix(MULTI, [Example(labels=("c", "a")), Example(labels=())]).tolist() == [[1, 0, 1], [0, 0, 0]]
    assert build_gold_matrix(DIMENSIONS, [Example(values=(0.25, 1.0))]).tolist() == [[0.25, 1.0]]
    assert build_gold_matrix(MULTI, []).shape == (0, 3)


@pytest.mark.parametrize(
    ("scheme", "example", "message"),
    [
        (SINGLE, Example(), "has no labels"),
        (SINGLE, Example(labels=("b", "a")), "exactly one"),
        (SINGLE, Example(labels=()), "exactly one"),
        (SINGLE, Example(labels=("bb",)), "Did you mean 'b'"),
        (DIMENSIONS, Example(), "has no values"),
        (DIMENSIONS, Example(values=(0.1,)), "must have 2 values"),
    ],
)
def test_gold_matrix_refuses_what_does_not_fit(scheme: LabelScheme, example: Example, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build_gold_matrix(scheme, [example])


def test_weights() -> None:
    assert collect_weights([Example(), Example(weight=0.5)]).tolist() == [1.0, 0.5]
    assert collect_weights([]).shape == (0,)
