"""Pruning by a recipe, importance, and a trained model as the base of another."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from training_terms import loss_terms_of

import toy_data
from insula.api.training import resume_training, train
from insula.core.errors import LeakError, RecipeError
from insula.core.progress import Silent
from insula.models.networks.architectures import load_network
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.provenance import split_fingerprints
from insula.models.pruning import EncoderShape, find_bert_layers
from insula.training.families.encoder import EncoderOptions
from insula.training.fitters.importance import Importance, measure_importance
from insula.training.fitters.prune import choose_parts_to_keep, compute_pruned_shape
from insula.training.neural.batches import TokenRows
from insula.training.objectives.registry import choose_objective
from insula.training.options.objective import ObjectiveOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from interrupt import Interrupt

RecipeOf = Callable[..., dict[str, Any]]
WHOLE = EncoderShape((4, 4, 4), (64, 64, 64))

pytestmark = pytest.mark.usefixtures("without_export")


def keeps(**kept: Any) -> EncoderOptions:
    return EncoderOptions(**{f"keep_{name}": value for name, value in kept.items()})


@pytest.mark.parametrize(
    ("kept", "layers", "heads", "width"),
    [
        ({"layers": 2}, 2, 4, 64),
        ({"heads": 0.75}, 3, 3, 64),
        ({"heads": 0.01}, 3, 1, 64),
        ({"width": 0.5}, 3, 4, 32),
        ({"width": 0.3}, 3, 4, 16),
        ({"width": 0.01}, 3, 4, 8),
        ({"layers": 3, "heads": 1.0, "width": 0.9}, 3, 4, 56),
    ],
)
def test_shares_keep_at_least_one_per_layer(kept: Any, layers: int, heads: int, width: int) -> None:
    assert compute_pruned_shape(WHOLE, keeps(**kept)) == (layers, EncoderShape((heads,) * 3, (width,) * 3))


def test_impossible_shares_are_rejected() -> None:
    with pytest.raises(RecipeError, match=r"must be from 1 to 3 for this encoder\. Got 4"):
        compute_pruned_shape(WHOLE, keeps(layers=4))
    with pytest.raises(RecipeError, match="must prune something"):
        compute_pruned_shape(WHOLE, keeps(layers=3, heads=1.0, width=0.99))
    for key, value in (("keep_layers", 0), ("keep_heads", 0), ("keep_width", 1.5)):
        with pytest.raises(RecipeError, match=key):
            load_recipe({"model": {key: value}})


def test_the_most_important_are_kept_in_their_order() -> None:
    importance = Importance(
        np.array([0.3, 0.1, 0.5]),
        [np.array([1.0, 4.0, 2.0]), np.zeros(3), np.array([5.0, 5.0, 5.0])],
        [np.array([3.0, 1.0]), np.zeros(2), np.array([0.0, 1.0])],
    )
    kept = choose_parts_to_keep(importance, 2, EncoderShape((2, 2, 2), (1, 1, 1)))
    assert kept.layers == (0, 2)
    assert kept.heads == ((1, 2), (0, 1))
    assert kept.neurons == ((0,), (1,))


def _measured(model: EncoderForEmotion) -> Importance:
    random = np.random.default_rng(0)
    tokens = [random.integers(5, 60, size=int(random.integers(3, 12))) for _ in range(40)]
    gold = np.eye(3)[random.integers(0, 3, size=40)]
    rows = TokenRows(tokens, gold, np.ones(40))
    return measure_importance(model, rows, range(40), loss_terms_of(toy_data.SCHEMES["single"]), Silent())


def test_units_without_effect_are_least_important(encoder_folder: Callable[..., Path]) -> None:
    model = EncoderForEmotion.from_backbone(encoder_folder(layers=3), outputs=3, pooling="mean", dropout=0.1)
    model.head.randomise(0)
    second = find_bert_layers(model.backbone)[1]
    with torch.no_grad():
        for layer in find_bert_layers(model.backbone):
            layer.attention.output.dense.weight[:, 16:24] = 0  # head 2
            layer.output.dense.weight[:, 5] = 0
        second.attention.output.dense.weight.zero_()
        second.output.dense.weight.zero_()
    importance = _measured(model)
    assert int(np.argmin(importance.layers)) == 1
    assert importance.layers[1] < 1e-3
    for number in (0, 2):
        assert importance.heads[number][2] == importance.neurons[number][5] == 0
        assert (np.delete(importance.heads[number], 2) > 0).all()
    kept = choose_parts_to_keep(importance, 2, EncoderShape((3, 3, 3), (63, 63, 63)))
    assert kept.layers == (0, 2)
    assert kept.heads == ((0, 1, 3),) * 2
    assert all(5 not in neurons for neurons in kept.neurons)


def test_importance_is_the_first_order_change_of_the_loss(encoder_folder: Callable[..., Path]) -> None:
    """A gate of 1 before the output map: what the loss loses by it is the sum of gradient times activation."""
    model = EncoderForEmotion.from_backbone(encoder_folder(), outputs=3, pooling="mean", dropout=0.0).double().eval()
    model.head.randomise(0)
    ids, gate = torch.tensor([[7, 8, 9, 10]]), torch.ones(1, dtype=torch.float64, requires_grad=True)
    objective = choose_objective(ObjectiveOptions(), toy_data.SCHEMES["single"])
    rows = TokenRows([ids[0].numpy()], np.array([[0.0, 1.0, 0.0]]), np.ones(1))
    found = measure_importance(model, rows, [0], loss_terms_of(toy_data.SCHEMES["single"]), Silent())
    layer = find_bert_layers(model.backbone)[0]

    def gated(_: Any, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        gates = torch.ones(64, dtype=torch.float64).index_put((torch.tensor([9]),), gate)
        return (given[0] * gates,)

    hook = layer.output.dense.register_forward_pre_hook(gated)
    loss = objective.loss(model(ids, torch.ones_like(ids)).logits.float(), torch.tensor([[0.0, 1.0, 0.0]])).sum()
    hook.remove()
    (wanted,) = torch.autograd.grad(loss, [gate])
    assert found.neurons[0][9] == pytest.approx(abs(float(wanted)), rel=1e-3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, tiny_recipe: RecipeOf, without_export: None) -> Path:
    """The model folder of an encoder trained on toy data; `trained_run` would keep one without export for others."""
    recipe = load_recipe(tiny_recipe("encoder", {"evaluation.baselines": []}))
    return train_run(toy_data.toy_dataset("single"), recipe, tmp_path_factory.mktemp("base") / "run").model


def _pruning(tiny_recipe: RecipeOf, base: Path, **more: Any) -> Any:
    settings = {
        "model.base": str(base), "model.keep_layers": 1, "model.keep_heads": 0.5, "model.keep_width": 0.5,
        "train.epochs": 1, "evaluation.baselines": ["untrained"], **more,
    }  # fmt: skip
    return load_recipe(tiny_recipe("encoder", settings))


def test_a_trained_base_keeps_its_head(tmp_path: Path, tiny_recipe: RecipeOf, base: Path) -> None:
    data = toy_data.toy_dataset("single")
    recipe = _pruning(tiny_recipe, base, **{"train.learning_rate": 1e-12, "train.head_rate_factor": 1.0})
    whole = recipe.model_copy(update={"model": recipe.model.model_copy(
        update={"keep_layers": None, "keep_heads": None, "keep_width": None}
    )})  # fmt: skip
    run = train_run(data, whole, tmp_path / "whole")
    before, after = load_file(base / "model.safetensors"), load_file(run.model / "model.safetensors")
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)
    assert "untrained" not in run.metrics["baselines"]
    small = train_run(data, recipe, tmp_path / "small")
    assert EncoderShape.of(load_network(small.model).backbone) == EncoderShape((2,), (32,))
    kept = small.metrics["training"]["pruned"]
    assert kept["before"] == {"layers": 2, "heads": [4, 4], "widths": [64, 64]}
    assert [len(kept["layers"]), [len(one) for one in kept["heads"]], kept["widths"]] == [1, [2], [32]]


def test_training_rows_of_the_base_are_not_evaluated(tmp_path: Path, tiny_recipe: RecipeOf, base: Path) -> None:
    data = toy_data.toy_dataset("single")
    recipe = _pruning(tiny_recipe, base)
    for split, known in (("validation", "train"), ("test", "validation")):
        splits = {**toy_data.toy_dataset("single", seed=9).splits, split: data.split(known)}
        with pytest.raises(LeakError, match=rf"The base .* {split} row.* are among its {known} rows"):
            train_run(dataclasses.replace(data, splits=splits), recipe, tmp_path / "run")
    other = toy_data.toy_dataset("single", seed=9)
    measured = {example.text for name in ("validation", "test") for example in other.split(name)}
    trained = {example.text for example in data.split("train")}
    assert not measured & trained
    run = train_run(other, recipe, tmp_path / "other")
    assert split_fingerprints(run.model)["train"].find_seen(sorted(trained)).all()


def test_unsuitable_bases_are_rejected(
    tmp_path: Path,
    tiny_recipe: RecipeOf,
    base: Path,
    trained_run: Callable[..., Any],
    encoder_folder: Callable[..., Path],
) -> None:
    data = toy_data.toy_dataset("single")
    for recipe, words in (
        (_pruning(tiny_recipe, encoder_folder()), "must be a trained model folder"),
        (_pruning(tiny_recipe, base, **{"model.pooling": "first"}), "must have the pooling 'first'"),
        (_pruning(tiny_recipe, base, **{"adapter.method": "bottleneck", "adapter.merge": False}), "adapter.merge"),
        (_pruning(tiny_recipe, base, **{"model.keep_layers": 3}), "must be from 1 to 2"),
        (_pruning(tiny_recipe, base, **{"model.max_tokens": 500}), "must be at most 64"),
        (_pruning(tiny_recipe, trained_run("linear", "single").model), "of family 'encoder'"),
    ):
        with pytest.raises(RecipeError, match=words):
            train_run(data, recipe, tmp_path / "run")
    with pytest.raises(RecipeError, match="labels of the data"):
        train_run(toy_data.toy_dataset("multi"), _pruning(tiny_recipe, base), tmp_path / "run")


def test_a_resumed_recovery_keeps_the_same_units(
    tmp_path: Path, tiny_recipe: RecipeOf, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "toy"
    data.mkdir()
    for split, examples in toy_data.toy_dataset("single").splits.items():
        rows = [json.dumps({"text": e.text, "label": (e.labels or ())[0]}, ensure_ascii=False) for e in examples]
        (data / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = _pruning(tiny_recipe, base, **{"train.epochs": 3, "distil.teachers": [str(base)]})
    whole = train(data, recipe=recipe, output=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(data, recipe=recipe, output=tmp_path / "run", progress=Interrupt(20))
    monkeypatch.setattr("insula.training.fitters.prune.measure_importance", None)  # it is not measured again
    resumed = resume_training(tmp_path / "run")
    expected = load_file(whole.model / "model.safetensors")
    for name, tensor in load_file(resumed.model / "model.safetensors").items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)
    assert resumed.metrics["training"]["pruned"] == whole.metrics["training"]["pruned"]
