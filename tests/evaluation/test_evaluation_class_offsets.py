"""Offsets on log scores: macro-F1 rises on other rows where rare classes were drowned, else they stay at zero."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.metrics import f1_score

from insula.evaluation.decisions.class_offsets import STRENGTHS, choose_offsets


def classes(rows, rates, seed):
    generator = np.random.default_rng(seed)
    gold = generator.choice(len(rates), p=rates, size=rows)
    logits = np.log(rates) + 1.5 * np.eye(len(rates))[gold] + generator.normal(size=(rows, len(rates)))
    return np.eye(len(rates))[gold], softmax(logits, axis=1)


def macro(gold, scores, offsets):
    return f1_score(gold.argmax(1), (np.log(scores) + offsets).argmax(1), average="macro")


def test_rare_classes_gain_on_other_rows():
    rates = [0.7, 0.2, 0.06, 0.04]
    test = classes(20_000, rates, 99)
    gains = []
    for seed in range(3):
        offsets = choose_offsets(*classes(1500, rates, seed))
        shares = np.log(rates) - np.log(rates).mean()
        strength = -(offsets @ shares) / (shares @ shares)
        assert 0 < strength <= STRENGTHS.max()
        assert np.abs(offsets + strength * shares).max() < 0.2  # one number for all, times the rarity of each
        gains.append(macro(*test, offsets) - macro(*test, 0))
    assert min(gains) > 0.02


def test_nothing_is_moved_where_nothing_is_gained():
    for seed in range(3):
        offsets = choose_offsets(*classes(600, [0.25] * 4, seed))
        assert np.abs(offsets).max() < 0.5
    gold, _ = classes(300, [0.25] * 4, 0)
    assert not choose_offsets(gold, 0.9 * gold + 0.025).any()
    assert not choose_offsets(gold[:6], 0.9 * gold[:6] + 0.025).any()


def test_same_seed_same_offsets():
    rows = classes(400, [0.6, 0.3, 0.1], 0)
    np.testing.assert_array_equal(choose_offsets(*rows, seed=1), choose_offsets(*rows, seed=1))
