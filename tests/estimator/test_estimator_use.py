"""The scikit-learn face at work: search, cross-validation, pipelines, copies, label forms, saving."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from insula import EmotionClassifier, EmotionRegressor, load_model
from insula.core.errors import DataError, OutputError, UnknownNameError
from insula.models.provenance import split_fingerprints

FEELINGS = {
    "joy": "happy delighted wonderful smile laughing sunny party glad",
    "anger": "furious awful rude shouting hate unfair angry broken",
    "sadness": "crying lonely lost tears miss grey sorry empty",
}


def rows(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    labels = [list(FEELINGS)[i % len(FEELINGS)] for i in range(count)]
    texts = [
        " ".join([*random.choice(FEELINGS[label].split(), 3), f"day{random.integers(10_000)}", f"at{i}"])
        for i, label in enumerate(labels)
    ]
    return texts, labels


TEXTS, LABELS = rows(150)


@pytest.fixture(scope="module")
def fitted() -> EmotionClassifier:
    return EmotionClassifier("linear").fit(TEXTS, LABELS)


def test_predicts_labels_and_probabilities(fitted: EmotionClassifier) -> None:
    texts, labels = rows(30, seed=1)
    assert list(fitted.classes_) == ["anger", "joy", "sadness"]
    assert fitted.score(texts, labels) > 0.9
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == (30, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(texts)).all()


def test_grid_search_chooses_among_settings() -> None:
    grid = {"settings": [{"model.strengths": [0.0001]}, {"model.strengths": [10.0]}]}
    search = GridSearchCV(EmotionClassifier("linear", validation_fraction=0), grid, cv=2, scoring="neg_log_loss")
    search.fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 2
    assert search.predict(["so happy and glad"])[0] == "joy"


def test_cross_validation_and_pipeline() -> None:
    shout = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(shout, EmotionClassifier("linear"))
    assert cross_val_score(pipeline, TEXTS, LABELS, cv=2).mean() > 0.9


def test_clone_is_unfitted_and_equal(fitted: EmotionClassifier) -> None:
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        twin.predict(TEXTS)


def test_pickle_and_saved_folder_answer_alike(fitted: EmotionClassifier, tmp_path: Path) -> None:
    expected = fitted.predict_proba(TEXTS[:20])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(TEXTS[:20]), expected)
    fitted.save(tmp_path / "my-model")
    predictions = load_model(tmp_path / "my-model").predict(TEXTS[:20])
    np.testing.assert_array_equal([list(p.scores.values()) for p in predictions], expected)


def test_saving_replaces_a_model_and_nothing_else(fitted: EmotionClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    fitted.save(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").touch()
    with pytest.raises(OutputError, match="other files"):
        fitted.save(tmp_path / "photos")
    assert (tmp_path / "photos" / "one.jpg").exists()


def test_saving_an_unfitted_estimator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        EmotionClassifier("linear").save(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_multi_label_as_collections() -> None:
    texts = [f"{a} {b}" for a, b in itertools.pairwise(TEXTS)] + ["nothing at all", "the table"]
    labels = [{a, b} for a, b in itertools.pairwise(LABELS)] + [set(), set()]
    model = EmotionClassifier("linear").fit(texts, labels)
    assert model.predict_proba(texts).shape == (len(texts), 3)
    assert all(isinstance(answer, tuple) for answer in model.predict(texts[:5]))
    assert model.score(texts, labels) > 0.8


def test_multi_label_as_a_matrix_answers_with_a_matrix() -> None:
    matrix = np.array([[label == name for name in FEELINGS] for label in LABELS]).astype(int)
    model = EmotionClassifier("linear").fit(TEXTS, matrix)
    answers = model.predict(TEXTS)
    assert answers.shape == matrix.shape
    assert (answers == matrix).mean() > 0.9


def test_an_indicator_table_keeps_its_column_names() -> None:
    table = pd.DataFrame({name: [int(label == name) for label in LABELS] for name in ("sadness", "joy", "anger")})
    model = EmotionClassifier("linear").fit(TEXTS, table)
    assert list(model.classes_) == ["sadness", "joy", "anger"]
    assert model.scheme_.names == ("sadness", "joy", "anger")
    assert (model.predict(TEXTS) == table.to_numpy()).mean() > 0.9


@pytest.mark.parametrize("nothing", [float("nan"), None, pd.NA])
@pytest.mark.parametrize("container", [list, tuple, pd.Series, lambda y: np.array(y, dtype=object)])
def test_a_missing_label_is_rejected_in_every_container(container: Callable[[Any], Any], nothing: Any) -> None:
    with pytest.raises(DataError, match="must have a label in every row"):
        EmotionClassifier("linear").fit(TEXTS, container([nothing, *LABELS[1:]]))
    with pytest.raises(DataError, match="must have a label in every row"):
        EmotionClassifier("linear").fit(TEXTS, [(nothing,), *[(label,) for label in LABELS[1:]]])


def test_integer_labels_come_back_as_integers() -> None:
    numbers = [7 if label == "joy" else 3 for label in LABELS]
    answers = EmotionClassifier("linear").fit(TEXTS, numbers).predict(TEXTS)
    assert set(answers.tolist()) == {3, 7}
    assert np.issubdtype(answers.dtype, np.integer)


def test_regressor_stays_in_range_and_follows() -> None:
    strength = np.array([{"joy": 1.0, "anger": 0.0, "sadness": 0.4}[label] for label in LABELS])
    model = EmotionRegressor("linear").fit(TEXTS, strength)
    answers = model.predict(TEXTS)
    assert answers.shape == (len(TEXTS),)
    assert answers.min() >= 0.0
    assert answers.max() <= 1.0
    assert np.corrcoef(answers, strength)[0, 1] > 0.9
    both = EmotionRegressor("linear").fit(TEXTS, np.stack([strength, 1 - strength], axis=1)).predict(TEXTS)
    assert both.shape == (len(TEXTS), 2)


def test_example_weights_decide() -> None:
    texts = ["same words here"] * 60
    labels = ["joy"] * 30 + ["anger"] * 30
    heavy = np.r_[np.full(30, 10.0), np.full(30, 0.1)]
    assert EmotionClassifier("linear").fit(texts, labels, sample_weight=heavy).predict(texts[:1])[0] == "joy"
    assert EmotionClassifier("linear").fit(texts, labels, sample_weight=heavy[::-1]).predict(texts[:1])[0] == "anger"


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        ("one text", ["joy"], "Got a single text"),
        (["a", 3], ["joy", "anger"], "Got int at index 1"),
        (["a", "b"], ["joy"], "must have equally many rows"),
        (["a", "b"], ["joy", "joy"], "one class"),
        ([], [], "at least one text"),
        ({"text": ["a", "b"]}, ["joy", "anger"], "Got dict. For a table, pass the column"),
        (None, ["joy", "anger"], "Got NoneType"),
        (np.array("one text"), ["joy"], "Got a single text"),
    ],
)
def test_bad_input_is_one_sentence(texts: list[str], labels: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        EmotionClassifier("linear").fit(texts, labels)


def test_a_table_is_not_taken_for_the_names_of_its_columns(fitted: EmotionClassifier) -> None:
    table = pd.DataFrame({"text": TEXTS, "author": "x"})
    with pytest.raises(DataError, match=r"Got DataFrame. .*, such as df\['text'\]"):
        fitted.predict(table[["text"]])
    assert fitted.predict(table["text"]).tolist() == fitted.predict(TEXTS).tolist()


@pytest.mark.parametrize("fraction", [1, 1.5, -0.1, "0.1", None])
def test_a_share_that_is_none_is_refused(fraction: Any) -> None:
    with pytest.raises(DataError, match="must be a number from 0 to below 1"):
        EmotionClassifier("linear", validation_fraction=fraction).fit(TEXTS, LABELS)


@pytest.mark.usefixtures("torch_only")
def test_a_tiny_encoder_fits(encoder_folder: Callable[..., Path]) -> None:
    model = EmotionClassifier(str(encoder_folder()), epochs=1, batch_size=16, settings={"model.max_tokens": 16})
    assert model.fit(TEXTS, LABELS).predict_proba(TEXTS[:3]).shape == (3, 3)


@pytest.mark.usefixtures("torch_only")
def test_a_model_made_from_another_knows_the_rows_of_both(tmp_path: Path, encoder_folder: Callable[..., Path]) -> None:
    bases, texts = (str(encoder_folder()), str(tmp_path / "first")), (TEXTS, [f"{text} indeed" for text in TEXTS])
    for base, some, name in zip(bases, texts, ("first", "second"), strict=True):
        model = EmotionClassifier(base, epochs=1, batch_size=16, settings={"model.max_tokens": 16})
        model.fit(some, LABELS).save(tmp_path / name)
    assert all(split_fingerprints(tmp_path / "second")["train"].find_seen(some).all() for some in texts)


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        (np.array([["joy", "fear"]] * 4), None, "must contain only 0 and 1"),
        (np.array([[0.2, 0.8]] * 4), None, "must contain only 0 and 1"),
        (["joy", None, "fear", "joy"], None, "Got None"),
        (pd.Series(["joy", np.nan, "fear", "joy"]), None, "Got nan. Drop those rows"),
        (pd.Series(["joy", None, "fear", "joy"], dtype="string"), None, "Drop those rows"),
        ([("joy", None), ("fear",), ("joy",), ()], None, "Got None"),
        (["joy", "fear", "fear", "joy"], [0.0] * 4, "above 0"),
    ],
)
def test_targets_and_weights_that_say_nothing_are_refused(y: Any, weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        EmotionClassifier("linear").fit(TEXTS[:4], y, sample_weight=weights)


def test_log_probabilities_are_those_of_the_probabilities(fitted: EmotionClassifier) -> None:
    found = fitted.predict_log_proba(TEXTS[:5])
    np.testing.assert_allclose(np.exp(found), fitted.predict_proba(TEXTS[:5]))
    assert found.shape == (5, 3)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("class_weight", "objective.class_weights"),
        ("max_length", "model.max_tokens"),
        ("epoch", "Did you mean 'epochs'"),
        ("lr", "has no parameter 'lr'"),
    ],
)
@pytest.mark.parametrize("estimator", [EmotionClassifier, EmotionRegressor])
def test_an_unknown_parameter_has_a_hint(estimator: Any, option: str, hint: str) -> None:
    with pytest.raises(TypeError, match=rf"{estimator.__name__} has no parameter '{option}'") as caught:
        estimator("linear", **{option: 1})
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("model", "hint"), [("liner", "Did you mean 'linear'"), ("minlm", "Did you mean 'minilm'"), ("??", "a hub id")]
)
def test_an_unknown_model_has_a_hint(model: str, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=r"must be a family \(") as caught:
        EmotionClassifier(model).fit(TEXTS, LABELS)
    assert hint in str(caught.value)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u3000"])
def test_a_blank_text_is_rejected_as_everywhere(blank: str) -> None:
    texts, labels = rows(40)
    model = EmotionClassifier(model="linear", random_state=0)
    said = r"A text must not be empty or blank\. Got one at position 1\. Leave it out\."
    with pytest.raises(DataError, match=said):
        model.fit([texts[0], blank, *texts[2:]], labels)
    model.fit(texts, labels)
    table = EmotionClassifier(model="linear", random_state=0, text="said").fit(pd.DataFrame({"said": texts}), labels)
    for ask in (model.predict, model.predict_proba, model.predict_log_proba):
        with pytest.raises(DataError, match=said):
            ask(["so happy", blank])
    with pytest.raises(DataError, match=said):
        table.predict(pd.DataFrame({"said": ["so happy", blank]}))
    with pytest.raises(DataError, match=said):
        EmotionRegressor(model="linear").fit([texts[0], blank, *texts[2:]], np.arange(40.0))
