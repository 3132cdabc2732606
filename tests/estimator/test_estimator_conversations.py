"""Estimators that read what is around a text: inputs as X, and tables whose columns are named."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from insula import EmotionClassifier, EmotionRegressor, ModelInput, Turn
from insula.core.errors import DataError
from insula.data.conversations.tables import read_table_inputs
from insula.data.options import DataOptions

SAYS = {"joy": "how wonderful and great", "anger": "how rude and awful"}
SETTINGS = {"preparation.context_turns": 1}


def conversations(count: int = 60) -> tuple[list[ModelInput], list[str]]:
    """Inputs whose label depends only on the turn before."""
    labels = [list(SAYS)[n % 2] for n in range(count)]
    inputs = [
        ModelInput(f"well number {n // 2} of them", turns=(Turn(SAYS[label], "B"),), speaker="A")
        for n, label in enumerate(labels)
    ]
    return inputs, labels


INPUTS, LABELS = conversations()
TABLE = pd.DataFrame({
    "said": [one.text for one in INPUTS],
    "history": [[{"speaker": turn.speaker, "text": turn.text} for turn in one.turns] for one in INPUTS],
    "who": "A",
    "other": range(len(INPUTS)),
})  # fmt: skip
ASKED = [ModelInput("well", turns=(Turn(says, "B"),), speaker="A") for says in SAYS.values()]


@pytest.fixture(scope="module")
def fitted() -> EmotionClassifier:
    return EmotionClassifier("linear", settings=SETTINGS).fit(INPUTS, LABELS)


def test_inputs_are_read_with_their_turns(fitted: EmotionClassifier) -> None:
    assert fitted.predict(ASKED).tolist() == list(SAYS)
    assert len(set(map(tuple, fitted.predict_proba(["well", "well"]).tolist()))) == 1
    assert fitted.predictor_.context.turns == 1
    assert pickle.loads(pickle.dumps(fitted)).predict(ASKED).tolist() == list(SAYS)


def test_a_table_is_the_same_as_its_rows(fitted: EmotionClassifier) -> None:
    estimator = EmotionClassifier("linear", settings=SETTINGS, text="said", context="history", speaker="who")
    by_table = clone(estimator).fit(TABLE, LABELS)
    np.testing.assert_array_equal(by_table.predict_proba(TABLE), fitted.predict_proba(INPUTS))
    np.testing.assert_array_equal(by_table.predict_proba(INPUTS), fitted.predict_proba(INPUTS))
    assert cross_val_score(estimator, TABLE, np.array(LABELS), cv=3).mean() > 0.9
    assert estimator.get_params()["context"] == "history"
    columns = TABLE.assign(before=[SAYS[label] for label in LABELS], earlier="")
    several = EmotionClassifier("linear", settings=SETTINGS, text="said", context=["earlier", "before"], speaker="who")
    assert several.fit(columns, LABELS).score(columns, LABELS) > 0.9


def test_a_regressor_reads_them_too() -> None:
    scores = [1.0 if label == "joy" else 0.0 for label in LABELS]
    regressor = EmotionRegressor("linear", settings=SETTINGS).fit(INPUTS, scores)
    assert np.diff(regressor.predict(ASKED))[0] < -0.3


def read(table: pd.DataFrame, **columns: Any) -> list[ModelInput]:
    return read_table_inputs(table, DataOptions(text="said", **columns), "the X of a test")


def test_cells_of_tables() -> None:
    history = [np.array([{"text": "x", "speaker": None}], dtype=object), None, json.dumps(["y", "z"]), float("nan")]
    target = pd.array(["food", pd.NA, "", "room"], dtype="string")
    table = pd.DataFrame({"said": list("abcd"), "history": history, "target": target, "n": [1, 2, 3, 4]})
    assert read(table, context="history", target="target", speaker="n") == [
        ModelInput("a", turns=(Turn("x"),), target="food", speaker="1"),
        ModelInput("b", speaker="2"),
        ModelInput("c", turns=(Turn("y"), Turn("z")), speaker="3"),
        ModelInput("d", target="room", speaker="4"),
    ]


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ({"said": ["a", None]}, {}, r"^The X of a test must hold a text in every row. Got (None|nan) in row 1"),
        ({"said": ["a"], "h": ['[{"speaker": "B"}]']}, {"context": "h"}, r"has a row with an earlier turn .*: row 0"),
        (
            {"said": ["a"], "h": ["b"]},
            {"context": "hh"},
            r"context column must be one of .*the X of a test\. Got 'hh'.*mean 'h'",
        ),
        ({"text": ["a"]}, {}, r"text column must be one of .*the X of a test\. Got 'said'"),
    ],
)
def test_tables_that_cannot_be_read(table: dict[str, Any], columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(pd.DataFrame(table), **columns)


def test_columns_without_the_one_of_the_text() -> None:
    with pytest.raises(DataError, match="need text, the column with the text"):
        EmotionClassifier("linear", context="history").fit(TABLE, LABELS)
    with pytest.raises(DataError, match="at least one text"):
        EmotionClassifier("linear", text="said").fit(TABLE.iloc[:0], [])
