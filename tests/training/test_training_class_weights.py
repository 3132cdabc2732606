"""Class weights, label smoothing and soft labels, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import toy_data
from insula.core.errors import RecipeError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.training.fitting import Rows
from insula.training.objectives.class_weights import compute_class_weights, compute_label_weights, compute_row_weights
from insula.training.objectives.registry import choose_objective
from insula.training.objectives.training_targets import build_training_rows, smooth_labels, unsmooth_labels
from insula.training.options.objective import ObjectiveOptions

SINGLE = LabelScheme("s", "single", ("a", "b", "c"))


def _prepared(examples: list[Example], scheme: LabelScheme = SINGLE, **options: Any) -> Rows:
    rows = Rows([""] * len(examples), build_gold_matrix(scheme, examples), np.array([e.weight for e in examples]))
    return build_training_rows(rows, examples, scheme, ObjectiveOptions(**options))


def test_effective_numbers_by_hand() -> None:
    totals, beta = np.array([1.0, 10.0, 100.0]), 0.9
    effective = np.array([(1 - beta**n) / (1 - beta) for n in totals])  # 1, 6.51, 10.0: the hundredth adds nothing
    assert effective[0] == pytest.approx(1)
    expected = 1 / effective * 111 / (totals / effective).sum()
    np.testing.assert_allclose(compute_class_weights(totals, "effective", beta), expected)
    # The two limits: equal weights of rows, and of classes.
    np.testing.assert_allclose(compute_class_weights(totals, "effective", 0.0), [1, 1, 1])
    np.testing.assert_allclose(compute_class_weights(totals, "effective", 1 - 1e-9), [37, 3.7, 0.37], rtol=1e-5)
    np.testing.assert_allclose(compute_class_weights(totals, "balanced"), [37, 3.7, 0.37])
    np.testing.assert_allclose(compute_class_weights(totals, "none"), [1, 1, 1])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6), st.sampled_from(["none", "balanced", "effective"]))
def test_class_weights_keep_the_weight_of_all_rows(counts: list[float], rule: str) -> None:
    totals = np.array([count if count >= 1 else 0.0 for count in counts])
    weights = compute_class_weights(totals, rule)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights @ totals == pytest.approx(totals.sum())


def test_balanced_classes_have_equal_total_weight() -> None:
    gold = np.eye(3)[[0, 0, 0, 1]]
    each = compute_row_weights(gold, np.array([1.0, 1.0, 2.0, 1.0]), "balanced")
    np.testing.assert_allclose(each, [5 / 8, 5 / 8, 10 / 8, 5 / 2])
    np.testing.assert_allclose(each @ gold, [2.5, 2.5, 0])


def test_label_weights_of_absent_and_present_labels() -> None:
    gold = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert compute_label_weights(gold, np.ones(4), "auto") is None
    found = compute_label_weights(gold, np.ones(4), "balanced")
    assert found is not None
    np.testing.assert_allclose(found, [[2 / 3, 1, 2], [2, 0, 2 / 3]])  # a label without rows has weight 0


def test_label_smoothing_by_hand() -> None:
    one_hot = np.array([[0.0, 1.0, 0.0, 0.0]])
    np.testing.assert_allclose(smooth_labels(one_hot, "single", 0.1), [[0.025, 0.925, 0.025, 0.025]])
    np.testing.assert_allclose(smooth_labels(one_hot, "ordinal", 0.1), [[0.025, 0.925, 0.025, 0.025]])
    np.testing.assert_allclose(smooth_labels(one_hot, "multi", 0.1), [[0.05, 0.95, 0.05, 0.05]])
    np.testing.assert_allclose(smooth_labels(np.array([[0.0, 1.0]]), "binary", 0.1), [[0.05, 0.95]])
    np.testing.assert_array_equal(smooth_labels(one_hot, "single", 0.0), one_hot)
    for kind in ("single", "multi"):
        np.testing.assert_allclose(unsmooth_labels(smooth_labels(one_hot, kind, 0.1), kind, 0.1), one_hot)  # type: ignore[arg-type]


def test_smoothing_does_not_change_class_weights() -> None:
    """Otherwise rare labels would count as often as frequent ones."""
    scheme, gold = LabelScheme("s", "multi", ("a", "b")), np.array([[1.0, 1.0]] + [[0.0, 1.0]] * 99)
    wanted, z = torch.tensor(gold), torch.zeros(100, 2, dtype=torch.float64)
    losses = []
    for share in (0.0, 0.2):
        options = ObjectiveOptions(class_weights="balanced", label_smoothing=share)
        rows = Rows([""] * 100, smooth_labels(gold, "multi", share), np.ones(100))
        losses.append(choose_objective(options, scheme, rows).loss(z, wanted))
    torch.testing.assert_close(*losses)


def test_targets_follow_the_options() -> None:
    examples = [
        Example(text="x", labels=("a",), weight=2.0, votes={"a": 3, "b": 1}),
        Example(text="y", labels=("a",)),
        Example(text="z", labels=("b",), votes={"b": 0}),  # nobody voted
    ]
    plain = _prepared(examples)
    np.testing.assert_array_equal(plain.gold, build_gold_matrix(SINGLE, examples))
    np.testing.assert_array_equal(plain.weights, [2, 1, 1])
    np.testing.assert_allclose(_prepared(examples, soft_labels=True).gold, [[0.75, 0.25, 0], [1, 0, 0], [0, 1, 0]])
    both = _prepared(examples, soft_labels=True, label_smoothing=0.3)
    np.testing.assert_allclose(both.gold[0], [0.7 * 0.75 + 0.1, 0.7 * 0.25 + 0.1, 0.1])
    np.testing.assert_allclose(_prepared(examples, class_weights="balanced").weights, [4 / 3, 2 / 3, 2])


def test_votes_of_several_labels_are_shares() -> None:
    scheme = LabelScheme("m", "multi", ("a", "b", "c"))
    examples = [Example(text="x", labels=("a",), votes={"a": 1.0, "b": 0.4}), Example(text="y", labels=())]
    np.testing.assert_allclose(_prepared(examples, scheme, soft_labels=True).gold, [[1, 0.4, 0], [0, 0, 0]])


def test_soft_labels_without_votes_are_rejected() -> None:
    with pytest.raises(RecipeError, match=r"objective\.soft_labels.*data\.votes"):
        _prepared([Example(text="x", labels=("a",))], soft_labels=True)


def test_dimensional_targets_are_unchanged() -> None:
    data = toy_data.toy_dataset("dimensional", train=5, validation=0, test=0)
    examples = list(data.split("train"))
    rows = Rows([""] * 5, build_gold_matrix(data.scheme, examples), np.ones(5))
    assert build_training_rows(rows, examples, data.scheme, ObjectiveOptions()) is rows
