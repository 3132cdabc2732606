"""Loss terms: selection by the recipe, sum, logging, and plug-in terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from training_terms import loss_terms_of

import toy_data
from insula.core.errors import RecipeError
from insula.core.scheme import KINDS, Kind, LabelScheme
from insula.data.dataset import Dataset
from insula.training.fitting import PreparedRows, Rows, Task
from insula.training.loss_terms.registry import BUILT_IN, loss_terms
from insula.training.loss_terms.term import Batch, LossTerm, Network, Outputs, TermInput
from insula.training.loss_terms.total import LossTerms, TermMeans
from insula.training.options.adversarial import AdversarialOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.robust import RobustOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.run import Run, train_run

RecipeOf = Callable[..., dict[str, Any]]
SIDES = {"negative": "one", "neutral": "other", "positive": "other"}

pytestmark = pytest.mark.usefixtures("without_export")


def _with_levels(data: Dataset) -> Dataset:
    return dataclasses.replace(data, scheme=dataclasses.replace(data.scheme, mappings={"sides": SIDES}))


def _gold(scheme: LabelScheme, rows: int) -> np.ndarray[Any, Any]:
    return np.eye(len(scheme.names))[np.arange(rows) % len(scheme.names)]


def _taught(scheme: LabelScheme, rows: int, labelled: int) -> Rows:
    """Return rows of which the first are labelled, all with a teacher's scores."""
    gold = _gold(scheme, rows)
    return Rows([""] * rows, gold, np.ones(rows), labelled=np.arange(rows) < labelled, teacher=0.8 * gold + 0.1)


def _batch(terms: LossTerms, targets: np.ndarray[Any, Any], **more: Any) -> Batch:
    columns = {name: torch.from_numpy(column) for name, column in terms.columns.items()}
    wanted = torch.from_numpy(targets).float()
    return Batch({}, wanted, torch.ones(len(wanted)), columns=columns, **more)


def _answering(terms: LossTerms, *passes: torch.Tensor) -> Network:
    given = iter(passes)
    return terms.network(lambda **_: SimpleNamespace(logits=next(given)), training=True)


def test_only_requested_terms_are_built() -> None:
    scheme = dataclasses.replace(toy_data.SCHEMES["single"], mappings={"sides": SIDES})
    assert loss_terms_of(scheme).names == ("labels",)
    assert loss_terms_of(scheme).passes == 1
    other = toy_data.SCHEMES["multi"]
    task = Task(other, Rows(["a"], _gold(other, 1), np.ones(1)))
    train = dataclasses.replace(
        _taught(scheme, 4, 2), subgroup=np.array(["a", "b", "", ""]), pair=np.array(["x", "x", "", ""])
    )
    every = loss_terms_of(
        scheme,
        ObjectiveOptions(levels=0.5, r_drop=2.0),
        PreparedRows(train, tasks=[task]),
        distil=DistilOptions(weight=0.25),
        adversarial=AdversarialOptions(fgm=0.1, pgd=0.2, freelb=0.3, vat=0.4),
        robust=RobustOptions(group_dro=0.5, pairs=0.6),
    )
    assert every.names == BUILT_IN
    assert [term.weight for term in every.terms] == [1.0, 1.0, 0.5, 0.25, 1.0, 2.0, 0.1, 0.2, 0.3, 0.4, 0.6]
    assert [term.share for term in every.terms] == [0.375, 0.375, 0.75, *[1.0] * 8]
    assert [term.name for term in every.terms if term.in_validation] == ["labels", "levels"]
    assert every.passes == 2
    assert every.added == {"tasks": [3]}


@pytest.mark.parametrize("kind", KINDS)
def test_unlabelled_rows_have_only_the_teacher_loss(kind: Kind) -> None:
    scheme = toy_data.SCHEMES[kind]
    terms = loss_terms_of(scheme, rows=PreparedRows(_taught(scheme, 4, 2)), distil=DistilOptions(weight=0.3))
    targets = terms.columns["teacher"]
    logits = torch.linspace(-1, 1, 4 * scheme.output_count).reshape(4, -1)
    batch = _batch(terms, targets)
    rows, parts = terms.compute_training_loss(batch, _answering(terms, logits))
    assert set(parts) == {"labels", "teacher"}
    assert (parts["labels"][0][2:] == 0).all()
    torch.testing.assert_close(rows, 0.7 * parts["labels"][0] + 0.3 * parts["teacher"][0])
    torch.testing.assert_close(rows[2:], 0.3 * parts["teacher"][0][2:])
    # Validation rows are measured by their labels, whatever the teacher's share is.
    alone = loss_terms_of(scheme)
    plain = dataclasses.replace(batch, columns={})
    outputs = Outputs(logits, Network(print, scheme.output_count))
    assert torch.equal(terms.compute_validation_loss(plain, outputs), alone.compute_validation_loss(plain, outputs))


