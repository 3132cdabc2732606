"""Bootstrap: the fast path is the slow path, and intervals cover."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from insula.evaluation.metrics import counts, intervals, regression
from insula.evaluation.metrics.intervals import (
    compute_moment_intervals,
    count_differences,
    count_intervals,
    draw_resampled_sums,
)


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
    found = counts.from_sums(weights @ counts.compute_contributions(gold, decisions))
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
    sums = np.bincount(chosen, minlength=50) @ regression.compute_moments(gold, scores)
    again = regression.compute_moments(gold[chosen], scores[chosen]).sum(axis=0)
    for name, value in regression.from_sums(sums).items():
        assert value == pytest.approx(regression.from_sums(again)[name])


@pytest.mark.parametrize("repeats", [np.ones(40, dtype=np.int64), np.array([30, 6, 4])])
def test_resamples_have_the_size_and_shares_of_the_sample(repeats):
    distinct = np.eye(len(repeats))
    sums = draw_resampled_sums(distinct, repeats, 3000, 0)
    assert sums.shape == (3000, len(repeats))
    assert (sums.sum(axis=1) == repeats.sum()).all()
    assert sums.mean(axis=0) == pytest.approx(repeats, rel=0.15)
    variance = repeats * (1 - repeats / repeats.sum())
    assert sums.var(axis=0) == pytest.approx(variance, rel=0.25)


def test_chunks_of_resamples_are_put_together(monkeypatch):
    monkeypatch.setattr(intervals, "_CHUNK", 100)
    sums = draw_resampled_sums(np.eye(40), np.ones(40, dtype=np.int64), 7, 0)
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
    interval = compute_moment_intervals(gold, gold + generator.normal(size=(80, 1)))["pearson"]
    assert -1 < interval.low < interval.value < interval.high < 1


def test_same_seed_same_interval():
    gold, decisions = rows(100, 3)
    assert count_intervals(gold, decisions, seed=4) == count_intervals(gold, decisions, seed=4)
    assert count_intervals(gold, decisions, seed=4) != count_intervals(gold, decisions, seed=5)


def test_one_row_has_a_value_and_no_interval():
    interval = count_intervals([[1, 0]], [[1, 0]])["accuracy"]
    assert interval.to_dict() == {"value": 1.0, "low": None, "high": None}
    assert count_intervals([[0, 0]], [[0, 0]])["macro_f1"].value is None
    assert compute_moment_intervals([[1.0], [1.0]], [[1.0], [2.0]])["pearson"].value is None


def test_a_thousand_resamples_cost_less_than_a_hundred_scores():
    """They are weighted sums, where a loop over scikit-learn would score a thousand times."""
    gold, decisions = rows(5000, 28)

    def seconds(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    once = min(seconds(lambda: sk.precision_recall_fscore_support(gold, decisions, zero_division=0)) for _ in range(5))
    assert seconds(lambda: count_intervals(gold, decisions, resamples=1000)) < 100 * (once + 0.002)


def one_hot(classes, labels):
    return np.eye(labels, dtype=bool)[classes]


def population(shares, accuracy, rows, generator):
    """Gold and predicted classes of rows, wrong ones spread over the other classes; macro-F1 of all such rows."""
    labels = len(shares)
    gold = generator.choice(labels, size=rows, p=shares)
    wrong = generator.random(rows) > accuracy
    predicted = np.where(wrong, (gold + generator.integers(1, labels, size=rows)) % labels, gold)
    table = np.outer(shares, np.full(labels, (1 - accuracy) / (labels - 1)))
    np.fill_diagonal(table, np.array(shares) * accuracy)
    f1 = 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))
    return one_hot(gold, labels), one_hot(predicted, labels), {"accuracy": accuracy, "macro_f1": f1.mean()}


def test_a_perfect_score_has_a_lower_end():
    gold = one_hot(np.arange(60) % 3, 3)
    found = count_intervals(gold, gold, resamples=4000)
    for name in ("accuracy", "macro_f1", "micro_f1"):
        assert found[name].value == found[name].high == 1.0
        assert found[name].low == pytest.approx(0.025 ** (1 / 60), abs=0.006)  # Clopper and Pearson's


@pytest.mark.parametrize("wrong", [0, 1, 4, 9, 56, 60])
def test_accuracy_at_the_edge_is_clopper_and_pearson(wrong):
    gold = one_hot(np.zeros(60, dtype=int), 2)
    decided = one_hot((np.arange(60) < wrong).astype(int), 2)
    found = count_intervals(gold, decided, resamples=8000)["accuracy"]
    expected = stats.binomtest(60 - wrong, 60).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)


@pytest.mark.parametrize(
    ("shares", "accuracy", "rows"),
    [((0.5, 0.5), 0.98, 60), ((0.9, 0.1), 0.98, 60), ((0.6, 0.3, 0.1), 0.95, 60), ((0.25,) * 4, 0.03, 60)],
)
def test_intervals_cover_at_the_edge(shares, accuracy, rows):
    generator, covered = np.random.default_rng(7), {"accuracy": 0, "macro_f1": 0}
    for seed in range(150):
        gold, decided, truth = population(shares, accuracy, rows, generator)
        found = count_intervals(gold, decided, resamples=300, seed=seed)
        for name in covered:
            covered[name] += found[name].low - 1e-9 <= truth[name] <= found[name].high + 1e-9
    assert min(covered.values()) / 150 >= 0.93


@pytest.mark.parametrize(("only_a", "only_b"), [(0.0, 0.03), (0.02, 0.02), (0.01, 0.05)])
def test_differences_cover_where_systems_hardly_differ(only_a, only_b):
    generator, covered = np.random.default_rng(8), 0
    for seed in range(150):
        gold, side = generator.integers(0, 3, size=60), generator.random(60)
        a = np.where(side < only_b, (gold + 1) % 3, gold)  # only b is correct
        b = np.where((side >= only_b) & (side < only_a + only_b), (gold + 1) % 3, gold)
        found = count_differences(one_hot(gold, 3), [one_hot(a, 3)], [one_hot(b, 3)], resamples=300, seed=seed)
        difference = found["accuracy"].difference
        covered += difference.low - 1e-9 <= only_b - only_a <= difference.high + 1e-9
    assert covered / 150 >= 0.93


def test_a_rare_label_has_an_interval_in_a_comparison():
    generator = np.random.default_rng(0)
    gold = np.append(generator.integers(0, 2, size=300), [2, 2, 2])
    a, b = (np.where(generator.random(303) < 0.2, 1 - np.minimum(gold, 1), gold) for _ in range(2))
    a[-3:] = b[-3:] = 2  # both find all three
    found = count_differences(*(one_hot(gold, 3), [one_hot(a, 3)], [one_hot(b, 3)]), by_label=("x", "y", "rare"))
    rare, common = found["rare"].difference, found["x"].difference
    assert rare.value == 0
    assert rare.low < -0.1
    assert rare.high > 0.1
    assert common.high - common.low < 0.15
    assert found["rare"].a == 1.0


def test_sets_of_labels_have_an_interval_at_the_edge():
    gold = np.random.default_rng(0).random((60, 5)) < 0.4
    found = count_intervals(gold, gold)
    assert 0.9 < found["accuracy"].low < 1.0
    assert 0.9 < found["macro_f1"].low < 1.0
    none = count_intervals(np.zeros((60, 3)), np.zeros((60, 3)))
    assert 0.9 < none["accuracy"].low < 1.0
    assert none["macro_f1"].value is None
