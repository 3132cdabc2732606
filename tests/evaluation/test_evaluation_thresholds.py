"""Thresholds: optimal on the rows they see, better than 0.5 and steadier than unshrunk ones on others."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from insula.core.errors import DataError
from insula.evaluation.decisions.thresholds import choose_binary_threshold, choose_thresholds, compute_midpoint


def imbalanced(rows, seed, labels=12):
    generator = np.random.default_rng(seed)
    rates = np.geomspace(0.005, 0.2, labels)
    scores = generator.beta(0.3 * rates / rates.max() + 0.05, 1.5, size=(rows, labels))
    return generator.random((rows, labels)) < scores, scores


def f1(gold, decisions):
    return 2 * (gold & decisions).sum(axis=0) / (gold.sum(axis=0) + decisions.sum(axis=0))


def macro(gold, decisions):
    return f1_score(gold, decisions, average="macro", zero_division=0)


def rare(rows, seed, labels=12):
    """Scores that are true probabilities; the rarest label has one positive row in 160."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(np.linspace(-8, -1.5, labels), 2.5, size=(rows, labels))
    scores = 1 / (1 + np.exp(-logits))
    return generator.random((rows, labels)) < scores, scores


@pytest.mark.parametrize("method", ["shrunk", "expected", "crossfit"])
def test_rare_labels_do_better_than_with_their_own_cuts(method):
    test_gold, test_scores = rare(40_000, 99)
    few = np.arange(5)
    gains = []
    for seed in range(12):
        gold, scores = rare(900, seed)
        naive = choose_thresholds(gold, scores, shrinkage=0)
        steady = choose_thresholds(gold, scores, method=method)
        reached = [f1(test_gold, test_scores >= cuts)[few].mean() for cuts in (naive, steady)]
        gains.append(reached[1] - reached[0])
    assert np.mean(gains) > 0.01
    assert np.mean(np.array(gains) > 0) > 0.6


def test_the_expected_cut_is_half_of_the_best_f1_to_be_expected():
    # Lipton et al. 2014: where scores are true probabilities the best cut lies at half of the F1 it reaches.
    gold, scores = rare(60_000, 3)
    cuts = choose_thresholds(gold, scores, method="expected")
    np.testing.assert_allclose(cuts[4:], f1(gold, scores >= cuts)[4:] / 2, atol=0.02)


def test_every_method_keeps_its_promises():
    gold, scores = rare(400, 0)
    for method in ("shrunk", "expected", "crossfit", "pooled"):
        cuts = choose_thresholds(gold, scores, method=method, seed=3)
        assert ((cuts >= 0) & (cuts <= 1)).all()
        np.testing.assert_array_equal(cuts, choose_thresholds(gold, scores, method=method, seed=3))
        assert choose_thresholds(gold[:3], scores[:3] * 0 + 0.2, method=method).shape == (12,)
    assert len(set(choose_thresholds(gold, scores, method="pooled"))) == 1
    gold[:, 0] = False
    pooled = choose_thresholds(gold, scores, method="pooled")[0]
    assert choose_thresholds(gold, scores, method="crossfit")[0] == pytest.approx(pooled, abs=0.1)


def test_a_binary_threshold_serves_both_classes():
    generator = np.random.default_rng(0)
    gold = generator.random(3000) < 0.15
    scores = 1 / (1 + np.exp(-(np.where(gold, 0.3, -1.6) + generator.normal(size=3000) - 1.5)))
    cut = choose_binary_threshold(gold[:1500], scores[:1500])

    def both(decided):
        return f1_score(gold[1500:], decided, average="macro")

    assert both(scores[1500:] >= cut) > both(scores[1500:] >= 0.5) + 0.05
    assert choose_binary_threshold(np.ones(20), np.full(20, 0.7)) == 0.5


def test_a_binary_threshold_without_gain_stays_at_a_half():
    generator = np.random.default_rng(1)
    scores = generator.random(400)
    kept = [
        choose_binary_threshold(generator.random(400) < np.where(scores > 0.5, 0.95, 0.05), scores) for _ in range(6)
    ]
    assert kept.count(0.5) >= 3
    assert all(0.4 < cut < 0.6 for cut in kept)


