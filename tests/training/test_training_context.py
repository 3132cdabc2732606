"""Training with earlier turns and targets, on labels that the text alone does not determine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toy_data
from insula.core.errors import RecipeError
from insula.core.model_input import ModelInput, Turn
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.models.layers.padding import pad
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.networks.layer_split import freeze_lower
from insula.models.tokens.tokenization import TextTokenizer
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

RecipeOf = Callable[..., dict[str, Any]]


def _turned(data: Dataset, *, target: bool = False) -> Dataset:
    """Return the set with the informative words moved to an earlier turn, or to the target."""
    telling = {word for words in toy_data.LABEL_WORDS for word in words}
    splits = {}
    for split, examples in data.splits.items():
        moved = []
        for row, example in enumerate(examples):
            words = example.text.split()
            said = " ".join(word for word in words if word in telling)
            text = " ".join([word for word in words if word not in telling] + [f"r{row}{split}"])
            if target:
                moved.append(dataclasses.replace(example, text=text, target=said))
            else:
                moved.append(dataclasses.replace(example, text=text, turns=(Turn(said, "Ann"),), speaker="Bo"))
        splits[split] = moved
    return dataclasses.replace(data, splits=splits)


@pytest.fixture
def train_turned(tmp_path: Path, tiny_recipe: RecipeOf, toy_dataset: Callable[..., Dataset]) -> Callable[..., Any]:
    """Train a tiny model of a family on the moved words; returns its run, its predictor and the data."""

    def train(family: str, overrides: dict[str, Any] | None = None, **settings: Any) -> tuple[Any, Predictor, Dataset]:
        data = _turned(toy_dataset("single", train=160), target=settings.pop("target", False))
        recipe = load_recipe(tiny_recipe(family, {"evaluation.baselines": [], **(overrides or {})}, **settings))
        run = train_run(data, recipe, tmp_path / "run", source=["toy"], command="insula train toy")
        return run, Predictor.load(run.path), data

    return train


def _accuracy(predictor: Predictor, data: Dataset, *, inputs: bool = True) -> float:
    rows = data.split("test")
    answers = predictor.predict([row.input if inputs else row.text for row in rows])
    return float(np.mean([answer.label == row.labels[0] for answer, row in zip(answers, rows, strict=True)]))


@pytest.mark.usefixtures("torch_only")
@pytest.mark.parametrize(
    ("family", "overrides", "settings"),
    [
        ("encoder", {"train.epochs": 8}, {}),
        ("encoder", {"train.epochs": 8}, {"target": True}),
        ("linear", {"preparation.context_turns": 3}, {}),
    ],
    ids=["pairs", "target", "joined"],
)
def test_earlier_turns_decide_the_label(
    train_turned: Any, family: str, overrides: dict[str, Any], settings: dict[str, Any]
) -> None:
    run, predictor, data = train_turned(family, overrides, **settings)
    assert predictor.preparation.context.pairs is (family == "encoder")
    assert _accuracy(predictor, data) > 0.9
    assert run.metrics["test"]["metrics"]["accuracy"]["value"] == pytest.approx(_accuracy(predictor, data))
    assert _accuracy(predictor, data, inputs=False) < 0.6  # the text alone is not enough


def test_a_pair_scores_the_same_alone_and_in_a_batch(train_turned: Any) -> None:
    _, predictor, data = train_turned("encoder", {"train.epochs": 1})
    inputs = [row.input for row in data.split("test")] + [ModelInput(row.text) for row in data.split("test")]
    together = predictor.logits(inputs)
    alone = np.concatenate([predictor.logits([one]) for one in inputs])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    torch_logits = Predictor.load(predictor.folder, backend="torch").logits(inputs)
    np.testing.assert_allclose(together, torch_logits, atol=1e-5)


def test_frozen_layers_keep_the_segments_apart(encoder_folder: Callable[..., Path]) -> None:
    model = EncoderForEmotion.from_backbone(encoder_folder(layers=3), outputs=3, pooling="mean", dropout=0.0).eval()
    tokenizer = TextTokenizer(encoder_folder(layers=3) / "tokenizer.json", max_tokens=32)
    model.config.separator = tokenizer.separator
    torch.nn.init.normal_(model.head.output.weight)
    ids, mask = map(torch.from_numpy, pad(tokenizer([("the day", "B: awful terrible"), ("we and it", "B: lovely")])))
    with torch.no_grad():
        whole = model(ids, mask).logits
        states = freeze_lower(model, 1)(input_ids=ids, attention_mask=mask).last_hidden_state
        split = model(input_ids=ids, attention_mask=mask, lower_states=states).logits
        torch.testing.assert_close(split, whole)
        with pytest.raises(ValueError, match="input_ids"):
            model(attention_mask=mask, lower_states=states)


@pytest.mark.usefixtures("torch_only")
def test_training_with_frozen_layers_reads_pairs(train_turned: Any) -> None:
    _, predictor, data = train_turned("encoder", {"train.epochs": 1, "train.freeze_layers": 1}, layers=2)
    assert predictor.preparation.context.pairs
    assert len(predictor.predict([row.input for row in data.split("test")])) == len(data.split("test"))


def test_the_model_reads_the_window_of_the_recipe(train_turned: Any, tmp_path: Path) -> None:
    run, predictor, _ = train_turned("linear", {"preparation.context_turns": 1, "preparation.speakers": "names"})
    written = json.loads((run.model / "preparation.json").read_text(encoding="utf-8"))
    assert written["context"] == {"turns": 1, "speakers": "names", "target": False, "pairs": False}
    long = ModelInput("so", turns=(Turn("awful", "Cy"), Turn("lovely", "Ann")), speaker="Bo")
    near = ModelInput("so", turns=(Turn("lovely", "Ann"),), speaker="Bo")
    np.testing.assert_array_equal(predictor.logits([long]), predictor.logits([near]))


def test_predictions_carry_id_and_language(train_turned: Any) -> None:
    _, predictor, _ = train_turned("linear", {"preparation.context_turns": 0})
    given = ModelInput("so lovely", turns=(Turn("awful"),), id="m1", language="en")
    (answer,) = predictor.predict([given])
    assert (answer.text, answer.id, answer.language) == ("so lovely", "m1", "en")
    assert answer.scores == predictor.predict(["so lovely"])[0].scores  # turns are not read
    assert predictor.count_unread([given, "so lovely"]) == 1
    with pytest.deprecated_call(match="count_unread"):
        assert predictor.unread([given, "so lovely"]) == 1


def test_joined_turns_are_read_only_on_request(train_turned: Any) -> None:
    _, predictor, _ = train_turned("linear")
    assert predictor.preparation.context.turns == 0


def test_missing_turns_are_rejected(toy_dataset: Callable[..., Dataset], tiny_recipe: RecipeOf, tmp_path: Path) -> None:
    recipe = load_recipe(tiny_recipe("linear", {"preparation.context_turns": 3}))
    with pytest.raises(RecipeError, match=r"data\.context"):
        train_run(toy_dataset("single"), recipe, tmp_path / "run", source=["toy"], command="insula train toy")
