"""Losses, gradients and first biases, against their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from insula.core.errors import RecipeError, UnknownNameError
from insula.core.scheme import KINDS, Kind, LabelScheme
from insula.training.objectives import choose_objective, objectives, targets

Floats = NDArray[np.float64]


def _sigmoid(z: Floats) -> Floats:
    value: Floats = 1 / (1 + np.exp(-z))
    return value


def _softmax(z: Floats) -> Floats:
    value: Floats = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return value


# By hand: loss a row, and its derivative by the logits.
FORMULAS: dict[str, tuple[Callable[[Floats, Floats], Floats], Callable[[Floats, Floats], Floats]]] = {
    "sigmoid": (
        lambda z, y: -(y * np.log(_sigmoid(z)) + (1 - y) * np.log(1 - _sigmoid(z))).mean(axis=1),
        lambda z, y: (_sigmoid(z) - y) / z.shape[1],
    ),
    "softmax": (lambda z, y: -(y * np.log(_softmax(z))).sum(axis=1), lambda z, y: _softmax(z) - y),
    "squared": (lambda z, y: ((z - y) ** 2).mean(axis=1), lambda z, y: 2 * (z - y) / z.shape[1]),
}
every_objective = pytest.mark.parametrize("name", list(objectives))


def _scheme(kind: Kind) -> LabelScheme:
    names = ("a", "b") if kind == "binary" else ("a", "b", "c")
    return LabelScheme("s", kind, names, ranges=dict.fromkeys(names, (0.0, 1.0)) if kind == "dimensional" else {})


def _wanted(name: str, rng: np.random.Generator) -> Floats:
    if name == "softmax":
        return np.eye(4)[rng.integers(0, 4, size=6)]
    return rng.integers(0, 2, size=(6, 4)).astype(float) if name == "sigmoid" else rng.normal(size=(6, 4))


@every_objective
def test_loss_and_gradient_are_the_formula_s(name: str) -> None:
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(6, 4)) * 3, _wanted(name, rng)
    logits = torch.tensor(z, requires_grad=True)
    loss = objectives[name].loss(logits, torch.tensor(y))
    assert loss.shape == (6,)
    np.testing.assert_allclose(loss.detach().numpy(), FORMULAS[name][0](z, y), atol=1e-6)
    loss.sum().backward()
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad.numpy(), FORMULAS[name][1](z, y), atol=1e-6)


@every_objective
def test_huge_logits_give_finite_losses(name: str) -> None:
    rng = np.random.default_rng(0)
    loss = objectives[name].loss(torch.tensor(rng.normal(size=(6, 4)) * 1e4), torch.tensor(_wanted(name, rng)))
    assert torch.isfinite(loss).all()


def test_first_biases_give_the_base_rates() -> None:
    wanted = np.zeros((2000, 3))
    wanted[:200, 0] = wanted[200:1200, 1] = wanted[1200:, 2] = 1  # 10 %, 50 %, 40 %
    ones = np.ones(2000)
    sigmoid = objectives["sigmoid"].biases(wanted, ones)
    np.testing.assert_allclose(_sigmoid(np.array(sigmoid)), [0.1, 0.5, 0.4], atol=1e-3)
    softmax = objectives["softmax"].biases(wanted, ones)
    np.testing.assert_allclose(_softmax(np.array([softmax]))[0], [0.1, 0.5, 0.4], atol=1e-3)
    values = np.array([[1.0, 4.0], [3.0, 4.0]])
    assert objectives["squared"].biases(values, np.array([1.0, 1.0])) == [2.0, 4.0]


@every_objective
def test_first_biases_follow_the_weights_and_stay_finite(name: str) -> None:
    wanted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    heavy = objectives[name].biases(wanted, np.array([9.0, 1.0]))
    assert heavy[0] > heavy[1] > heavy[2] or name == "squared"
    assert all(math.isfinite(bias) for bias in heavy)
    assert all(math.isfinite(bias) for bias in objectives[name].biases(wanted, np.zeros(2)))


@pytest.mark.parametrize("kind", KINDS)
def test_auto_takes_one_that_fits(kind: Kind) -> None:
    objective = choose_objective("auto", _scheme(kind))
    assert kind in objective.kinds


def test_each_kind_has_an_objective_and_each_objective_a_kind() -> None:
    assert {kind for name in objectives for kind in objectives[name].kinds} == set(KINDS)


def test_one_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"'softmax' is for single and ordinal labels.*Got binary.*objective=auto"):
        choose_objective("softmax", _scheme("binary"))
    with pytest.raises(UnknownNameError, match="Did you mean 'sigmoid'"):
        choose_objective("sigmiod", _scheme("binary"))


def test_binary_targets_are_the_positive_label() -> None:
    gold = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert targets(_scheme("binary"), gold).tolist() == [[0.0], [1.0]]
    assert targets(_scheme("multi"), gold) is gold
