"""Macro-F1 at 0.5, as decided, and with thresholds that cheat: the last is the most that any thresholds reach."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.threshold_effect import measure_macro_f1_by_threshold
from insula.evaluation.evaluate import evaluate
from insula.evaluation.result import Interval


def several(rows=300, seed=0):
    generator = np.random.default_rng(seed)
    gold = generator.random((rows, 4)) < [0.3, 0.1, 0.05, 0.02]
    scores = np.clip(0.4 * gold + 0.5 * generator.random((rows, 4)), 0, 1)
    return gold, scores


def test_multi_label_figures_are_those_of_scikit_learn():
    gold, scores = several()
    decisions = scores >= 0.42
    found = measure_macro_f1_by_threshold("multi", gold, scores, decisions, resamples=100)
    assert found.half.value == pytest.approx(f1_score(gold, scores >= 0.5, average="macro", zero_division=0))
    assert found.validation.value == pytest.approx(f1_score(gold, decisions, average="macro"))
    best = np.mean(
        [max(f1_score(g, s >= cut, zero_division=0) for cut in s) for g, s in zip(gold.T, scores.T, strict=True)]
    )
    assert found.test == Interval(pytest.approx(best))
    assert found.half.low < found.half.value < found.half.high


def test_binary_cheats_with_the_best_of_all_cuts():
    generator = np.random.default_rng(1)
    positive = generator.random(200) < 0.2
    score = np.round(0.3 * positive + 0.5 * generator.random(200), 2)
    gold, scores = np.stack([~positive, positive], axis=1), np.stack([1 - score, score], axis=1)
    decided = np.stack([score < 0.5, score >= 0.5], axis=1)
    found = measure_macro_f1_by_threshold("binary", gold, scores, decided, resamples=100)
    assert found.half == found.validation
    best = max(f1_score(positive, score >= cut, average="macro") for cut in np.unique(score))
    assert found.test.value == pytest.approx(best)


@pytest.mark.parametrize(
    ("rows", "share"), [(3000, 0.3), (3000, 0.02), (40, 0.0), (3, 0.4)], ids=["many", "rare", "no positive row", "few"]
)
def test_no_cut_of_a_binary_model_is_above_the_oracle(rows, share):
    generator = np.random.default_rng(0)
    positive = generator.random(rows) < share
    score = 1 / (1 + np.exp(-generator.normal(np.where(positive, 1, -1.5), 1.2)))
    gold, scores = np.stack([~positive, positive], axis=1), np.stack([1 - score, score], axis=1)
    given = np.arange(rows + 1)  # how many of the highest scores are positive
    hits = np.concatenate([[0], np.cumsum(positive[np.argsort(-score)])])
    both = np.stack([given + positive.sum(), 2 * rows - given - positive.sum()])
    right = np.stack([hits, rows - given - positive.sum() + hits])
    each = np.divide(2 * right, both, where=both > 0, out=np.full(both.shape, np.nan))
    found = measure_macro_f1_by_threshold("binary", gold, scores, gold, resamples=2)
    assert found.test.value == pytest.approx(np.nanmean(each, axis=0).max(), abs=1e-12)


def test_evaluation_has_it_where_there_are_thresholds():
    gold, scores = several()
    scheme = LabelScheme("s", "multi", ("a", "b", "c", "d"))
    assert evaluate(scheme, gold, scores, scores >= 0.5, resamples=100).to_dict()["macro_f1_by_threshold"]["half"]
    three = np.eye(3)[np.arange(30) % 3]
    assert evaluate(get_builtin_scheme("sentiment3"), three, three, three, resamples=100).macro_f1_by_threshold is None
