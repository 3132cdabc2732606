"""Categorical metrics against scikit-learn, and the rules of undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from insula.core.errors import DataError
from insula.evaluation.metrics import counts
from insula.evaluation.metrics.categorical import (
    compute_categorical_metrics,
    compute_metrics_per_label,
    count_confusion,
)
from insula.evaluation.metrics.checked_arrays import as_indicators, as_matrix
from insula.evaluation.metrics.reliability import (
    compute_brier,
    compute_expected_calibration_error,
    compute_negative_log_likelihood,
    compute_reliability_bins,
    pair_confidence_with_outcome,
)


def one_hot(indices, labels):
    return np.eye(labels, dtype=bool)[np.asarray(indices)]


def multi_rows(rows=300, labels=5, seed=0):
    generator = np.random.default_rng(seed)
    scores = generator.random((rows, labels))
    gold = generator.random((rows, labels)) < scores * 0.6
    return gold, scores, scores > 0.5


def single_rows(rows=300, labels=4, seed=0):
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet(np.ones(labels), size=rows)
    gold = one_hot([generator.choice(labels, p=p) for p in scores], labels)
    return gold, scores, one_hot(scores.argmax(axis=1), labels)


def values(kind, gold, scores, decisions):
    return {
        name: interval.value
        for name, interval in compute_categorical_metrics(kind, gold, scores, decisions, resamples=10).items()
    }


def test_multi_label_metrics_equal_scikit_learn():
    gold, scores, decisions = multi_rows()
    found = values("multi", gold, scores, decisions)
    for average in ("macro", "micro", "weighted"):
        assert found[f"{average}_f1"] == pytest.approx(sk.f1_score(gold, decisions, average=average))
    assert found["macro_precision"] == pytest.approx(sk.precision_score(gold, decisions, average="macro"))
    assert found["macro_recall"] == pytest.approx(sk.recall_score(gold, decisions, average="macro"))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(gold, decisions))
    assert found["hamming_loss"] == pytest.approx(sk.hamming_loss(gold, decisions))
    assert found["jaccard"] == pytest.approx(sk.jaccard_score(gold, decisions, average="samples", zero_division=1.0))
    assert found["macro_auroc"] == pytest.approx(sk.roc_auc_score(gold, scores, average="macro"))
    assert found["macro_average_precision"] == pytest.approx(sk.average_precision_score(gold, scores))
    assert found["nll"] == pytest.approx(sk.log_loss(gold.ravel(), scores.ravel()))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(gold.ravel(), scores.ravel()))


def test_single_label_metrics_equal_scikit_learn():
    gold, scores, decisions = single_rows()
    truth, decided = gold.argmax(axis=1), decisions.argmax(axis=1)
    found = values("ordinal", gold, scores, decisions)
    for average in ("macro", "micro", "weighted"):
        assert found[f"{average}_f1"] == pytest.approx(sk.f1_score(truth, decided, average=average))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, decided))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(truth, decided))
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(truth, decided))
    assert found["kappa"] == pytest.approx(sk.cohen_kappa_score(truth, decided))
    assert found["quadratic_kappa"] == pytest.approx(sk.cohen_kappa_score(truth, decided, weights="quadratic"))
    assert found["class_mae"] == pytest.approx(sk.mean_absolute_error(truth, decided))
    assert found["macro_auroc"] == pytest.approx(sk.roc_auc_score(truth, scores, multi_class="ovr"))
    assert found["nll"] == pytest.approx(sk.log_loss(truth, scores))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(truth, scores, labels=range(4)))
    table = count_confusion(("a", "b", "c", "d"), gold, decisions)
    assert table.counts == sk.confusion_matrix(truth, decided).tolist()
    assert table.labels == ["a", "b", "c", "d"]


def test_kind_decides_which_metrics_there_are():
    single, multi = values("single", *single_rows()), values("multi", *multi_rows())
    assert "quadratic_kappa" not in single
    assert "mcc" in single
    assert "mcc" not in multi
    assert "balanced_accuracy" not in multi
    assert {"jaccard", "hamming_loss"} <= set(multi)


def test_binary_brier_is_of_the_positive_class():
    gold, scores = one_hot([1, 0], 2), np.array([[0.2, 0.8], [0.6, 0.4]])
    assert compute_brier("binary", gold, scores) == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert compute_brier("single", gold, scores) == pytest.approx(0.2**2 + 0.4**2)


def test_macro_averages_leave_absent_labels_out():
    gold, decisions = one_hot([0, 1, 0], 5), one_hot([0, 1, 1], 5)
    found = counts.from_sums(counts.compute_contributions(gold, decisions).sum(axis=0))
    expected = sk.f1_score(gold, decisions, average="macro", zero_division=np.nan)
    assert found["macro_f1"] == pytest.approx(expected)
    assert found["macro_f1"] == pytest.approx(sk.f1_score([0, 1, 0], [0, 1, 1], average="macro"))


def test_nothing_given_and_nothing_decided_has_no_f1():
    empty = np.zeros((3, 2), dtype=bool)
    found = values("multi", empty, np.full((3, 2), 0.1), empty)
    assert found["macro_f1"] is None
    assert found["micro_f1"] is None
    assert found["macro_auroc"] is None
    assert found["accuracy"] == 1.0
    assert found["jaccard"] == 1.0


def test_one_row_and_constant_decisions_are_defined_by_rule():
    gold = one_hot([2], 3)
    found = values("ordinal", gold, np.array([[0.2, 0.2, 0.6]]), gold)
    assert found["accuracy"] == 1.0
    assert found["mcc"] == 0.0
    assert found["kappa"] is None
    assert found["macro_auroc"] is None
    constant = values("single", one_hot([0, 1, 1], 3), np.full((3, 3), 1 / 3), one_hot([0, 0, 0], 3))
    assert constant["mcc"] == 0.0
    assert constant["kappa"] == pytest.approx(0.0)
    assert constant["macro_auroc"] == 0.5


def test_quadratic_kappa_counts_classes_without_rows():
    far = values("ordinal", one_hot([0, 0, 3, 3], 4), np.full((4, 4), 0.25), one_hot([0, 1, 3, 2], 4))
    expected = sk.cohen_kappa_score([0, 0, 3, 3], [0, 1, 3, 2], weights="quadratic")
    assert far["quadratic_kappa"] == pytest.approx(expected)
    gap = values("ordinal", one_hot([0, 0, 3, 3], 4), np.full((4, 4), 0.25), one_hot([0, 3, 3, 3], 4))
    assert gap["quadratic_kappa"] == pytest.approx(
        sk.cohen_kappa_score([0, 0, 3, 3], [0, 3, 3, 3], weights="quadratic", labels=[0, 1, 2, 3])
    )


def test_per_label_rows():
    gold, scores, decisions = multi_rows(labels=3)
    gold[:, 2], decisions[:, 2] = False, False
    table = compute_metrics_per_label(("a", "b", "c"), gold, scores, decisions, np.array([0.1, 0.2, 0.3]))
    precision, recall, f1, support = sk.precision_recall_fscore_support(gold, decisions, zero_division=0.0)
    for i, row in enumerate(table[:2]):
        assert (row.precision, row.recall, row.f1) == pytest.approx((precision[i], recall[i], f1[i]))
        assert row.support == support[i]
        assert row.predicted == decisions[:, i].sum()
        assert row.auroc == pytest.approx(sk.roc_auc_score(gold[:, i], scores[:, i]))
    nowhere = table[2]
    assert nowhere.f1 is nowhere.auroc is nowhere.average_precision is None
    assert nowhere.support == nowhere.predicted == 0
    assert [row.threshold for row in table] == [0.1, 0.2, 0.3]


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.61, 0.61])
    outcome = np.array([True, True, True, False])
    assert compute_expected_calibration_error(confidence, outcome) == pytest.approx(0.5 * 0.05 + 0.5 * 0.11)
    assert compute_expected_calibration_error(confidence, outcome, bins=1) == pytest.approx(abs(0.75 - 0.78))
    assert compute_expected_calibration_error(confidence, outcome, bins=2, equal_mass=True) == pytest.approx(0.08)
    table = compute_reliability_bins(confidence, outcome, bins=10)
    assert [(row.low, row.count, row.accuracy) for row in table] == [
        (pytest.approx(0.6), 2, 0.5),
        (pytest.approx(0.9), 2, 1.0),
    ]


def test_reliability_pools_the_top_score_or_every_score():
    gold, scores = one_hot([0, 1], 2), np.array([[0.7, 0.3], [0.6, 0.4]])
    confidence, outcome = pair_confidence_with_outcome("single", gold, scores)
    assert confidence.tolist() == [0.7, 0.6]
    assert outcome.tolist() == [True, False]
    assert pair_confidence_with_outcome("multi", gold, scores)[0].size == 4


def test_a_sure_mistake_costs_much_but_not_infinity():
    assert 30 < compute_negative_log_likelihood("single", one_hot([0], 2), np.array([[0.0, 1.0]])) < 40


@pytest.mark.parametrize("bad", [[[0.5, 0.5]], [[2, 0]]])
def test_indicators_must_be_zero_or_one(bad):
    with pytest.raises(DataError, match="only 0 and 1"):
        as_indicators("gold", bad)


def test_arrays_are_rejected_with_a_reason():
    with pytest.raises(DataError, match=r"exactly one 1 in each row\. Got 2 in row 1"):
        as_indicators("gold", [[1, 0], [1, 1]], one_hot=True)
    with pytest.raises(DataError, match="at least one row"):
        as_matrix("gold", np.zeros((0, 2)))
    with pytest.raises(DataError, match="finite"):
        as_matrix("scores", [[np.nan]])
    with pytest.raises(DataError, match="3 columns"):
        as_matrix("scores", [[1.0]], columns=3)
    with pytest.raises(DataError, match="as many rows"):
        as_matrix("scores", [[1.0]], rows=3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(2, 6), st.integers(0, 10_000), st.booleans())
def test_every_metric_keeps_its_range_in_any_row_order(rows, labels, seed, multi):
    kind, (gold, scores, decisions) = (
        ("multi", multi_rows(rows, labels, seed)) if multi else ("ordinal", single_rows(rows, labels, seed))
    )
    found = values(kind, gold, scores, decisions)
    order = np.random.default_rng(seed).permutation(rows)
    again = values(kind, gold[order], scores[order], decisions[order])
    for name, value in found.items():
        assert again[name] == (None if value is None else pytest.approx(value, abs=1e-9))
        if value is not None and name not in ("nll", "class_mae", "brier"):
            assert (-1 if name in ("mcc", "kappa", "quadratic_kappa") else 0) <= value <= 1 + 1e-9
