"""Group DRO and counterfactual pairs: their weights, their losses, and trainings that use them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from training_terms import loss_terms_of

import toy_data
from insula.core.errors import DataError, RecipeError
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.training.fitting import PreparedRows, Rows, RunContext
from insula.training.loss_terms.groups import GroupWeights
from insula.training.loss_terms.term import Batch, Network, Outputs
from insula.training.options.robust import RobustOptions
from insula.training.plan import plan_training, prepare_rows
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

RecipeOf = Callable[..., dict[str, Any]]
SCHEME = LabelScheme("moods", "single", ("sad", "glad"))


def _rows(**columns: Any) -> PreparedRows:
    """Return six rows, glad and sad in turn."""
    gold = np.tile(np.eye(2), (3, 1))
    return PreparedRows(Rows([f"text {row}" for row in range(6)], gold, np.ones(6), **columns))


def _batch(terms: Any, rows: PreparedRows) -> Batch:
    columns = {name: torch.from_numpy(np.asarray(column)) for name, column in terms.columns.items()}
    columns = {name: one.float() if one.is_floating_point() else one for name, one in columns.items()}
    ids = torch.arange(6)[:, None]
    views = {
        name: {"input_ids": torch.tensor([[int(text.split()[1])] for text in texts])}
        for name, texts in terms.views.items()
    }
    return Batch({"input_ids": ids}, torch.from_numpy(rows.train.gold).float(), torch.ones(6), 0, columns, views)


def test_the_weight_of_the_worst_group_rises() -> None:
    weights = GroupWeights(3, rate=0.5)
    losses, all_present = torch.tensor([2.0, 0.5, 0.5]), torch.tensor([True, True, True])
    weights.update(losses, all_present)
    by_hand = torch.tensor([1.0, 1.0, 1.0]) * torch.exp(0.5 * losses)
    torch.testing.assert_close(weights.weights, by_hand / by_hand.sum())
    for _ in range(20):
        weights.update(losses, all_present)
    assert weights.weights[0] > 0.99
    before = weights.weights.clone()
    weights.update(torch.tensor([0.0, 9.0, 0.0]), torch.tensor([False, True, False]))
    assert weights.weights[1] > before[1]
    torch.testing.assert_close(
        weights.weights[0] / weights.weights[2], before[0] / before[2]
    )  # absent ones keep theirs


def test_group_dro_is_the_weighted_sum_of_group_losses() -> None:
    rows = _rows(subgroup=np.array(["a", "a", "a", "a", "b", "b"]))
    terms = loss_terms_of(SCHEME, rows=rows, robust=RobustOptions(group_dro=1.0, group_rate=0.3))
    model = torch.nn.Module()
    terms.attach(model)
    torch.manual_seed(1)
    logits = torch.randn(6, 2)
    network = Network(lambda **_: None, 2)
    batch = _batch(terms, rows)
    term = next(term for term in terms.terms if term.name == "group-dro")
    assert next(term for term in terms.terms if term.name == "labels").share == 0
    losses = -(batch.targets * logits.log_softmax(dim=1)).sum(dim=1)
    means = torch.stack([losses[:4].mean(), losses[4:].mean()])
    q = torch.softmax(0.3 * means, dim=0)
    row_losses = term.compute_rows(batch, Outputs(logits, network))
    assert row_losses is not None
    torch.testing.assert_close(row_losses.mean(), (q * means).sum())
    term.compute_rows(batch, Outputs(logits, network))  # a second dropout pass of the same batch
    torch.testing.assert_close(model.group_weights.weights, q)  # type: ignore[union-attr]
    terms.detach(model)
    assert not list(model.children())


def test_a_share_of_group_dro_leaves_the_rest_to_the_labels() -> None:
    rows = _rows(subgroup=np.array(["a", "b", "a", "b", "a", "b"]))
    terms = loss_terms_of(SCHEME, rows=rows, robust=RobustOptions(group_dro=0.25))
    assert {term.name: term.share for term in terms.terms} == {"labels": 0.75, "group-dro": 0.25}


def test_pairs_by_hand() -> None:
    """Rows 0 and 2 have the same label, rows 1 and 4 different ones; 3 and 5 have no counterpart."""
    rows = _rows(pair=np.array(["x", "y", "x", "", "y", "z"]))
    terms = loss_terms_of(SCHEME, rows=rows, robust=RobustOptions(pairs=0.5, pair_margin=2.0))
    assert list(terms.views["counterpart"]) == ["text 2", "text 4", "text 0", "text 3", "text 1", "text 5"]
    logits = torch.tensor([[1.0, 0.0], [0.2, 0.5], [0.0, 1.0], [3.0, 0.0], [0.4, 0.1], [0.0, 3.0]])

    def model(input_ids: torch.Tensor) -> Any:
        return type("Answer", (), {"logits": logits[input_ids[:, 0]]})

    batch = _batch(terms, rows)
    term = next(term for term in terms.terms if term.name == "pairs")
    found = term.compute_rows(batch, Outputs(logits, Network(model, 2)))
    assert found is not None
    assert not found[[3, 5]].any()
    p, q = logits[0].softmax(0), logits[2].softmax(0)
    divergence = ((p - q) * (p.log() - q.log())).sum() / 2
    torch.testing.assert_close(found[[0, 2]], divergence.expand(2))  # invariance, from both sides
    # Row 1 is glad, row 4 sad: the log-odds of glad changes by (0.5 - 0.2) - (0.1 - 0.4) = 0.6, and should by 2.
    torch.testing.assert_close(found[[1, 4]], torch.tensor([1.4, 1.4]))
    far = torch.tensor([[0.0, 0.0], [-1.0, 1.5], [0.0, 0.0], [0.0, 0.0], [1.0, -1.0], [0.0, 0.0]])
    apart = term.compute_rows(
        batch, Outputs(far, Network(lambda input_ids: type("A", (), {"logits": far[input_ids[:, 0]]}), 2))
    )
    assert apart is not None
    assert not apart.any()  # equal predictions, and log-odds far enough apart


@pytest.mark.parametrize("kind", ["binary", "single", "multi", "ordinal"])
def test_robust_terms_are_trained_and_resumable(
    kind: Any, tmp_path: Path, tiny_recipe: RecipeOf, without_export: None
) -> None:
    data = toy_data.toy_dataset(kind, train=48, validation=16, test=0)
    rows = [
        dataclasses.replace(row, subgroup="ab"[number % 2], pair=f"pair {number // 2}")
        for number, row in enumerate(data.split("train"))
    ]
    data = Dataset(data.name, data.scheme, {**data.splits, "train": rows})
    overrides = {
        "robust.group_dro": 0.5, "robust.pairs": 0.5, "adversarial.fgm": 0.2, "objective.r_drop": 0.1,
        "train.epochs": 2, "evaluation.baselines": [],
    }  # fmt: skip
    family = "encoder" if kind == "single" else "static"
    run = train_run(data, load_recipe(tiny_recipe(family, overrides)), tmp_path / "run")
    logged = {name for row in run.metrics["history"] for name in row}
    assert {"loss/labels", "loss/group-dro", "loss/pairs", "loss/fgm", "loss/r-drop"} <= logged
    assert all(np.isfinite(row["loss"]) for row in run.metrics["history"] if "loss" in row)
    assert not [name for name in load_file(run.model / "model.safetensors") if "group" in name]


def test_columns_come_from_the_data(tmp_path: Path) -> None:
    lines = ["text,label,dialect,twin"]
    words = ("lovely", "horrid")
    lines += [f"{words[n % 2]} thing {n} of set {n // 2},{'ab'[n % 2]},d{n % 3},{n // 2}" for n in range(120)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = load_dataset(file, DataOptions(subgroup="dialect", pair="twin"))
    sides: dict[str, set[str]] = {}
    for split, rows in data.splits.items():
        for row in rows:
            assert row.subgroup == f"d{int(row.text.split()[2]) % 3}"
            sides.setdefault(str(row.pair), set()).add(split)
    assert all(len(split) == 1 for split in sides.values())
    assert any("rows of one pair (column 'twin')" in note for note in data.notes)
    with pytest.raises(DataError, match="The subgroup column 'accent' is not in the training rows"):
        load_dataset(file, DataOptions(subgroup="accent"))
    recipe = load_recipe("static", {"robust.group_dro": 0.5})
    train = prepare_rows(data, plan_training(data, recipe, "en"), RunContext(tmp_path)).train
    assert train.subgroup is not None
    assert set(train.subgroup) == {"d0", "d1", "d2"}


def test_impossible_robust_options_are_rejected() -> None:
    for option in ("group_dro", "pairs"):
        with pytest.raises(RecipeError, match=rf"robust\.{option} needs a neural model"):
            load_recipe("linear", {f"robust.{option}": 0.5})
    with pytest.raises(RecipeError, match=r"data\.subgroup"):
        loss_terms_of(SCHEME, rows=_rows(), robust=RobustOptions(group_dro=0.5))
    with pytest.raises(RecipeError, match="Got only 'a'"):
        loss_terms_of(SCHEME, rows=_rows(subgroup=np.array(["a"] * 6)), robust=RobustOptions(group_dro=0.5))
    with pytest.raises(RecipeError, match=r"data\.pair"):
        loss_terms_of(SCHEME, rows=_rows(pair=np.array([""] * 5 + ["x"])), robust=RobustOptions(pairs=0.5))
    values = toy_data.toy_dataset("dimensional").scheme
    with pytest.raises(RecipeError, match="this scheme is dimensional"):
        loss_terms_of(
            values,
            rows=PreparedRows(
                Rows(["a", "b"], np.zeros((2, len(values.names))), np.ones(2), pair=np.array(["x", "x"]))
            ),
            robust=RobustOptions(pairs=0.5),
        )