def test_a_batch_of_another_task_uses_its_head() -> None:
    scheme, other = toy_data.SCHEMES["single"], toy_data.SCHEMES["dimensional"]
    task = Task(other, Rows(["a", "b"], np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2)))
    rows = Rows([""], _gold(scheme, 1), np.ones(1))
    terms = loss_terms_of(scheme, rows=PreparedRows(rows, tasks=[task, task]))
    logits = torch.arange(14.0).reshape(2, 7)
    for number, own in ((1, logits[:, 3:5]), (2, logits[:, 5:7])):
        losses, parts = terms.compute_training_loss(
            _batch(terms, task.rows.gold, task=number), _answering(terms, logits)
        )
        assert set(parts) == {"tasks"}
        torch.testing.assert_close(losses, (own - torch.tensor(task.rows.gold).float()).square().mean(dim=1))
    _, parts = terms.compute_training_loss(_batch(terms, _gold(scheme, 2)), _answering(terms, logits))
    assert set(parts) == {"labels"}
    with pytest.raises(ValueError, match=r"has no head 2\. Declare it in added_outputs"):
        Outputs(logits, terms.network(print, training=True)).of_head("tasks", 2)
    plain = loss_terms_of(scheme)
    with pytest.raises(ValueError, match=r"apply to task 1\. Got labels"):
        plain.compute_training_loss(_batch(plain, _gold(scheme, 2), task=1), _answering(plain, logits))


def test_means_are_over_the_rows_of_a_term() -> None:
    scheme = toy_data.SCHEMES["single"]
    terms = loss_terms_of(scheme, rows=PreparedRows(_taught(scheme, 4, 2)), distil=DistilOptions())
    means = TermMeans(terms.terms)
    batch = dataclasses.replace(_batch(terms, _gold(scheme, 4)), weights=torch.tensor([1.0, 3.0, 2.0, 2.0]))
    means.add(batch, {"labels": [torch.tensor([1.0, 2.0, 0.0, 0.0])]})
    assert means.take(lambda sums: sums) == {"loss/labels": 1.75}  # (1 + 3 * 2) / 4; the teacher had no rows
    assert means.take(lambda sums: sums) == {}
    means.add(batch, {"teacher": [torch.ones(4), 3 * torch.ones(4)]})
    assert means.take(lambda sums: sums) == {"loss/teacher": 2.0}  # of two passes the mean


@pytest.fixture
def train(tmp_path: Path, tiny_recipe: RecipeOf) -> Callable[..., Run]:
    """Train a tiny encoder for an epoch: `train(data, {"objective.levels": 1.0})`."""

    def run(data: Dataset, overrides: dict[str, Any]) -> Run:
        settings = {"train.epochs": 1, "evaluation.baselines": [], **overrides}
        return train_run(data, load_recipe(tiny_recipe("encoder", settings)), tmp_path / "run")

    return run


def _history(run: Run, name: str) -> list[float]:
    return [row[name] for row in run.metrics["history"] if name in row]


def test_each_term_is_logged_with_the_loss(train: Any, tmp_path: Path) -> None:
    data = _with_levels(toy_data.toy_dataset("single", train=48, validation=16, test=0))
    run = train(data, {"objective.levels": 0.5, "objective.r_drop": 2.0})
    labels, levels, apart = (_history(run, f"loss/{name}") for name in ("labels", "levels", "r-drop"))
    total = np.array(labels) + 0.5 * np.array(levels) + 2.0 * np.array(apart)
    assert len(labels) == 3
    np.testing.assert_allclose(_history(run, "loss"), total, rtol=1e-4)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "logs")).Reload()
    assert {"train/loss", "train/loss/levels", "eval/loss"} <= set(events.Tags()["scalars"])


def test_a_single_term_is_the_loss_and_is_not_logged_twice(train: Any) -> None:
    run = train(toy_data.toy_dataset("single", train=48, validation=16, test=0), {})
    assert not [name for row in run.metrics["history"] for name in row if name.startswith("loss/")]


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """Register a term for one test: `plug_in("mine", build)`."""
    monkeypatch.setattr(loss_terms, "_members", dict(loss_terms._members))
    monkeypatch.setattr(loss_terms, "_loaded", dict(loss_terms._loaded))
    return loss_terms.register


def _counterfactual(given: TermInput) -> LossTerm:
    """Return a term that compares the logits with those of the text without its first word: a second pass."""

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        other = outputs.network(batch.views["shorter"])
        return given.objective.divergence(outputs.logits, other.logits)

    shorter = [text.partition(" ")[2] for text in given.train.texts]
    return LossTerm("counterfactual", loss, weight=given.weight, views={"shorter": shorter})


