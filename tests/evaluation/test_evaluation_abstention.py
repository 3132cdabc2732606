"""Abstention: coverage is kept, and the risk-coverage curve is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.decision import DecisionRule
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.evaluation.decisions.abstention import (
    choose_abstention,
    choose_energy,
    compute_risk_coverage,
    summarise_abstention,
)
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions


def honest(rows=2000, seed=0):
    confidence = np.random.default_rng(seed).uniform(0.3, 1, size=rows)
    return np.random.default_rng(seed + 1).random(rows) < confidence, confidence


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.floats(0.01, 1), st.integers(0, 1000), st.integers(1, 4))
def test_at_least_the_wanted_share_is_answered(rows, coverage, seed, digits):
    correct, confidence = honest(rows, seed)
    confidence = confidence.round(digits)
    threshold = choose_abstention(correct, confidence, coverage=coverage)
    assert 0 <= threshold <= 1
    assert (confidence >= threshold).mean() >= coverage - 1e-9


def test_exactly_the_least_confident_rows_are_left_out():
    confidence = np.arange(1, 101) / 100
    threshold = choose_abstention(confidence > 0.04, confidence, coverage=0.95)
    assert (confidence < threshold).sum() == 5
    assert threshold == pytest.approx(0.055)


def test_abstaining_raises_accuracy_on_other_rows():
    threshold = choose_abstention(*honest(seed=0), coverage=0.8)
    correct, confidence = honest(seed=7)
    assert correct[confidence >= threshold].mean() > correct.mean() + 0.03


def test_nothing_is_held_back_where_it_gains_nothing():
    correct, confidence = honest()
    assert choose_abstention(correct, confidence, coverage=1) == 0.0
    assert choose_abstention(correct, 1 - confidence) == 0.0
    assert choose_abstention(correct, np.full(len(correct), 0.7)) == 0.0
    with pytest.raises(DataError, match="coverage must be above 0"):
        choose_abstention(correct, confidence, coverage=0)


def test_risk_coverage_by_hand():
    coverage, risk, area = compute_risk_coverage([True, False, True, True], [0.9, 0.1, 0.8, 0.7])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk.tolist() == [0, 0, 0, 0.25]
    assert area == pytest.approx(0.0625)


def test_equal_confidences_make_a_flat_curve_in_any_order():
    correct = np.array([True, False, False, True])
    _, risk, area = compute_risk_coverage(correct, np.full(4, 0.5))
    assert risk.tolist() == [0.5] * 4
    assert area == compute_risk_coverage(correct[::-1], np.full(4, 0.5))[2]
    with pytest.raises(DataError, match="at least one"):
        compute_risk_coverage([], [])


def test_summary():
    correct, confidence = honest(500)
    abstained = confidence < 0.5
    summary = summarise_abstention(correct, confidence, abstained, 0.5)
    assert summary.coverage == pytest.approx((~abstained).mean())
    assert summary.accuracy_answered == pytest.approx(correct[~abstained].mean())
    assert len(summary.curve) <= 50
    assert summary.curve[-1] == [1.0, pytest.approx(1 - correct.mean(), abs=1e-6)]
    silent = summarise_abstention(correct, confidence, np.ones(500, dtype=bool))
    assert silent.accuracy_answered is None


def test_energy_is_used_where_it_finds_mistakes():
    energy = np.linspace(-5, 0, 200)
    wrong_on_top = np.arange(200) < 190
    limit = choose_energy(wrong_on_top, energy, coverage=0.9)
    assert (energy > limit).sum() == 10  # half of the twenty rows that may be left out
    assert choose_energy(~wrong_on_top, energy, coverage=0.9) is None  # high energies are the correct rows
    assert choose_energy(wrong_on_top, energy, coverage=1) is None
    assert choose_energy(wrong_on_top, 1e-7 * energy, coverage=0.9) is None  # of log probabilities nothing but rounding
    assert choose_energy([True], [0.0]) is None


def test_energy_and_confidence_together_keep_the_coverage():
    generator = np.random.default_rng(0)
    scheme = LabelScheme("three", "single", ("a", "b", "c"))
    gold = np.eye(3)[generator.integers(0, 3, size=400)]
    logits = generator.gamma(2.0, 1.5, size=(400, 1)) * gold + generator.normal(size=(400, 3))
    assert choose_decision(scheme, logits, gold, DecisionOptions(coverage=0.9), seed=0).energy is None
    rule = choose_decision(scheme, logits, gold, DecisionOptions(coverage=0.9, energy=True), seed=0)
    assert rule.energy is not None
    abstained = rule.decide(scheme, logits).abstained
    assert 0.05 < abstained.mean() <= 0.1
    assert rule.decide(scheme, logits - 30.0).abstained.all()  # no label has a high logit, the softmax is the same
    assert DecisionRule.from_dict(rule.to_dict()) == rule


def test_a_rule_without_energy_is_written_as_before():
    assert "energy" not in DecisionRule().to_dict()
    assert DecisionRule.from_dict(DecisionRule().to_dict()).energy is None
