"""Losses, gradients, divergences and initial biases, against their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from training_terms import loss_terms_of

from insula.core.errors import RecipeError, UnknownNameError
from insula.core.scheme import KINDS, Kind, LabelScheme
from insula.training.fitting import Rows
from insula.training.loss_terms.term import Batch
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import build_targets, choose_objective, objectives
from insula.training.options.objective import ObjectiveOptions

Floats = NDArray[np.float64]
FITTING = [(name, kind) for name in objectives for kind in objectives[name].kinds]
every_fitting = pytest.mark.parametrize(("name", "kind"), FITTING)


def _scheme(kind: Kind) -> LabelScheme:
    names = ("a", "b") if kind == "binary" else ("a", "b", "c", "d")
    return LabelScheme("s", kind, names, ranges=dict.fromkeys(names, (0.0, 1.0)) if kind == "dimensional" else {})


def _objective(name: str, kind: Kind, train: Rows | None = None, **options: Any) -> Objective:
    return choose_objective(ObjectiveOptions(name=name, **options), _scheme(kind), train)


def _wanted(kind: Kind, rng: np.random.Generator, rows: int = 6) -> Floats:
    if kind in ("single", "ordinal"):
        return np.eye(4)[rng.integers(0, 4, size=rows)]
    if kind == "dimensional":
        return rng.normal(size=(rows, 4))
    return rng.integers(0, 2, size=(rows, 1 if kind == "binary" else 4)).astype(float)


def _loss_and_gradient(objective: Objective, z: Floats, y: Floats) -> tuple[Floats, Floats]:
    logits = torch.tensor(z, requires_grad=True)
    loss = objective.loss(logits, torch.tensor(y))
    loss.sum().backward()
    assert logits.grad is not None
    return loss.detach().numpy(), logits.grad.numpy()


def _sigmoid(z: Floats) -> Floats:
    value: Floats = 1 / (1 + np.exp(-z))
    return value


def _softmax(z: Floats) -> Floats:
    value: Floats = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return value


def _shifted(z: Floats) -> Floats:
    value: Floats = np.maximum(_sigmoid(z) - 0.05, 0)
    return value


def _cumulative(z: Floats, y: Floats) -> Floats:
    above = np.stack([_softmax(z)[:, k + 1 :].sum(axis=1) for k in range(3)], axis=1)
    is_above = np.stack([y[:, k + 1 :].sum(axis=1) for k in range(3)], axis=1)
    value: Floats = -(is_above * np.log(above) + (1 - is_above) * np.log(1 - above)).sum(axis=1)
    return value


def _concordance(z: Floats, y: Floats) -> Floats:
    spread = z.var(axis=0) + y.var(axis=0) + (z.mean(axis=0) - y.mean(axis=0)) ** 2
    value: Floats = ((z - y) ** 2 / spread).mean(axis=1)
    return value


# By hand: the loss of a row.
FORMULAS: dict[tuple[str, str], Callable[[Floats, Floats], Floats]] = {
    ("sigmoid", "multi"): lambda z, y: -(y * np.log(_sigmoid(z)) + (1 - y) * np.log(1 - _sigmoid(z))).mean(axis=1),
    ("softmax", "single"): lambda z, y: -(y * np.log(_softmax(z))).sum(axis=1),
    ("squared", "dimensional"): lambda z, y: ((z - y) ** 2).mean(axis=1),
    ("focal", "multi"): lambda z, y: (
        -(y * (1 - _sigmoid(z)) ** 2 * np.log(_sigmoid(z)) + (1 - y) * _sigmoid(z) ** 2 * np.log(1 - _sigmoid(z))).mean(
            axis=1
        )
    ),
    ("focal", "single"): lambda z, y: -(y * (1 - _softmax(z)) ** 2 * np.log(_softmax(z))).sum(axis=1),
    ("asymmetric", "multi"): lambda z, y: (
        -(y * (1 - _sigmoid(z)) * np.log(_sigmoid(z)) + (1 - y) * _shifted(z) ** 4 * np.log(1 - _shifted(z))).mean(
            axis=1
        )
    ),
    ("corn", "ordinal"): lambda z, y: -(y * np.log(_softmax(z))).sum(axis=1),
    ("coral", "ordinal"): _cumulative,
    ("ccc", "dimensional"): _concordance,
}
FORMULAS |= {
    (name, twin): FORMULAS[name, kind]
    for name, kind, twin in (
        ("sigmoid", "multi", "binary"), ("focal", "multi", "binary"), ("asymmetric", "multi", "binary"),
        ("softmax", "single", "ordinal"), ("focal", "single", "ordinal"),
    )
}  # fmt: skip


@every_fitting
@pytest.mark.parametrize("soft", [False, True])
def test_loss_and_gradient_match_the_formula(name: str, kind: Kind, soft: bool) -> None:
    rng = np.random.default_rng(0)
    y = _wanted(kind, rng)
    if soft:
        y = 0.8 * y + 0.2 / 4
    z = rng.normal(size=y.shape) * 2
    loss, gradient = _loss_and_gradient(_objective(name, kind), z, y)
    formula = FORMULAS[name, kind]
    assert loss.shape == (6,)
    np.testing.assert_allclose(loss, formula(z, y), atol=1e-9)
    step = 1e-6
    for row, output in np.ndindex(*z.shape):
        moved = np.zeros_like(z)
        moved[row, output] = step
        by_difference = (formula(z + moved, y).sum() - formula(z - moved, y).sum()) / (2 * step)
        assert gradient[row, output] == pytest.approx(by_difference, abs=1e-6)


def test_binary_cross_entropy_matches_the_formula() -> None:
    z = np.linspace(-12, 12, 97)[:, None]
    for y in (0.0, 1.0, 0.3):
        loss, gradient = _loss_and_gradient(_objective("sigmoid", "binary"), z, np.full_like(z, y))
        p = _sigmoid(z[:, 0])
        np.testing.assert_allclose(loss, -y * np.log(p) - (1 - y) * np.log(1 - p), atol=1e-6, rtol=0)
        # d/dz = d/dp (-y log p - (1 - y) log(1 - p)) p (1 - p)
        np.testing.assert_allclose(gradient[:, 0], (-y / p + (1 - y) / (1 - p)) * p * (1 - p), atol=1e-6, rtol=0)
        np.testing.assert_allclose(gradient[:, 0], p - y, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "kind", "options", "plain"),
    [
        ("focal", "binary", {"gamma": 0}, "sigmoid"),
        ("focal", "multi", {"gamma": 0}, "sigmoid"),
        ("focal", "single", {"gamma": 0}, "softmax"),
        ("focal", "ordinal", {"gamma": 0}, "softmax"),
        ("asymmetric", "multi", {"gamma_negative": 0, "gamma_positive": 0, "clip": 0}, "sigmoid"),
    ],
)
def test_without_powers_losses_are_the_cross_entropy(
    name: str, kind: Kind, options: dict[str, float], plain: str
) -> None:
    rng = np.random.default_rng(1)
    y = _wanted(kind, rng)
    z = rng.normal(size=y.shape) * 5
    mine, theirs = (
        _loss_and_gradient(objective, z, y)
        for objective in (_objective(name, kind, **options), _objective(plain, kind))
    )
    np.testing.assert_allclose(mine[0], theirs[0], atol=1e-12)
    np.testing.assert_allclose(mine[1], theirs[1], atol=1e-12)


def test_the_concordance_of_a_batch_by_hand() -> None:
    x, y = np.array([1.0, 2.0, 4.0, 3.0]), np.array([1.5, 2.5, 2.0, 4.0])
    covariance = ((x - 2.5) * (y - 2.5)).mean()
    ccc = 2 * covariance / (x.var() + y.var() + 0.0)
    assert ccc == pytest.approx(0.75 / 2.125)
    loss = _objective("ccc", "dimensional").loss(torch.tensor(x[:, None]), torch.tensor(y[:, None]))
    assert float(loss.mean()) == pytest.approx(1 - ccc, abs=1e-12)
    shifted = _objective("ccc", "dimensional").loss(torch.tensor(x[:, None] + 2), torch.tensor(y[:, None]))
    assert float(shifted.mean()) == pytest.approx(1 - 2 * covariance / (x.var() + y.var() + 4), abs=1e-12)
    assert float(_objective("ccc", "dimensional").loss(torch.ones(1, 1), torch.ones(1, 1))) == 0


@every_fitting
@settings(max_examples=20)
@given(data=st.data())
def test_losses_are_finite_and_not_negative_up_to_huge_logits(name: str, kind: Kind, data: st.DataObject) -> None:
    powers = st.sampled_from([0.0, 0.3, 1.0, 4.0])
    options: dict[str, float] = {option: data.draw(powers) for option in objectives[name].options}
    if "clip" in options:
        options["clip"] = data.draw(st.sampled_from([0.0, 0.05, 0.5]))
    objective = _objective(name, kind, **options)
    y = _wanted(kind, np.random.default_rng(data.draw(st.integers(0, 99))), rows=3)
    z = data.draw(arrays(np.float32, y.shape, elements=st.floats(-1e4, 1e4, width=32)))
    logits = torch.tensor(z, requires_grad=True)
    loss = objective.loss(logits, torch.tensor(y, dtype=torch.float32))
    assert torch.isfinite(loss).all()
    assert (loss >= 0).all()
    loss.sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    other = objective.divergence(logits, logits.detach() + 1)
    assert torch.isfinite(other).all()
    assert (other >= -1e-6).all()


@every_fitting
def test_r_drop_is_zero_for_equal_passes(name: str, kind: Kind) -> None:
    rng = np.random.default_rng(2)
    wanted = torch.tensor(_wanted(kind, rng))
    first, second = torch.tensor(rng.normal(size=(2, *wanted.shape)))
    objective = _objective(name, kind)
    terms = loss_terms_of(_scheme(kind), ObjectiveOptions(name=name, r_drop=3.0))

    def r_drop(*passes: torch.Tensor) -> torch.Tensor:
        given = iter(passes)
        network = terms.network(lambda **_: SimpleNamespace(logits=next(given).float()), training=True)
        batch = Batch({}, wanted.float(), torch.ones(len(wanted)))
        return terms.compute_training_loss(batch, network)[0].double()

    torch.testing.assert_close(r_drop(first, first), objective.loss(first, wanted), atol=1e-5, rtol=1e-5)
    apart = r_drop(first, second)
    torch.testing.assert_close(apart, r_drop(second, first))
    mean = (objective.loss(first, wanted) + objective.loss(second, wanted)) / 2
    added = 3.0 * objective.divergence(first, second)
    assert (added > 0).all()
    torch.testing.assert_close(apart, mean + added, atol=1e-5, rtol=1e-5)


def test_divergences_by_hand() -> None:
    z = np.array([[0.3, -1.0, 2.0, 0.0], [0.1, 0.2, 0.3, 0.4]])
    a, b = torch.tensor(z), torch.tensor(z[::-1].copy())

    def kl(p: Floats, q: Floats) -> Floats:
        value: Floats = p * np.log(p / q)
        return value

    p, q = _softmax(z), _softmax(z[::-1])
    np.testing.assert_allclose(
        _objective("softmax", "single").divergence(a, b), (kl(p, q) + kl(q, p)).sum(axis=1) / 2, atol=1e-12
    )
    p, q = _sigmoid(z), _sigmoid(z[::-1])
    both = kl(p, q) + kl(1 - p, 1 - q) + kl(q, p) + kl(1 - q, 1 - p)
    np.testing.assert_allclose(_objective("sigmoid", "multi").divergence(a, b), both.mean(axis=1) / 2, atol=1e-12)
    squared = ((z - z[::-1]) ** 2).mean(axis=1)
    np.testing.assert_allclose(_objective("squared", "dimensional").divergence(a, b), squared, atol=1e-12)


def test_initial_biases_give_the_base_rates() -> None:
    wanted = np.zeros((2000, 4))
    wanted[:200, 0] = wanted[200:1200, 1] = wanted[1200:, 2] = 1  # 10 %, 50 %, 40 %
    ones = np.ones(2000)
    sigmoid = _objective("sigmoid", "multi").biases(wanted, ones)
    np.testing.assert_allclose(_sigmoid(np.array(sigmoid)), [0.1, 0.5, 0.4, 0], atol=1e-3)
    softmax = _objective("softmax", "single").biases(wanted, ones)
    np.testing.assert_allclose(_softmax(np.array([softmax]))[0], [0.1, 0.5, 0.4, 0], atol=1e-3)
    values = np.array([[1.0, 4.0], [3.0, 4.0]])
    assert _objective("squared", "dimensional").biases(values, np.array([1.0, 1.0])) == [2.0, 4.0]


@every_fitting
def test_initial_biases_follow_the_weights_and_stay_finite(name: str, kind: Kind) -> None:
    wanted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    biases = _objective(name, kind).biases
    heavy = biases(wanted, np.array([9.0, 1.0]))
    assert heavy[0] > heavy[1] > heavy[2] or kind == "dimensional"
    assert all(math.isfinite(bias) for bias in heavy)
    assert all(math.isfinite(bias) for bias in biases(wanted, np.zeros(2)))


@pytest.mark.parametrize("name", ["sigmoid", "focal", "asymmetric"])
def test_label_weights_balance_absent_and_present(name: str) -> None:
    gold = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
    rows = Rows([""] * 4, gold, np.ones(4))
    plain = _objective(name, "multi", rows)
    weighted = _objective(name, "multi", rows, class_weights="balanced")
    z = torch.tensor(np.random.default_rng(0).normal(size=(4, 4)))
    # Of four rows the first label has one: absent rows weigh 4 / (2 * 3), the present one 4 / (2 * 1).
    for label, (absent, present) in enumerate([(2 / 3, 2), (2, 2 / 3), (2 / 3, 2), (1, 1)]):
        alone = torch.full((4, 4), 0.0, dtype=torch.float64)
        alone[:, label] = z[:, label]
        rest = torch.full((4, 4), 0.0, dtype=torch.float64)
        y = torch.tensor(gold)
        change = plain.loss(alone, y) - plain.loss(rest, y)
        factor = np.where(gold[:, label] > 0, present, absent)
        torch.testing.assert_close(weighted.loss(alone, y) - weighted.loss(rest, y), change * torch.tensor(factor))
    # The initial biases are those of rates among weighed rows: nearly even ones.
    assert np.abs(weighted.biases(gold, np.ones(4))).max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_auto_chooses_a_fitting_objective(kind: Kind) -> None:
    objective = choose_objective(ObjectiveOptions(), _scheme(kind))
    assert objective.head == "linear"
    assert kind in {kind for _, kind in FITTING}
    assert {name: _objective(name, "ordinal").head for name in ("softmax", "corn", "coral")} == {
        "softmax": "linear", "corn": "corn", "coral": "coral",
    }  # fmt: skip


def test_an_objective_that_does_not_fit_is_rejected() -> None:
    for name in objectives:
        for kind in set(KINDS) - set(objectives[name].kinds):
            with pytest.raises(RecipeError, match=rf"'{name}' is for .*Got {kind} labels. Set objective.name=auto"):
                _objective(name, kind)
    with pytest.raises(UnknownNameError, match="Did you mean 'sigmoid'"):
        _objective("sigmiod", "binary")


@pytest.mark.parametrize(
    ("name", "kind", "options", "message"),
    [
        ("auto", "single", {"gamma": 1.0}, r"objective\.gamma option.*'softmax' does not read it. Got 1\."),
        ("focal", "multi", {"clip": 0.1}, r"objective\.clip option.*'focal' does not read it"),
        ("auto", "multi", {"class_weights": "balanced", "beta": 0.9}, r"objective\.beta.*class_weights=effective"),
        (
            "auto",
            "dimensional",
            {"class_weights": "balanced"},
            r"objective\.class_weights option is for categorical labels",
        ),
        (
            "ccc",
            "dimensional",
            {"label_smoothing": 0.1},
            r"objective\.label_smoothing option is for categorical labels.*Got 0\.1",
        ),
        ("auto", "dimensional", {"soft_labels": True}, r"objective\.soft_labels option is for categorical labels"),
    ],
)
def test_an_unused_option_is_rejected(name: str, kind: Kind, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        _objective(name, kind, **options)


def test_binary_targets_are_the_positive_label() -> None:
    gold = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert build_targets(_scheme("binary"), gold).tolist() == [[0.0], [1.0]]
    assert build_targets(_scheme("multi"), gold) is gold
