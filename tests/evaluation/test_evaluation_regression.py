"""Dimensional metrics against scipy, scikit-learn and Lin's formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from insula.evaluation.metrics.regression import (
    compute_by_dimension,
    compute_metrics_per_dimension,
    compute_moments,
    compute_spearman,
    from_sums,
)


def column(gold, scores):
    gold, scores = np.asarray(gold, dtype=float)[:, None], np.asarray(scores, dtype=float)[:, None]
    return compute_metrics_per_dimension(("v",), gold, scores)[0]


def test_values_equal_scipy_and_scikit_learn():
    generator = np.random.default_rng(3)
    gold = generator.normal(1e3, 2.0, size=(200, 2))
    scores = gold * 0.7 + 300 + generator.normal(size=(200, 2))
    table = compute_metrics_per_dimension(("valence", "arousal"), gold, scores)
    for i, row in enumerate(table):
        x, y = gold[:, i], scores[:, i]
        assert row.mae == pytest.approx(sk.mean_absolute_error(x, y))
        assert row.rmse == pytest.approx(sk.root_mean_squared_error(x, y))
        assert row.pearson == pytest.approx(stats.pearsonr(x, y).statistic)
        assert row.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
        lin = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        assert row.ccc == pytest.approx(lin)
    averaged = from_sums(compute_moments(gold, scores).sum(axis=0))
    assert averaged["pearson"] == pytest.approx(np.mean([row.pearson for row in table]))


def test_undefined_cases():
    constant_scores = column([1, 2, 3], [2, 2, 2])
    assert (constant_scores.pearson, constant_scores.spearman, constant_scores.ccc) == (0, 0, 0)
    constant_gold = column([0.1, 0.1, 0.1], [1, 2, 3])
    assert constant_gold.pearson is None
    assert constant_gold.spearman is None
    assert constant_gold.ccc == 0
    one_row = column([0.3], [0.7])
    assert one_row.mae == pytest.approx(0.4)
    assert one_row.pearson is one_row.spearman is one_row.ccc is None


def test_averages_run_over_defined_dimensions():
    gold = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    scores = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert from_sums(compute_moments(gold, scores).sum(axis=0))["pearson"] == pytest.approx(1.0)


def test_resampled_constants_are_seen_as_constant():
    # Seven times the same value: the sum of squares minus the squared sum is rounding, not variance.
    gold, scores = np.array([[0.1], [0.7], [0.3]]), np.array([[0.2], [0.5], [0.9]])
    sums = np.array([7.0, 0.0, 0.0]) @ compute_moments(gold, scores)
    assert np.isnan(compute_by_dimension(sums)["pearson"]).all()


numbers = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(numbers)
def test_ranges_and_invariances(pairs):
    gold, scores = np.round(np.array(pairs).T, 3)
    found = column(gold, scores)
    for value in (found.pearson, found.spearman, found.ccc):
        assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9
    assert found.mae <= found.rmse + 1e-9
    if found.pearson is not None and found.ccc is not None:
        assert abs(found.ccc) <= abs(found.pearson) + 1e-6
    if compute_spearman(gold, scores) is not None:
        assert compute_spearman(gold, 3 * scores + 1) == pytest.approx(compute_spearman(gold, scores), abs=1e-9)
