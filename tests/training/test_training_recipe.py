"""Recipes: built in, from files, with overrides, invalid."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import MissingFileError, RecipeError, UnknownNameError
from insula.core.scheme import KINDS
from insula.training.families.encoder import EncoderOptions
from insula.training.families.linear import LinearOptions
from insula.training.families.registry import Family, families
from insula.training.options.sections import ModelOptions, TrainOptions
from insula.training.recipe.recipe import Recipe, list_builtin_recipes, load_recipe, parse_override
from insula.training.recipe.unused_options import find_unused_options

BUILT_IN = tuple(list_builtin_recipes())


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_recipe_loads_and_has_a_description(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.description == list_builtin_recipes()[name] != ""
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe


def test_the_recipes_of_the_main_job_are_there() -> None:
    assert {"quick", "standard", "linear", "accurate", "chinese", "multilabel", "intensity", "long", "tiny"} <= set(
        BUILT_IN
    )
    assert load_recipe("standard").model == EncoderOptions(base="minilm")
    assert load_recipe("linear").model == LinearOptions()


def test_a_recipe_survives_toml(tmp_path: Path) -> None:
    recipe = load_recipe(
        {
            "seed": 7,
            "data": {"label": ["a", "b"], "kind": "multi"},
            "model": {"name": "linear", "char_ngrams": [1, 3], "strengths": [2.0]},
            "preparation": {"steps": ["html", "unicode"]},
            "evaluation": {"baselines": []},
        }
    )
    (tmp_path / "mine.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert load_recipe(tmp_path / "mine.toml") == recipe == load_recipe(recipe)
    assert recipe.data.label == ("a", "b")


@given(
    epochs=st.floats(0.01, 1000),
    seed=st.integers(0, 2**31),
    rate=st.floats(1e-8, 1),
    dropout=st.floats(0, 1),
    base=st.text(min_size=1),
)
def test_any_values_survive_toml(epochs: float, seed: int, rate: float, dropout: float, base: str) -> None:
    recipe = load_recipe(
        {
            "seed": seed,
            "model": {"base": base, "dropout": dropout},
            "train": {"epochs": epochs, "learning_rate": rate},
        }
    )
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"train": {"epoch": 3}}, r"'train\.epoch' is not known\. Did you mean 'train\.epochs'\?"),
        ({"sede": 1}, r"'sede' is not known\. Did you mean 'seed'\?"),
        ({"model": {"name": "linear", "mindf": 1}}, r"Did you mean 'model\.min_df'\?"),
        (
            {"model": {"name": "encoder", "min_df": 1}},
            r"'model\.min_df' is an option of other model families \(linear\)",
        ),
        ({"model": {"name": "liner"}}, r"'liner'.*Did you mean 'linear'\?$"),
        ({"model": {"name": 3}}, "model: the name must be one of"),
        ({"model": {"name": ["linear"]}}, "model: the name must be one of"),
        ({"model": "linear"}, r"model must .*Got 'linear'\."),
        ({"train": {"epochs": "many"}}, r"train\.epochs must be a number.*Got 'many'\."),
        ({"train": {"epochs": float("nan")}}, r"train\.epochs"),
        ({"train": {"epochs": 0}}, r"train\.epochs must be above 0.*Got 0\."),
        ({"train": {"batch_size": 1.5}}, r"train\.batch_size"),
        ({"train": {"schedule": "cosin"}}, r"train\.schedule must .*'cosine'.*Got 'cosin'"),
        ({"train": 3}, r"train must .*Got 3\."),
        ({"seed": -1}, r"seed must .*Got -1\."),
        (
            {"model": {"name": "linear", "word_ngrams": [3, 1]}},
            r"model\.word_ngrams: the minimum length .*Got \[3, 1\]",
        ),
        ({"model": {"name": "linear", "char_ngrams": [0, 2]}}, r"model\.char_ngrams\.0 must be at least 1"),
        ({"model": {"name": "linear", "strengths": []}}, r"model\.strengths must .*at least 1"),
        ({"preparation": {"steps": ["htlm"]}}, r"preparation\.steps: .*Did you mean 'html'\?"),
        ({"data": {"validation_fraction": 0.6, "test_fraction": 0.6}}, "data: .*their sum must be below 1"),
        ({"decision": {"coverage": 0}}, r"decision\.coverage"),
        ({"evaluation": {"baselines": ["majorty"]}}, r"evaluation\.baselines\.0 must .*'majority'"),
    ],
)
def test_an_invalid_recipe_names_the_key(recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(recipe)
    assert "\n" not in str(caught.value)


def test_missing_files_and_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.toml"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="Did you mean 'quick'"):
        load_recipe("quik")
    for content in (b"seed = ", b"\xff\xfe\x00"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(RecipeError, match=r"not valid TOML.*Correct it there"):
            load_recipe(tmp_path / "bad.toml")


def test_overrides_reach_any_section() -> None:
    recipe = load_recipe("standard", {"seed": 3, "train.epochs": 1, "data.text": "message", "model.pooling": "first"})
    assert (recipe.seed, recipe.train.epochs, recipe.data.text) == (3, 1, "message")
    assert recipe.model == EncoderOptions(base="minilm", pooling="first")
    with pytest.raises(RecipeError, match=r"Did you mean 'train\.epochs'"):
        load_recipe("standard", {"train.epoch": 1})
    with pytest.raises(RecipeError, match="is not a section"):
        load_recipe({"seed": 1}, {"seed.deep": 1})


def test_overrides_leave_the_given_mapping_alone() -> None:
    given = {"train": {"epochs": 2}}
    load_recipe(given, {"train.epochs": 3, "model.name": "linear"})
    assert given == {"train": {"epochs": 2}}


@pytest.mark.parametrize("name_first", [True, False])
def test_another_family_drops_the_previous_options(name_first: bool) -> None:
    pairs = [("model.name", "linear"), ("model.min_df", 1)]
    recipe = load_recipe("standard", dict(pairs if name_first else pairs[::-1]))
    assert recipe.model == LinearOptions(min_df=1)


def test_another_family_has_its_own_train_defaults() -> None:
    quick = load_recipe("quick")
    assert quick.train.freeze_layers > 0
    for recipe in ("quick", quick):
        other = load_recipe(recipe, {"model.name": "linear", "train.batch_size": 7})
        assert (other.train.freeze_layers, other.train.batch_size, other.description) == (0, 7, "")


@pytest.mark.parametrize("family", ["linear", "textcnn", "decoder"])
def test_only_an_encoder_freezes_lower_layers(family: str) -> None:
    with pytest.raises(RecipeError, match=rf"freeze_layers must be 0 for the family '{family}'\. Got 2\..*encoder"):
        load_recipe({"model": {"name": family}, "train": {"freeze_layers": 2}})


@pytest.mark.parametrize("family", ["linear", "static", "textcnn", "lstm", "gru"])
def test_gradient_checkpointing_needs_blocks(family: str) -> None:
    message = (
        rf"gradient_checkpointing must be false for the family '{family}'\. Got true\..*decoder, encoder, transformer"
    )
    with pytest.raises(RecipeError, match=message):
        load_recipe({"model": {"name": family}, "train": {"gradient_checkpointing": True}})
    load_recipe({"model": {"name": family}, "train": {"gradient_checkpointing": False}})


@pytest.mark.parametrize("family", ["linear", "static", "textcnn"])
def test_layer_decay_needs_numbered_layers(family: str) -> None:
    message = rf"layer_rate_decay must be 1\.0 for the family '{family}'\. Got 0\.8\..*encoder, gru, lstm, transformer"
    with pytest.raises(RecipeError, match=message):
        load_recipe({"model": {"name": family}, "train": {"layer_rate_decay": 0.8}})
    load_recipe({"model": {"name": family}, "train": {"layer_rate_decay": 1}})


def test_family_train_defaults_yield_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    family = dataclasses.replace(families["linear"], train={"learning_rate": 0.5, "epochs": 9})
    monkeypatch.setitem(families._loaded, "linear", family)
    recipe = load_recipe("standard", {"model.name": "linear", "train.epochs": 2})
    assert (recipe.train.learning_rate, recipe.train.epochs) == (0.5, 2)
    written = tomllib.loads(recipe.to_toml())["train"]
    assert (written["learning_rate"], written["epochs"]) == (0.5, 2)
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe
    assert Recipe(model=LinearOptions(), train=TrainOptions(epochs=3)).train.learning_rate == 0.5
    assert load_recipe("standard").train.learning_rate == TrainOptions().learning_rate


def test_the_same_family_keeps_its_options() -> None:
    assert load_recipe("quick", {"model.name": "encoder"}).model == load_recipe("quick").model


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train.epochs=3", ("train.epochs", 3)),
        ("train.epochs = 0.5", ("train.epochs", 0.5)),
        ("model.name=linear", ("model.name", "linear")),
        ('model.name="linear"', ("model.name", "linear")),
        ("decision.class_offsets=true", ("decision.class_offsets", True)),
        ("model.strengths=[1.0, 2.0]", ("model.strengths", [1.0, 2.0])),
        ("model.base=a=b", ("model.base", "a=b")),
        ("data.text=", ("data.text", "")),
    ],
)
def test_overrides_on_the_command_line(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["train.epochs", "=3", " =3", ""])
def test_an_override_without_key_or_value_is_rejected(text: str) -> None:
    with pytest.raises(RecipeError, match=r"train\.epochs=3"):
        parse_override(text)


def test_the_json_schema_knows_every_family_s_options() -> None:
    schema = Recipe.model_json_schema()
    json.dumps(schema)
    validator = jsonschema_rs.validator_for(schema)
    for name in BUILT_IN:
        validator.validate(load_recipe(name).model_dump(mode="json", exclude_none=True))
    for name in families:
        validator.validate({"model": families[name].options().model_dump(mode="json")})
    for wrong in ({"train": {"epoch": 1}}, {"model": {"name": "linear", "pooling": "mean"}}):
        assert not validator.is_valid(wrong)


class PluggedOptions(ModelOptions):
    """Options of a family of another package."""

    name: str = "plugged"
    depth: int = 1


def test_a_family_may_come_from_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(PluggedOptions, "plugged:fit", lambda options: (), "a test")
    monkeypatch.setitem(sys.modules, "plugged", SimpleNamespace(family=family))  # type: ignore[arg-type]
    entry = importlib.metadata.EntryPoint("plugged", "plugged:family", "insula.model_families")
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda *, group: [entry] if group == "insula.model_families" else [],
    )
    monkeypatch.setattr(families, "_members", dict(families._members))
    monkeypatch.setattr(families, "_loaded", dict(families._loaded))
    monkeypatch.setattr(families, "_plugins_read", False)
    assert {"encoder", "linear", "plugged"} < set(families)
    recipe = load_recipe("standard", {"model.name": "plugged", "model.depth": 5})
    assert recipe.model == PluggedOptions(depth=5)
    assert load_recipe(tomllib.loads(recipe.to_toml())) == recipe
    with pytest.raises(RecipeError, match=r"Did you mean 'model\.depth'"):
        load_recipe({"model": {"name": "plugged", "dept": 1}})


def test_one_path_needs_no_brackets() -> None:
    one = load_recipe(overrides={"auxiliary.sources": "other.csv"})
    assert one == load_recipe(overrides={"auxiliary.sources": ["other.csv"]})
    assert load_recipe(overrides={"distil.teachers": "runs/a", "distil.unlabelled": "b.txt"}).distil.teachers == (
        "runs/a",
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"objective.name": "focl"}, "Did you mean 'focal'?"),
        ({"model.name": "lstm", "adapter.method": "lora"}, "is not valid: the family 'lstm' does not support adapters"),
        ({"model.name": "linear", "auxiliary.sources": ["a"]}, "is not valid: auxiliary.sources needs a neural model"),
    ],
)
def test_incompatible_options_are_rejected(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_recipe(overrides=overrides)


def test_tiny_has_the_stated_size() -> None:
    options = load_recipe("tiny").model.model_dump()
    filters = sum(width * options["width"] * options["maps"] for width in options["filter_widths"])
    assert options["vocabulary_size"] * options["width"] + filters < 1_000_000
    assert options["vectors"] == "random"


def test_epsilon_without_a_loss_is_reported() -> None:
    recipe = load_recipe("standard", {"adversarial.epsilon": 2.0, "robust.pairs": 0.5, "robust.pair_margin": 2.0})
    (note,) = find_unused_options(recipe, "single")
    assert note.startswith("adversarial.epsilon will do nothing: adversarial.fgm is 0.0 and adversarial.pgd is 0.0")
    assert note.endswith("Set one of them too.")


def test_options_of_inactive_sections_are_reported() -> None:
    recipe = load_recipe("standard", {"adapter.rank": 16, "adapter.alpha": 8, "distil.temperature": 3})
    assert find_unused_options(recipe, "single") == [
        'adapter.rank and adapter.alpha will do nothing: adapter.method is "none". Set it too.',
        "distil.temperature will do nothing: distil.teachers is []. Set it too.",
    ]
    assert find_unused_options(load_recipe("standard", {"adapter.rank": 16, "adapter.method": "lora"}), "single") == []
    assert all(find_unused_options(load_recipe(name), kind) == [] for name in list_builtin_recipes() for kind in KINDS)


def test_unused_options_are_reported() -> None:
    recipe = load_recipe(
        "linear", {"train.epochs": 1, "decision.thresholds": "crossfit", "decision.class_offsets": True}
    )
    steps = (
        "train.epochs will do nothing: the family 'linear' is not neural. Leave it out, or choose another model.name."
    )
    offsets = "decision.class_offsets will do nothing: it is for single, ordinal labels, and these are multi."
    thresholds = "decision.thresholds will do nothing: it is for binary, multi labels, and these are ordinal."
    assert find_unused_options(recipe, "multi") == [steps, f"{offsets} Leave it out."]
    assert find_unused_options(recipe, "ordinal") == [steps, f"{thresholds} Leave it out."]
    values = find_unused_options(load_recipe("linear", {"decision.coverage": 0.8}), "dimensional")
    assert len(values) == 1
    assert values[0].startswith("decision.coverage will do nothing")