def _group_term(given: TermInput) -> LossTerm:
    """Return a term for the rows of one group, with its own column."""
    long = np.array([len(text.split()) > 6 for text in given.train.texts])
    objective = given.objective

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        return objective.loss(outputs.logits, batch.targets)

    return LossTerm("long", loss, weight=given.weight, column="long", columns={"long": long})


def _contrastive(given: TermInput) -> LossTerm:
    """Return SimCSE's loss on the pooled vectors of two passes: a hook on the head."""
    pooled: list[torch.Tensor] = []
    hooks: list[Any] = []

    def attach(model: Any) -> None:
        hooks.append(model.head.register_forward_pre_hook(lambda _, given: pooled.append(given[0])))

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        first, second = (torch.nn.functional.normalize(one, dim=1) for one in pooled[-2:])
        pooled.clear()
        own = torch.arange(len(first))
        return torch.nn.functional.cross_entropy(first @ second.T / 0.1, own, reduction="none")

    return LossTerm("contrastive", loss, given.weight, passes=2, attach=attach, detach=lambda _: hooks[0].remove())


def _adversarial(given: TermInput) -> LossTerm:
    """Return FGM's loss on embeddings moved along their gradient (Miyato et al. 2017): two more passes and hooks."""
    embeddings: list[Any] = []
    objective = given.objective

    def attach(model: Any) -> None:
        embeddings.append(model.backbone.get_input_embeddings())

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor:
        kept: list[torch.Tensor] = []
        hook = embeddings[0].register_forward_hook(lambda _, given, out: kept.append(out))
        value = objective.loss(outputs.network(batch.inputs).logits, batch.targets).sum()
        hook.remove()
        step = torch.autograd.grad(value, kept)[0]
        moved = step / step.norm(dim=-1, keepdim=True).clamp(min=1e-8)
        hook = embeddings[0].register_forward_hook(lambda _, given, out: out + 0.5 * moved)
        worst = objective.loss(outputs.network(batch.inputs).logits, batch.targets)
        hook.remove()
        return worst

    return LossTerm("adversarial", loss, weight=given.weight, attach=attach)


@pytest.mark.parametrize(
    "build",
    [
        _counterfactual,
        _adversarial,
        pytest.param(_group_term, marks=pytest.mark.slow),
        pytest.param(_contrastive, marks=pytest.mark.slow),
    ],
    ids=lambda one: one.__name__,
)
def test_a_plug_in_term_may_run_the_network_again(train: Any, plug_in: Any, build: Any) -> None:
    plug_in("mine", build)
    data = toy_data.toy_dataset("single", train=48, validation=16, test=0)
    plain = train(data, {"model.dropout": 0.2, "train.epochs": 3})
    run = train(data, {"model.dropout": 0.2, "train.epochs": 3, "objective.terms": {"mine": 0.5}})
    name = next(name for row in run.metrics["history"] for name in row if name not in ("loss/labels",) and "/" in name)
    own = _history(run, name)
    assert len(own) == 9
    assert all(np.isfinite(own))
    assert np.ptp(own) > 0
    assert _history(run, "loss") != _history(plain, "loss")
    total = np.array(_history(run, "loss/labels")) + 0.5 * np.array(own)
    if name != "loss/long":  # the mean of its own rows is not that of all
        np.testing.assert_allclose(_history(run, "loss"), total, rtol=1e-4)
    assert run.metrics["recipe"]["objective"]["terms"] == {"mine": 0.5}


def test_unknown_terms_are_rejected(plug_in: Any) -> None:
    plug_in("fairness", lambda given: None)
    with pytest.raises(
        RecipeError, match=r"the term 'fairnes' is not installed. Installed terms: fairness\..*'fairness'"
    ):
        load_recipe("standard", {"objective.terms.fairnes": 1.0})
    with pytest.raises(RecipeError, match=r"the term 'r-drop' has its own option"):
        load_recipe("standard", {"objective.terms.r-drop": 1.0})
    chosen = load_recipe("standard", {"objective.terms.fairness": 0.5})
    assert load_recipe(chosen).objective.terms == {"fairness": 0.5}
    assert load_recipe("linear", {"objective.terms.fairness": 0.0}).objective.terms == {"fairness": 0.0}


def test_linear_rejects_further_terms(tmp_path: Path, plug_in: Any, tiny_recipe: RecipeOf) -> None:
    plug_in("mine", _group_term)
    data = toy_data.toy_dataset("single", train=20, validation=0, test=10)
    recipe = load_recipe(tiny_recipe("linear", {"objective.terms": {"mine": 1.0}}))
    with pytest.raises(RecipeError, match=r"objective\.terms option is for networks"):
        train_run(data, recipe, tmp_path / "run")
