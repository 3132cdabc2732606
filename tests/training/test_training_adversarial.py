"""Adversarial terms: the perturbations they find, the losses they give, and trainings that use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_terms import loss_terms_of
from transformers.modeling_outputs import SequenceClassifierOutput

import toy_data
from insula.core.errors import RecipeError
from insula.core.scheme import LabelScheme
from insula.training.fitting import PreparedRows, Rows
from insula.training.loss_terms.perturbation import (
    TokenVectors,
    compute_norms,
    project_onto_ball,
    repeat_dropout,
    scale_to_length,
)
from insula.training.loss_terms.term import Batch, Network
from insula.training.loss_terms.total import LossTerms
from insula.training.options.adversarial import AdversarialOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

RecipeOf = Callable[..., dict[str, Any]]
SCHEME = LabelScheme("moods", "single", ("sad", "glad"))
WIDTH = 6


class Tiny(nn.Module):
    """Embeds tokens, applies dropout and a nonlinear layer to their mean, and returns two logits."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(20, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.layer = nn.Linear(WIDTH, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SequenceClassifierOutput:
        mask = attention_mask.unsqueeze(-1).float()
        mean = (self.embedding(input_ids) * mask).sum(dim=1) / mask.sum(dim=1)
        return SequenceClassifierOutput(logits=self.head(torch.tanh(self.layer(self.dropout(mean)))))