def test_held_out_rows_gain_over_half_and_unshrunk_cuts():
    gains, steadier = [], []
    test_gold, test_scores = imbalanced(8000, 99)
    for seed in range(5):
        gold, scores = imbalanced(600, seed)
        shrunk = macro(test_gold, test_scores >= choose_thresholds(gold, scores))
        gains.append(shrunk - macro(test_gold, test_scores >= 0.5))
        steadier.append(shrunk - macro(test_gold, test_scores >= choose_thresholds(gold, scores, shrinkage=0)))
    assert min(gains) > 0.02
    assert np.mean(steadier) > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000), st.sampled_from([1, 2, 5]))
def test_without_shrinkage_each_cut_is_the_best_of_all(rows, seed, levels):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 10**levels, size=(rows, 3)) / 10**levels
    gold = generator.random((rows, 3)) < 0.4
    thresholds = choose_thresholds(gold, scores, shrinkage=0)
    assert ((thresholds >= 0) & (thresholds <= 1)).all()
    for label in np.flatnonzero(gold.any(axis=0)):
        truth, score = gold[:, label], scores[:, label]
        best = max(f1(truth, score >= cut) for cut in np.unique(score))
        assert f1(truth, score >= thresholds[label]) == pytest.approx(best)


def test_cuts_lie_between_scores():
    thresholds = choose_thresholds([[0], [0], [1], [1]], [[0.1], [0.2], [0.6], [0.9]], shrinkage=0)
    assert thresholds == pytest.approx([0.4])


def test_the_shrinkage_formula():
    gold, scores = imbalanced(500, 3)
    own, pooled = choose_thresholds(gold, scores, shrinkage=0), choose_thresholds(gold, scores, shrinkage=1e12)
    positives = gold.sum(axis=0)
    weight = positives / (positives + 20)
    assert choose_thresholds(gold, scores) == pytest.approx(weight * own + (1 - weight) * pooled)
    assert pooled == pytest.approx(np.full(12, pooled[0]))


def test_the_pooled_cut_maximises_macro_f1():
    gold, scores = imbalanced(200, 4, labels=3)
    gold[0] = True
    pooled = choose_thresholds(gold, scores, shrinkage=1e12)[0]
    best = max(f1(gold, scores >= cut).mean() for cut in np.unique(scores))
    assert f1(gold, scores >= pooled).mean() == pytest.approx(best)


def test_labels_without_positives_get_the_pooled_cut():
    gold, scores = imbalanced(300, 5, labels=4)
    gold[:, 0] = False
    for shrinkage in (0.0, 20.0):
        thresholds = choose_thresholds(gold, scores, shrinkage=shrinkage)
        assert thresholds[0] == pytest.approx(choose_thresholds(gold, scores, shrinkage=1e12)[0])
    assert choose_thresholds(np.zeros((3, 2)), np.full((3, 2), 0.2)).tolist() == [0.5, 0.5]


def test_neighbouring_floats_are_still_parted():
    upper = np.nextafter(0.3, 1)
    assert 0.3 < compute_midpoint(np.array(0.3), np.array(upper)) <= upper


def test_impossible_input_is_rejected():
    with pytest.raises(DataError, match="shrinkage must be 0 or more"):
        choose_thresholds([[1]], [[0.5]], shrinkage=-1)
    with pytest.raises(DataError, match="columns"):
        choose_thresholds([[1, 0]], [[0.5]])


def test_eight_times_the_rows_take_about_eight_times_as_long():
    def seconds(rows):
        gold, scores = imbalanced(rows, 0, labels=28)
        start = time.process_time()
        choose_thresholds(gold, scores)
        return time.process_time() - start

    # All pairs of rows would take 64 times as long; a moment is added so that noise decides nothing.
    assert min(seconds(8000), seconds(8000)) < 24 * (min(seconds(1000), seconds(1000)) + 0.01)
