"""Calibration finds the temperature that made the labels, and keeps what is already true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import f1_score

from insula.core.decision import Calibration
from insula.core.errors import DataError
from insula.evaluation.decisions import calibration
from insula.evaluation.decisions.calibration import fit_calibration
from insula.evaluation.metrics.reliability import compute_expected_calibration_error, pair_confidence_with_outcome


def single(rows=3000, temperature=2.5, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(rows, 4))
    gold = np.array([generator.multinomial(1, p) for p in softmax(logits, axis=1)])
    return logits * temperature, gold


def multi(rows=3000, slope=1.0, offset=0.0, labels=5, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(rows, labels)) - 1
    gold = generator.random((rows, labels)) < expit(logits * slope + offset)
    return logits, gold


def test_softmax_temperature_is_recovered():
    logits, gold = single(temperature=2.5)
    fitted = fit_calibration(logits, gold, "single")
    assert fitted.method == "temperature"
    assert 1 / fitted.scale[0] == pytest.approx(2.5, rel=0.1)
    assert fitted.bias == (0.0,)


def test_calibration_lowers_the_error_on_other_rows():
    fitted = fit_calibration(*single(seed=1), "single")
    logits, gold = single(seed=2)

    def error(values):
        return compute_expected_calibration_error(
            *pair_confidence_with_outcome("single", gold == 1, softmax(values, axis=1))
        )

    assert error(fitted.apply(logits, "single")) < 0.03 < error(logits)


def test_sigmoid_temperature_is_recovered_in_multi_and_binary():
    logits, gold = multi(slope=0.5)
    assert fit_calibration(logits, gold, "multi").scale[0] == pytest.approx(0.5, rel=0.15)
    logits, gold = multi(slope=2.0, labels=1)
    two_columns = np.hstack([~gold, gold])
    fitted = fit_calibration(logits, two_columns, "binary")
    assert fitted == fit_calibration(logits, gold, "binary")
    assert fitted.scale[0] == pytest.approx(2.0, rel=0.15)


def test_labels_with_their_own_offsets_get_vector_scaling():
    slope, offset = np.array([1.0, 0.5, 2.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 2.0, -2.0])
    logits, gold = multi(slope=slope, offset=offset)
    fitted = fit_calibration(logits, gold, "multi")
    assert fitted.method == "vector"
    assert fitted.scale == pytest.approx(slope, rel=0.25)
    assert fitted.bias == pytest.approx(offset, abs=0.35)
    assert fitted.apply(logits, "multi").shape == logits.shape


def test_a_label_without_positives_has_a_near_temperature():
    slope = np.array([0.5, 0.5, 0.5, 0.5, 0.5])
    logits, gold = multi(rows=400, slope=slope, offset=np.array([2, -2, 2, -2, -60.0]))
    fitted = fit_calibration(logits, gold, "multi")
    assert fitted.method == "vector"
    assert not gold[:, 4].any()
    assert 0.05 <= fitted.scale[4] < 2
    assert -4 < fitted.bias[4] < 0


def test_true_probabilities_are_left_nearly_alone():
    logits, gold = multi(rows=2000)
    assert fit_calibration(logits, gold, "multi").apply(logits, "multi") == pytest.approx(logits, abs=0.6)


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_the_gradient_of_vector_scaling_is_right(kind):
    logits, gold = multi(rows=50, labels=2) if kind == "multi" else single(rows=50)
    weights, captured = np.ones(50), {}

    def spy(objective, start, **_):
        captured["gap"] = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], start + 0.3)
        return type("Result", (), {"x": start})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "minimize", spy)
        calibration._fit_vector(logits, gold.astype(float), weights, kind, 1.0)
    assert captured["gap"] < 1e-3


def test_weights_count_as_repeated_rows():
    logits, gold = single(rows=200)
    weights = np.random.default_rng(0).integers(1, 4, size=200)
    weighted = fit_calibration(logits, gold, "single", method="temperature", weights=weights)
    repeated = fit_calibration(
        np.repeat(logits, weights, axis=0), np.repeat(gold, weights, axis=0), "single", method="temperature"
    )
    assert weighted.scale[0] == pytest.approx(repeated.scale[0], rel=1e-3)
    untouched = fit_calibration(logits, gold, "single", weights=np.zeros(200))
    assert untouched == Calibration()


def test_separable_rows_give_a_bounded_scale():
    logits = np.repeat([[-1.0], [1.0]], 20, axis=0)
    fitted = fit_calibration(logits, logits > 0, "binary")
    assert 1 < fitted.scale[0] <= 20.001 * 20
    assert np.isfinite(fitted.apply(logits, "binary")).all()


def test_few_rows_and_dimensions_are_left_alone():
    assert fit_calibration([[1.0], [2.0]], [[0], [1]], "binary").method == "identity"
    assert fit_calibration([[1.0], [2.0]], [[0.3], [1.7]], "dimensional") == Calibration()
    assert fit_calibration(*single(rows=15), "single", method="isotonic") == Calibration()
    logits = np.array([[1.5, -2.0]])
    assert (Calibration().apply(logits, "multi") == logits).all()


def test_same_seed_same_calibration_and_json_round_trip():
    rows = multi(rows=200, offset=1.0)
    fitted = fit_calibration(*rows, "multi", seed=3)
    assert fitted == fit_calibration(*rows, "multi", seed=3)
    assert Calibration.from_dict(fitted.to_dict()) == fitted


def test_shapes_must_agree():
    with pytest.raises(DataError, match="shape of gold"):
        fit_calibration(np.zeros((30, 3)), np.zeros((30, 2)), "multi")


def test_a_better_likelihood_is_not_bought_with_labels():
    generator = np.random.default_rng(0)
    classes = generator.choice(3, size=2000, p=[0.8, 0.12, 0.08])
    gold = np.eye(3)[classes]
    logits = log_softmax(2.2 * gold + generator.normal(size=gold.shape), axis=1) + np.array([0, -0.6, -0.9])
    vector = fit_calibration(logits, gold, "single", method="vector").apply(logits, "single")
    temperature = fit_calibration(logits, gold, "single", method="temperature").apply(logits, "single")
    assert (
        calibration.compute_negative_log_likelihood(vector, gold, "single").mean()
        < calibration.compute_negative_log_likelihood(temperature, gold, "single").mean()
    )
    assert _macro_f1(gold, vector) < _macro_f1(gold, temperature)
    assert fit_calibration(logits, gold, "single").method == "temperature"


@pytest.mark.parametrize(("shift", "method"), [(0.3, "temperature"), (2.0, "vector")])
def test_labels_change_only_where_macro_f1_surely_does_not_fall(shift, method):
    generator = np.random.default_rng(1)
    gold = np.eye(3)[generator.choice(3, size=1500)]
    true = log_softmax(1.5 * gold + generator.normal(size=gold.shape), axis=1)
    assert fit_calibration(true + np.array([shift, 0, 0]), gold, "single").method == method


def _macro_f1(gold, logits):
    return f1_score(gold.argmax(axis=1), logits.argmax(axis=1), average="macro")
