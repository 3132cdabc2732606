"""The loss term `find_levels`: formulas, gradients, and schemes without levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_terms import loss_terms_of

from insula.core.errors import RecipeError
from insula.core.levels import find_levels
from insula.core.scheme import Kind, LabelScheme
from insula.training.loss_terms.term import Batch, LossTerm, Network, Outputs
from insula.training.options.objective import ObjectiveOptions

GROUPS = {"joy": "good", "love": "good", "grief": "bad", "fear": "bad"}
SIDES = {"joy": "warm", "love": "warm", "grief": "warm", "fear": "cold"}


def _scheme(kind: Kind) -> LabelScheme:
    return LabelScheme("s", kind, tuple(GROUPS), mappings={"groups": GROUPS, "sides": SIDES})


def _term(kind: Kind, weight: float) -> LossTerm:
    terms = loss_terms_of(_scheme(kind), ObjectiveOptions(levels=weight)).terms
    return next(term for term in terms if term.name == "levels")


def _levels(kind: Kind, logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the losses of the coarser levels."""
    found = _term(kind, 1.0).compute_rows(
        Batch({}, wanted, torch.ones(len(wanted))), Outputs(logits, Network(print, 4))
    )
    assert found is not None
    return found


def test_exclusive_labels_by_hand() -> None:
    z = torch.tensor([[0.3, -1.0, 2.0, 0.5]], dtype=torch.float64)
    p = z.softmax(dim=1)[0]
    wanted = torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    expected = -((p[0] + p[1]).log() + (p[0] + p[1] + p[2]).log()) / 2
    torch.testing.assert_close(_levels("single", z, wanted)[0], expected)


def test_multi_label_levels_by_hand() -> None:
    z = torch.tensor([[0.3, -1.0, 2.0, 0.5]], dtype=torch.float64)
    p = z.sigmoid()[0]
    wanted = torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    # good holds by love alone, though joy is likelier; bad does not, and grief is its likeliest.
    groups = -(p[1].log() + (1 - p[2]).log()) / 2
    # warm holds by love, though grief is likelier; cold does not.
    sides = -(p[1].log() + (1 - p[3]).log()) / 2
    torch.testing.assert_close(_levels("multi", z, wanted)[0], (groups + sides) / 2)


def test_absent_labels_are_not_raised_for_their_parent() -> None:
    z = torch.zeros(1, 4, dtype=torch.float64) + torch.tensor([5.0, -5.0, 0.0, 0.0])
    z.requires_grad_(True)
    _levels("multi", z, torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)).sum().backward()
    assert z.grad is not None
    assert z.grad[0, 1] < 0
    assert (z.grad[0, [0, 2, 3]] >= 0).all()


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_the_level_loss_is_that_of_predicted_scores(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(50, 4)))
    scores = (z.softmax(dim=1) if kind == "single" else z.sigmoid()).numpy()
    gold = np.eye(4)[rng.integers(0, 4, 50)] if kind == "single" else np.zeros((50, 4))
    means = []
    for level in find_levels(_scheme(kind)).values():
        answered, held = level.compute_scores(scores), level.choose_parents(gold)
        if kind == "single":
            means.append(-np.log(answered[held]))
        else:  # no label holds: each parent is taught by its answered score
            means.append(-np.log(1 - answered).mean(axis=1))
    np.testing.assert_allclose(_levels(kind, z, torch.tensor(gold)), np.mean(means, axis=0))


@given(
    kind=st.sampled_from(["single", "multi"]),
    z=st.lists(st.floats(-1e4, 1e4, width=32), min_size=4, max_size=4),
    y=st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
)
def test_the_level_loss_is_finite_and_not_negative(kind: Kind, z: list[float], y: list[float]) -> None:
    logits = torch.tensor([z], requires_grad=True)
    wanted = torch.tensor([y])
    if kind == "single":
        wanted = wanted / wanted.sum().clamp(min=1)
    loss = _levels(kind, logits, wanted)
    assert torch.isfinite(loss).all()
    assert (loss >= 0).all()
    loss.sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_schemes_without_levels_are_rejected() -> None:
    plain = LabelScheme("s", "multi", ("a", "b"))
    with pytest.raises(
        RecipeError, match=r"objective\.levels option must be 0 for labels without coarser levels.*Got 1"
    ):
        loss_terms_of(plain, ObjectiveOptions(levels=1))
    with pytest.raises(RecipeError, match="ordinal labels"):
        _term("ordinal", 1.0)
    assert loss_terms_of(plain).names == ("labels",)
