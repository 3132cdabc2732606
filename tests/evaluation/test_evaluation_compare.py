"""Comparison of two systems on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError
from insula.evaluation.compare import compare, compute_mcnemar
from insula.evaluation.comparison_document import ComparisonDocument
from insula.evaluation.metrics.intervals import count_intervals
from insula.evaluation.reports.comparison_page import describe_verdict
from insula.evaluation.result import Difference, Interval


def systems(rows=600, seed=0):
    generator = np.random.default_rng(seed)
    gold = generator.integers(0, 3, size=rows)
    a = np.where(generator.random(rows) < 0.6, gold, generator.integers(0, 3, size=rows))
    b = np.where(generator.random(rows) < 0.8, gold, generator.integers(0, 3, size=rows))
    return [np.eye(3)[x] for x in (gold, a, b)]


def test_a_better_system_is_better():
    gold, a, b = systems()
    found = compare(get_builtin_scheme("sentiment3"), gold, [a], [b])
    assert set(found.metrics) == {"accuracy", "macro_f1"}
    assert found.metrics["macro_f1"].difference.low > 0
    assert found.metrics["accuracy"].difference.value == pytest.approx(
        (b.argmax(1) == gold.argmax(1)).mean() - (a.argmax(1) == gold.argmax(1)).mean()
    )
    assert found.mcnemar.p < 0.001


def test_swapping_the_systems_turns_the_sign():
    gold, a, b = systems()
    scheme = get_builtin_scheme("sentiment3")
    there, back = compare(scheme, gold, [a], [b]), compare(scheme, gold, [b], [a])
    assert there.metrics["macro_f1"].difference.value == pytest.approx(-back.metrics["macro_f1"].difference.value)
    assert there.metrics["macro_f1"].difference.low == pytest.approx(
        -back.metrics["macro_f1"].difference.high, abs=0.01
    )
    assert there.mcnemar.p == back.mcnemar.p


def test_a_system_does_not_differ_from_itself():
    gold, a, _ = systems()
    found = compare(get_builtin_scheme("sentiment3"), gold, [a], [a])
    difference = found.metrics["macro_f1"].difference
    assert (difference.value, difference.excludes_zero) == (0, False)
    assert -0.01 < difference.low < 0 < difference.high < 0.01  # 600 rows cannot show that it never differs
    assert found.mcnemar.p == 1


def test_a_paired_difference_is_narrower_than_the_systems_alone():
    gold, a, _ = systems()
    b = a.copy()
    b[:30] = gold[:30]
    found = compare(get_builtin_scheme("sentiment3"), gold, [a], [b]).metrics["macro_f1"]
    alone = count_intervals(gold, a)["macro_f1"]
    assert found.a == alone.value
    assert found.difference.value == pytest.approx(found.b - found.a)
    assert found.difference.low > 0
    assert found.difference.high - found.difference.low < alone.high - alone.low


def test_several_seeds_are_averaged_and_steadier_than_one():
    gold, a, b = systems(400)
    sides = [[systems(400, seed=seed)[side] for seed in (1, 2, 3)] for side in (1, 2)]
    sides = [[np.where(np.arange(400)[:, None] < 200, one, first) for one in side]
             for side, first in zip(sides, (a, b), strict=True)]  # fmt: skip
    scheme = get_builtin_scheme("sentiment3")
    found = compare(scheme, gold, *sides)
    alone = [compare(scheme, gold, [x], [y]) for x, y in zip(*sides, strict=True)]
    for name in ("accuracy", "macro_f1"):
        mean = np.mean([one.metrics[name].difference.value for one in alone])
        assert found.metrics[name].difference.value == pytest.approx(mean)
        width = [one.metrics[name].difference.high - one.metrics[name].difference.low for one in alone]
        interval = found.metrics[name].difference
        assert interval.high - interval.low < np.mean(width)
    assert found.mcnemar is None
    assert all(one.mcnemar for one in alone)


def test_each_label_and_each_dimension_is_compared():
    gold, a, b = systems()
    scheme = get_builtin_scheme("sentiment3")
    found = compare(scheme, gold, [a], [b])
    assert list(found.by_name) == list(scheme.names)
    for i, name in enumerate(scheme.names):
        f1 = [2 * (gold[:, i] * one[:, i]).sum() / (gold[:, i].sum() + one[:, i].sum()) for one in (a, b)]
        assert (found.by_name[name].a, found.by_name[name].b) == pytest.approx(f1)
        assert found.by_name[name].difference.low < f1[1] - f1[0] < found.by_name[name].difference.high
    assert np.mean([one.a for one in found.by_name.values()]) == pytest.approx(found.metrics["macro_f1"].a)
    values = np.random.default_rng(0).uniform(1, 5, size=(80, 3))
    dimensions = compare(get_builtin_scheme("vad"), values, [values[::-1]], [values]).by_name
    assert dimensions["arousal"].b == pytest.approx(1)
    assert dimensions["arousal"].a == pytest.approx(np.corrcoef(values[:, 1], values[::-1, 1])[0, 1])


def test_dimensions_and_sets():
    generator = np.random.default_rng(0)
    gold = generator.uniform(1, 5, size=(200, 3))
    found = compare(get_builtin_scheme("vad"), gold, [gold + generator.normal(size=gold.shape)], [gold])
    assert set(found.metrics) == {"pearson", "ccc", "mae"}
    assert found.metrics["mae"].difference.high < 0 < found.metrics["ccc"].difference.low
    assert found.mcnemar is None
    sets = generator.random((50, 28)) < 0.1
    assert "micro_f1" in compare(get_builtin_scheme("goemotions"), sets, [sets], [~sets]).metrics
    with pytest.raises(DataError, match="decisions of b"):
        compare(get_builtin_scheme("goemotions"), sets, [sets], [~sets[:-1]])


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 5), (3, 9), (12, 4), (1, 1), (6, 6)])
def test_mid_p_is_the_exact_p_less_half_of_both_ends(only_a, only_b):
    correct_a = [True] * only_a + [False] * only_b + [True, False]
    correct_b = [False] * only_a + [True] * only_b + [True, False]
    found = compute_mcnemar(correct_a, correct_b)
    assert (found.only_a, found.only_b) == (only_a, only_b)
    probabilities = stats.binom.pmf(np.arange(only_a + only_b + 1), only_a + only_b, 0.5)
    fewer = min(only_a, only_b)
    one_side = probabilities[:fewer].sum() + probabilities[fewer] / 2
    assert found.p == pytest.approx(2 * one_side if only_a != only_b else 1 - probabilities[fewer] / 2)


def test_the_verdict_counts_its_rows():
    same = {"macro_f1": Difference(0.5, 0.5, Interval(0.0))}
    said = {
        rows: describe_verdict(ComparisonDocument(headline="macro_f1", rows=rows, metrics=same)) for rows in (1, 2000)
    }
    assert said[1] == "This row cannot tell which is better: macro-F1 is 0.500 for A, 0.500 for B."
    assert said[2000].startswith("These 2,000 rows cannot tell which is better: ")
