"""The decision rule after compression."""

from __future__ import annotations

import numpy as np
import pytest

import toy_data
from insula.compression.refit_decision import refit_decision
from insula.core.decision import DecisionRule
from insula.core.scheme import Kind
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions

OPTIONS = DecisionOptions(thresholds="shrunk", class_offsets=True)


@pytest.mark.parametrize("kind", ["multi", "binary", "single", "ordinal"])
def test_a_faithful_rule_decides_as_before(kind: Kind) -> None:
    scheme, random = toy_data.SCHEMES[kind], np.random.default_rng(0)
    logits = random.normal(size=(300, scheme.output_count)) * 2
    noisy = logits + random.normal(size=logits.shape)
    gold = DecisionRule().decide(scheme, noisy).chosen.astype(float)
    rule = choose_decision(scheme, logits, gold, OPTIONS, seed=0)
    before = rule.decide(scheme, logits)
    moved = 1.3 * logits + 0.2 + 1e-4 * random.normal(size=logits.shape)  # a new scale, and a little noise
    found = refit_decision(scheme, moved, gold, OPTIONS, seed=0, rule=rule, before=before, faithful=True)
    after = found.decide(scheme, moved)
    if rule.thresholds:
        np.testing.assert_array_equal(after.chosen.sum(axis=0), before.chosen.sum(axis=0))
    assert (after.chosen == before.chosen).all(axis=1).mean() > 0.97
    assert np.abs(after.scores - before.scores).max() < 0.12  # another calibration, which may lack the shift of 0.2
    assert 1 - after.abstained.mean() == pytest.approx(OPTIONS.coverage, abs=0.02)


def test_a_free_rule_is_the_one_that_training_would_choose() -> None:
    scheme, random = toy_data.SCHEMES["multi"], np.random.default_rng(0)
    logits = random.normal(size=(200, 3))
    gold = (logits + random.normal(size=logits.shape) > 0.5).astype(float)
    rule = DecisionRule(thresholds=(0.9, 0.9, 0.9))
    before = rule.decide(scheme, logits)
    found = refit_decision(scheme, logits, gold, OPTIONS, seed=3, rule=rule, before=before, faithful=False)
    assert found == choose_decision(scheme, logits, gold, OPTIONS, seed=3)


def test_a_label_that_was_never_given_is_not_given_now() -> None:
    scheme = toy_data.SCHEMES["multi"]
    logits = np.random.default_rng(0).normal(size=(100, 3))
    gold = (logits > 0).astype(float)
    rule = DecisionRule(thresholds=(0.5, 0.5, 1.0))
    before = rule.decide(scheme, logits)
    found = refit_decision(scheme, logits + 0.5, gold, OPTIONS, seed=0, rule=rule, before=before, faithful=True)
    assert not found.decide(scheme, logits + 0.5).chosen[:, 2].any()
