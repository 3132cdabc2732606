"""Bootstrap: the fast path is the slow path, and intervals cover."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from insula.evaluation.metrics import counts, intervals, regression
from insula.evaluation.metrics.intervals import count_intervals, moment_intervals, resampled_sums


def rows(size, labels, seed=0):
    generator = np.random.default_rng(seed)
    gold = generator.random((size, labels)) < 0.3
    return gold, gold ^ (generator.random((size, labels)) < 0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 1000))
def test_weighted_sums_agree_with_scikit_learn_on_repeats(size, labels, seed):
    gold, decisions = rows(size, labels, seed)
    chosen = np.random.default_rng(seed).integers(0, size, size=size)
    weights = np.bincount(chosen, minlength=size).astype(float)
    found = counts.from_sums(weights @ counts.contributions(gold, decisions))
    truth, decided = gold[chosen].astype(int), decisions[chosen].astype(int)
    assert found["accuracy"] == pytest.approx((truth == decided).all(axis=1).mean())
    present = np.flatnonzero((truth | decided).any(axis=0))
    if len(present):
        expected = sk.f1_score(truth[:, present], decided[:, present], average="macro", zero_division=0)
        assert found["macro_f1"] == pytest.approx(expected if len(present) > 1 else found["macro_f1"])
        assert found["micro_f1"] == pytest.approx(
            sk.f1_score(truth.ravel(), decided.ravel(), zero_division=0), abs=1e-12
        )
    else:
        assert np.isnan(found["macro_f1"])


def test_moments_give_the_metric_on_the_repeated_rows():
    generator = np.random.default_rng(1)
    gold, scores = generator.normal(size=(50, 2)), generator.normal(size=(50, 2))
    chosen = generator.integers(0, 50, size=50)
    sums = np.bincount(chosen, minlength=50) @ regression.contributions(gold, scores)
    again = regression.contributions(gold[chosen], scores[chosen]).sum(axis=0)
    for name, value in regression.from_sums(sums).items():
        assert value == pytest.approx(regression.from_sums(again)[name])


@pytest.mark.parametrize("repeats", [np.ones(40, dtype=np.int64), np.array([30, 6, 4])])
def test_resamples_have_the_size_and_shares_of_the_sample(repeats):
    distinct = np.eye(len(repeats))
    sums = resampled_sums(distinct, repeats, 3000, 0)
    assert sums.shape == (3000, len(repeats))
    assert (sums.sum(axis=1) == repeats.sum()).all()
    assert sums.mean(axis=0) == pytest.approx(repeats, rel=0.15)
    variance = repeats * (1 - repeats / repeats.sum())
    assert sums.var(axis=0) == pytest.approx(variance, rel=0.25)


def test_chunks_of_resamples_are_put_together(monkeypatch):
    monkeypatch.setattr(intervals, "_CHUNK", 100)
    sums = resampled_sums(np.eye(40), np.ones(40, dtype=np.int64), 7, 0)
    assert (sums.sum(axis=1) == 40).all()


def test_intervals_are_those_of_rows_drawn_one_by_one():
    gold, decisions = rows(300, 4)
    fast = count_intervals(gold, decisions, resamples=2000)["macro_f1"]
    generator, draws = np.random.default_rng(0), []
    for _ in range(300):
        chosen = generator.integers(0, 300, size=300)
        draws.append(sk.f1_score(gold[chosen], decisions[chosen], average="macro"))
    assert fast.value == pytest.approx(sk.f1_score(gold, decisions, average="macro"))
    assert (fast.low, fast.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.015)


def test_intervals_cover():
    generator = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        correct = generator.random(150) < 0.7
        gold = np.ones((150, 1), dtype=bool)
        interval = count_intervals(gold, correct[:, None], resamples=300, seed=seed)["accuracy"]
        covered += interval.low <= 0.7 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_moments_have_intervals():
    generator = np.random.default_rng(0)
    gold = generator.normal(size=(80, 1))
    interval = moment_intervals(gold, gold + generator.normal(size=(80, 1)))["pearson"]
    assert -1 < interval.low < interval.value < interval.high < 1


def test_same_seed_same_interval():
    gold, decisions = rows(100, 3)
    assert count_intervals(gold, decisions, seed=4) == count_intervals(gold, decisions, seed=4)
    assert count_intervals(gold, decisions, seed=4) != count_intervals(gold, decisions, seed=5)


def test_one_row_has_a_value_and_no_interval():
    interval = count_intervals([[1, 0]], [[1, 0]])["accuracy"]
    assert interval.to_dict() == {"value": 1.0, "low": None, "high": None}
    assert count_intervals([[0, 0]], [[0, 0]])["macro_f1"].value is None
    assert moment_intervals([[1.0], [1.0]], [[1.0], [2.0]])["pearson"].value is None


def test_a_thousand_resamples_cost_less_than_a_hundred_scores():
    """They are weighted sums, where a loop over scikit-learn would score a thousand times."""
    gold, decisions = rows(5000, 28)

    def seconds(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    once = min(seconds(lambda: sk.precision_recall_fscore_support(gold, decisions, zero_division=0)) for _ in range(5))
    assert seconds(lambda: count_intervals(gold, decisions, resamples=1000)) < 100 * (once + 0.002)