@pytest.fixture
def batch() -> Batch:
    """Three rows of unequal length, the last one padded."""
    ids = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 10], [11, 12, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    return Batch({"input_ids": ids, "attention_mask": mask}, targets, torch.ones(3))


@pytest.fixture
def shifts(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The perturbations of all forward passes, in order."""
    found: list[torch.Tensor] = []
    run = TokenVectors._run

    def recorded(self: TokenVectors, network: Any, inputs: Any, perturbation: torch.Tensor | None) -> Any:
        if perturbation is not None:
            found.append(perturbation.detach().clone())
        return run(self, network, inputs, perturbation)

    monkeypatch.setattr(TokenVectors, "_run", recorded)
    return found


def _losses(model: Tiny, batch: Batch, **options: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor], LossTerms]:
    """Return the losses of a step with the terms of `[adversarial]`, by row and by term, and the terms."""
    rows = PreparedRows(Rows([], np.zeros((0, 2)), np.zeros(0)))
    terms = loss_terms_of(SCHEME, rows=rows, adversarial=AdversarialOptions(**options))
    terms.attach(model)
    total, by_term = terms.compute_training_loss(batch, Network(model, 2))
    return total, {name: losses[0] for name, losses in by_term.items()}, terms


def _gradient(model: Tiny, batch: Batch) -> torch.Tensor:
    """Return the gradient of each row's cross-entropy with respect to its token vectors, by numbers."""
    mask = batch.inputs["attention_mask"].unsqueeze(-1).double()
    twin = Tiny().double()
    twin.load_state_dict(model.state_dict())
    vectors = twin.embedding(batch.inputs["input_ids"]).detach().requires_grad_()
    mean = (vectors * mask).sum(dim=1) / mask.sum(dim=1)
    logits = twin.head(torch.tanh(twin.layer(mean)))
    return torch.autograd.grad(-(batch.targets * logits.log_softmax(dim=1)).sum(), vectors)[0].float()


def test_fgm_moves_by_epsilon_along_the_gradient(batch: Batch, shifts: list[torch.Tensor]) -> None:
    model = Tiny().train()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    total, by_term, _ = _losses(model, batch, fgm=0.5, epsilon=0.7)
    (shift,) = shifts
    torch.testing.assert_close(compute_norms(shift).flatten(), torch.full((3,), 0.7))
    gradient = _gradient(model, batch)
    torch.testing.assert_close(shift, scale_to_length(gradient, 0.7), rtol=1e-4, atol=1e-6)
    assert not shift[2, 2:].any()  # padding stays
    assert (by_term["fgm"] > by_term["labels"]).all()
    torch.testing.assert_close(total, by_term["labels"] + 0.5 * by_term["fgm"])
    total.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert not model.embedding._forward_hooks


def test_the_gradient_step_changes_no_parameter_gradient(batch: Batch) -> None:
    model = Tiny().train()
    vectors = TokenVectors()
    vectors.attach(model)
    vectors.compute_gradient(batch, Network(model, 2), None, lambda outputs: outputs.logits.square().sum(dim=1))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["pgd", "freelb"])
def test_projected_steps_stay_in_the_ball(name: str, batch: Batch, shifts: list[torch.Tensor]) -> None:
    model = Tiny().train()
    _, by_term, _ = _losses(model, batch, **{name: 1.0}, epsilon=0.9, steps=5, step_size=0.6)
    assert len(shifts) == (6 if name == "pgd" else 5)
    assert all((compute_norms(shift) <= 0.9 * (1 + 1e-5)).all() for shift in shifts)
    assert all(not shift[2, 2:].any() for shift in shifts)
    if name == "pgd":
        assert not shifts[0].any()
        torch.testing.assert_close(compute_norms(shifts[1]).flatten(), torch.full((3,), 0.6))
        torch.testing.assert_close(compute_norms(shifts[-1]).flatten(), torch.full((3,), 0.9))  # on the border
        one_step = _losses(Tiny().train(), batch, fgm=1.0, epsilon=0.9)[1]["fgm"]
        assert (by_term["pgd"] >= one_step - 1e-4).all()  # at least as bad as a single step
    else:
        assert (compute_norms(shifts[0]) < 0.9).all()
        assert compute_norms(shifts[0]).std() > 0  # random lengths


def test_freelb_is_the_mean_over_its_steps(batch: Batch, shifts: list[torch.Tensor]) -> None:
    model = Tiny().train()
    _, by_term, _ = _losses(model, batch, freelb=1.0, epsilon=0.8, steps=3, step_size=0.3)
    vectors = TokenVectors()
    vectors.attach(model)
    steps = [vectors.compute_outputs(batch, Network(model, 2), shift).logits for shift in list(shifts)]
    losses = [-(batch.targets * logits.log_softmax(dim=1)).sum(dim=1) for logits in steps]
    torch.testing.assert_close(by_term["freelb"], torch.stack(losses).mean(dim=0))


def test_vat_finds_a_direction_of_large_change(batch: Batch, shifts: list[torch.Tensor]) -> None:
    model = Tiny(dropout=0.5).train()
    torch.manual_seed(5)
    _losses(model, batch, vat=1.0, epsilon=0.3)
    worst = shifts[-1]
    torch.testing.assert_close(compute_norms(worst).flatten(), torch.full((3,), 0.3))
    model.eval()
    vectors, network = TokenVectors(), Network(model, 2)
    vectors.attach(model)
    clean = network(batch.inputs).logits

    def change(shift: torch.Tensor) -> torch.Tensor:
        p, q = clean.log_softmax(dim=1), vectors.compute_outputs(batch, network, shift).logits.log_softmax(dim=1)
        return ((p.exp() - q.exp()) * (p - q)).sum(dim=1) / 2

    torch.manual_seed(5)  # the worst direction without dropout, against random ones
    shifts.clear()
    _losses(model, batch, vat=1.0, epsilon=0.3)
    found = change(shifts[-1])
    mask = batch.inputs["attention_mask"].unsqueeze(-1).float()
    random = torch.stack([change(scale_to_length(torch.randn(3, 4, WIDTH) * mask, 0.3)) for _ in range(200)])
    assert (found[:, None] >= 0.95 * random.T).all()
    assert (found > 3 * random.mean(dim=0)).all()


def test_vat_needs_no_labels(batch: Batch) -> None:
    """A row without labels has no loss but that of `vat`, and its gradient reaches the network."""
    model = Tiny().train()
    unlabelled = Batch(batch.inputs, torch.zeros(3, 2), batch.weights, columns={"labelled": torch.zeros(3).bool()})
    total, by_term, _ = _losses(model, unlabelled, vat=2.0, fgm=1.0, epsilon=0.5)
    torch.testing.assert_close(total, 2 * by_term["vat"])
    total.sum().backward()
    assert model.layer.weight.grad is not None
    assert model.layer.weight.grad.abs().sum() > 0


def test_projection_and_scaling() -> None:
    vectors = torch.randn(4, 3, 2) * torch.tensor([0.01, 1.0, 10.0, 0.0])[:, None, None]
    inside = project_onto_ball(vectors, 1.0)
    assert (compute_norms(inside) <= 1 + 1e-6).all()
    torch.testing.assert_close(inside[0], vectors[0])
    torch.testing.assert_close(
        compute_norms(scale_to_length(vectors, 2.0)).flatten(), torch.tensor([2.0, 2.0, 2.0, 0.0])
    )


def test_dropout_is_repeated(batch: Batch) -> None:
    model = Tiny(dropout=0.5).train()
    with repeat_dropout() as repeat:
        first = model(**batch.inputs).logits
        repeat()
        second = model(**batch.inputs).logits
    assert torch.equal(first, second)
    assert not torch.equal(first, model(**batch.inputs).logits)


TRAINED = {
    "encoder": {"adversarial.fgm": 0.5, "adversarial.pgd": 0.3, "adversarial.steps": 2},
    "textcnn": {"adversarial.freelb": 1.0, "adversarial.steps": 2},
    "static": {"adversarial.fgm": 1.0, "adversarial.vat": 1.0},
    "lstm": {"adversarial.vat": 1.0, "objective.r_drop": 0.5},
}


@pytest.mark.parametrize("family", TRAINED)
def test_terms_are_trained_together(family: str, tmp_path: Path, tiny_recipe: RecipeOf, without_export: None) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("a lovely morning\nsuch a horrid evening\nwhat a day\n", encoding="utf-8")
    data = toy_data.toy_dataset("single", train=48, validation=16, test=0)
    overrides = {"train.epochs": 2, "evaluation.baselines": [], **TRAINED[family]}
    if "adversarial.vat" in overrides:
        overrides["adversarial.unlabelled"] = [str(texts)]
    run = train_run(data, load_recipe(tiny_recipe(family, overrides)), tmp_path / "run")
    logged = {name for row in run.metrics["history"] for name in row if name.startswith("loss/")}
    wanted = {
        f"loss/{key.partition('.')[2]}"
        for key in TRAINED[family]
        if key.partition(".")[2] in ("fgm", "pgd", "freelb", "vat")
    }
    assert wanted | {"loss/labels"} <= logged
    assert all(np.isfinite(value) for row in run.metrics["history"] for name, value in row.items() if name in logged)
    if "adversarial.unlabelled" in overrides:
        assert run.metrics["data"]["rows"]["unlabelled"] == 3
        assert any("3 unlabelled texts of 3 used without labels" in note for note in run.metrics["data"]["notes"])


def test_an_adapter_trains_adversarially(tmp_path: Path, tiny_recipe: RecipeOf, without_export: None) -> None:
    """The embeddings below an adapter are frozen, and still perturbed."""
    overrides = {"adapter.method": "bottleneck", "adversarial.fgm": 1.0, "evaluation.baselines": [], "train.epochs": 1}
    data = toy_data.toy_dataset("multi", train=32, validation=16, test=0)
    run = train_run(data, load_recipe(tiny_recipe("encoder", overrides)), tmp_path / "run")
    assert any("loss/fgm" in row for row in run.metrics["history"])


def test_unsupported_adversarial_options_are_rejected(tmp_path: Path, tiny_recipe: RecipeOf) -> None:
    for option in ("fgm", "pgd", "freelb", "vat"):
        with pytest.raises(RecipeError, match=rf"adversarial\.{option} needs a neural model.*'linear' is not neural"):
            load_recipe("linear", {f"adversarial.{option}": 1.0})
    with pytest.raises(RecipeError, match=r"Set adversarial\.vat above 0"):
        load_recipe("standard", {"adversarial.unlabelled": ["texts.txt"]})
    frozen = load_recipe(tiny_recipe("encoder", {"train.freeze_layers": 1, "adversarial.fgm": 1.0}))
    data = toy_data.toy_dataset("single", train=32, validation=16, test=0)
    with pytest.raises(RecipeError, match=r"adversarial\.fgm option perturbs token vectors.*Got freeze_layers=1"):
        train_run(data, frozen, tmp_path / "run")
    texts = tmp_path / "texts.txt"
    texts.write_text("one text\n", encoding="utf-8")
    concordance = {"objective.name": "ccc", "adversarial.vat": 1.0, "adversarial.unlabelled": [str(texts)]}
    values = toy_data.toy_dataset("dimensional", train=32, validation=16, test=0)
    with pytest.raises(RecipeError, match=r"Set objective\.name=squared"):
        train_run(values, load_recipe(tiny_recipe("static", concordance)), tmp_path / "values")


def test_no_term_is_built_by_default() -> None:
    assert loss_terms_of(SCHEME).names == ("labels",)
