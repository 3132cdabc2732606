"""Comparison of two systems on the same rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from insula.core.builtin_schemes import builtin_scheme
from insula.core.errors import DataError
from insula.evaluation.compare import compare, mcnemar


def systems(rows=600, seed=0):
    generator = np.random.default_rng(seed)
    gold = generator.integers(0, 3, size=rows)
    a = np.where(generator.random(rows) < 0.6, gold, generator.integers(0, 3, size=rows))
    b = np.where(generator.random(rows) < 0.8, gold, generator.integers(0, 3, size=rows))
    return [np.eye(3)[x] for x in (gold, a, b)]


def test_a_better_system_is_better():
    gold, a, b = systems()
    found = compare(builtin_scheme("sentiment3"), gold, a, b)
    assert set(found.differences) == {"accuracy", "macro_f1"}
    assert found.differences["macro_f1"].low > 0
    assert found.differences["accuracy"].value == pytest.approx(
        (b.argmax(1) == gold.argmax(1)).mean() - (a.argmax(1) == gold.argmax(1)).mean()
    )
    assert found.mcnemar.p < 0.001
    json.dumps(found.to_dict(), allow_nan=False)


def test_swapping_the_systems_turns_the_sign():
    gold, a, b = systems()
    scheme = builtin_scheme("sentiment3")
    there, back = compare(scheme, gold, a, b), compare(scheme, gold, b, a)
    assert there.differences["macro_f1"].value == pytest.approx(-back.differences["macro_f1"].value)
    assert there.differences["macro_f1"].low == pytest.approx(-back.differences["macro_f1"].high, abs=0.01)
    assert there.mcnemar.p == back.mcnemar.p


def test_a_system_does_not_differ_from_itself():
    gold, a, _ = systems()
    found = compare(builtin_scheme("sentiment3"), gold, a, a)
    assert found.differences["macro_f1"].low == found.differences["macro_f1"].high == 0
    assert found.mcnemar.p == 1


def test_dimensions_and_sets():
    generator = np.random.default_rng(0)
    gold = generator.uniform(1, 5, size=(200, 3))
    found = compare(builtin_scheme("vad"), gold, gold + generator.normal(size=gold.shape), gold)
    assert set(found.differences) == {"pearson", "ccc", "mae"}
    assert found.differences["mae"].high < 0 < found.differences["ccc"].low
    assert found.to_dict()["mcnemar"] is None
    sets = generator.random((50, 28)) < 0.1
    assert "micro_f1" in compare(builtin_scheme("goemotions"), sets, sets, ~sets).differences
    with pytest.raises(DataError, match="decisions of b"):
        compare(builtin_scheme("goemotions"), sets, sets, ~sets[:-1])


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 5), (3, 9), (12, 4), (1, 1), (6, 6)])
def test_mid_p_is_the_exact_p_less_half_of_both_ends(only_a, only_b):
    correct_a = [True] * only_a + [False] * only_b + [True, False]
    correct_b = [False] * only_a + [True] * only_b + [True, False]
    found = mcnemar(correct_a, correct_b)
    assert (found.only_a, found.only_b) == (only_a, only_b)
    probabilities = stats.binom.pmf(np.arange(only_a + only_b + 1), only_a + only_b, 0.5)
    fewer = min(only_a, only_b)
    one_side = probabilities[:fewer].sum() + probabilities[fewer] / 2
    assert found.p == pytest.approx(2 * one_side if only_a != only_b else 1 - probabilities[fewer] / 2)
