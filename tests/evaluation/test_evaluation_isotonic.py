"""Isotonic calibration: bends where the rows ask for it, keeps the ranking, and stays away from small sets."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax

from insula.core.decision import Calibration, DecisionRule
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.calibration import fit_calibration


def bent(rows, seed=0, labels=3):
    """Log-odds whose truth is a curve that no slope and offset can follow: steep in the middle, flat outside."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.5, size=(rows, labels))
    return logits, (generator.random((rows, labels)) < expit(1.5 * np.tanh(2 * logits))).astype(float)


def bent_classes(rows, seed=0):
    """A third of the labels is noise: however sure the logits, no class is above 0.78."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=4, size=(rows, 3))
    truth = softmax(logits, axis=1) * 2 / 3 + 1 / 9
    return logits, np.eye(3)[[generator.choice(3, p=row) for row in truth]]


def sigmoid_loss(logits, gold):
    return (np.logaddexp(0, logits) - logits * gold).sum(axis=1).mean()


def softmax_loss(logits, gold):
    return (logsumexp(logits, axis=1) - (logits * gold).sum(axis=1)).mean()


@pytest.mark.parametrize(
    ("kind", "made", "loss", "rows"),
    # Of classes a curve moves labels, too: that this costs nothing is sure with many rows only.
    [("multi", bent, sigmoid_loss, 4000), ("single", bent_classes, softmax_loss, 20_000)],
)
def test_a_curve_is_chosen_where_it_helps_on_other_rows(kind, made, loss, rows):
    fitted = fit_calibration(*made(rows), kind)
    assert fitted.method == "isotonic"
    logits, gold = made(20_000, seed=1)
    line = fit_calibration(*made(rows), kind, method="vector" if kind == "multi" else "temperature")
    assert loss(fitted.apply(logits, kind), gold) < loss(line.apply(logits, kind), gold) - 0.01


@pytest.mark.parametrize("rows", [60, 300, 1500])
def test_where_a_line_is_the_truth_no_curve_is_taken(rows):
    generator = np.random.default_rng(rows)
    taken = []
    for seed in range(12):
        logits = generator.normal(scale=2, size=(rows, 4))
        gold = generator.random((rows, 4)) < expit(0.5 * logits + 0.3)
        taken.append(fit_calibration(logits, gold, "multi", seed=seed).method)
    assert taken.count("isotonic") <= 1


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_curves_never_fall_and_go_on_for_ever(kind):
    made = bent if kind == "multi" else bent_classes
    fitted = fit_calibration(*made(800), kind, method="isotonic")
    assert len(fitted.knots) == 3
    for x, y in fitted.knots:
        assert (np.diff(x) > 0).all()
        assert (np.diff(y) >= 0).all()
    far = np.array([[-900.0, -50.0, -49.0], [900.0, 50.0, 49.0]])
    assert np.isfinite(fitted.apply(far, kind)).all()
    if kind == "multi":
        line = np.linspace(-30, 30, 500)[:, None].repeat(3, axis=1)
        assert (np.diff(fitted.apply(line, kind), axis=0) > 0).all()


def test_a_rare_label_keeps_the_shared_temperature():
    logits, gold = bent(500)
    logits[:, 2] = np.random.default_rng(1).normal(-9, 1, size=500)
    gold[:, 2] = 0
    fitted = fit_calibration(logits, gold, "multi", method="isotonic")
    calibrated = fitted.apply(logits, "multi")
    np.testing.assert_allclose(calibrated[:, 2], logits[:, 2] * fitted.scale[0], atol=1e-9)
    assert np.abs(calibrated[:, 0] - logits[:, 0] * fitted.scale[0]).max() > 0.2


def test_the_headline_is_never_traded_for_likelihood():
    # Class weights made the rare class win on purpose; a curve for each label would take that back.
    generator = np.random.default_rng(0)
    classes = np.where(generator.random(4000) < 0.06, 1, 0)
    logits = np.stack([np.zeros(4000), 1.5 * (2 * classes - 1) + generator.normal(scale=1.2, size=4000)], axis=1)
    gold = np.eye(2)[classes]

    def f1_of_rare(decided):
        return 2 * (decided & (classes == 1)).sum() / (decided.sum() + (classes == 1).sum())

    for kind in ("single", "ordinal"):
        fitted = fit_calibration(logits, gold, kind)
        before = f1_of_rare(logits.argmax(axis=1) == 1)
        assert f1_of_rare(fitted.apply(logits, kind).argmax(axis=1) == 1) >= before - 0.01


def test_curves_survive_json_and_decide_the_same():
    scheme = LabelScheme("s", "multi", ("a", "b", "c"))
    logits, gold = bent(800)
    rule = DecisionRule(fit_calibration(logits, gold, "multi", method="isotonic"))
    again = DecisionRule.from_dict(json.loads(json.dumps(rule.to_dict())))
    assert again == rule
    np.testing.assert_array_equal(again.scores(scheme, logits), rule.scores(scheme, logits))


def test_explicit_methods_are_obeyed():
    for method in ("temperature", "vector", "isotonic"):
        assert fit_calibration(*bent_classes(300), "single", method=method).method == method
    assert fit_calibration(*bent(300), "multi", method="none") == Calibration()


def test_values_get_a_line_where_it_brings_them_nearer():
    generator = np.random.default_rng(0)
    gold = generator.uniform(1, 5, size=(300, 2))
    values = (gold - 3) * [0.5, 1.0] + [2.0, 3.4] + generator.normal(scale=0.1, size=gold.shape)
    fitted = fit_calibration(values, gold, "dimensional")
    assert fitted.method == "linear"
    assert fitted.scale == pytest.approx([2.0, 1.0], rel=0.1)
    moved = fitted.apply(values, "dimensional")
    assert np.abs(moved - gold).mean() < 0.3 * np.abs(values - gold).mean()
    assert fit_calibration(values, gold, "dimensional", method="none") == Calibration()
    assert fit_calibration(moved, gold, "dimensional").apply(moved, "dimensional") == pytest.approx(moved, abs=0.02)


def test_a_line_that_would_lower_the_concordance_is_not_taken():
    generator = np.random.default_rng(0)
    gold = generator.normal(size=(400, 1))
    values = gold + generator.normal(size=gold.shape)  # the right mean; least squares would halve the spread
    assert fit_calibration(values / values.std(), gold / gold.std(), "dimensional") == Calibration()
