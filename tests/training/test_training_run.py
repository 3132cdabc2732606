"""A training run: errors, files, kept output, choices."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import insula.training.run as run_module
from insula.api.training import train
from insula.core.errors import DataError, LeakError, MissingExtraError, ModelFolderError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.splits.compared import hash_text
from insula.data.splits.leak import remove_leaks
from insula.evaluation.baselines import predict_majority
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.training.decide import choose_decision
from insula.training.families import registry as families_module
from insula.training.families.encoder import choose_encoder_steps
from insula.training.families.linear import choose_linear_steps
from insula.training.families.registry import families
from insula.training.options.sections import DecisionOptions
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

RecipeOf = Callable[..., dict[str, Any]]
DataOf = Callable[..., Dataset]


def _linear(**evaluation: Any) -> Any:
    return load_recipe({"model": {"name": "linear"}, "evaluation": {"resamples": 100, "baselines": [], **evaluation}})


def _with(data: Dataset, split: str, examples: list[Example]) -> Dataset:
    return Dataset(data.name, data.scheme, {**data.splits, split: [*data.splits[split], *examples]})


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_training_text_in_evaluation_rows_is_rejected(tmp_path: Path, toy_dataset: DataOf, split: str) -> None:
    data = toy_dataset("single", train=30, validation=9, test=9)
    first = data.split("train")[0]
    leaked = Example(text=f"@someone {first.text.upper()}!!! https://t.co/x", labels=first.labels)
    with pytest.raises(LeakError, match=rf"rows of {split} must not be training rows. Got 1 of 10"):
        train_run(_with(data, split, [leaked]), _linear(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@given(
    st.dictionaries(
        st.sampled_from(("train", "validation", "test")),
        st.lists(
            st.sampled_from(["Good day", "good day!", "GOOD  day", "bad", "@you bad", "so so", "", "!", "🙂", "🙂!"])
        ),
        min_size=3,
    )
)
def test_no_test_row_is_ever_a_training_row(texts: dict[str, list[str]]) -> None:
    splits = {name: [Example(text=text, labels=("a",)) for text in several] for name, several in texts.items()}
    try:
        guarded, _, _ = remove_leaks(splits)
    except LeakError:
        return
    empty = hash_text("")
    found = {name: {hash_text(e.text) for e in examples} - {empty} for name, examples in guarded.items()}
    assert not found["train"] & (found["test"] | found.get("validation", set()))
    assert not found.get("validation", set()) & found["test"]
    assert guarded["test"] == splits["test"]


def test_a_changed_byte_is_detected(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    for family in families:
        folder = tmp_path / family
        shutil.copytree(trained_run(family, "single").model, folder)
        open_folder(folder)
        for file in sorted(folder.iterdir()):
            if file.name == "manifest.json":
                continue
            content = file.read_bytes()
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            with pytest.raises(ModelFolderError, match=file.name):
                Predictor.load(folder)
            file.write_bytes(content)


def test_an_interrupted_run_leaves_no_model(
    tmp_path: Path, toy_dataset: DataOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "write_report", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_run(toy_dataset("single", train=30, validation=9, test=9), _linear(), tmp_path / "run")
    assert not (tmp_path / "run" / "model").exists()
    assert not list((tmp_path / "run").glob(".*"))


@pytest.mark.parametrize("validation", [0, 9])
def test_splits_may_be_missing(tmp_path: Path, toy_dataset: DataOf, validation: int) -> None:
    run = train_run(toy_dataset("multi", train=30, validation=validation, test=0), _linear(), tmp_path / "run")
    assert run.metrics["test"] is None
    assert (run.metrics["validation"] is None) == (validation == 0)
    assert run.report.stat().st_size > 0
    assert Predictor.load(run.path).predict(["lovely wonderful"])[0].label == "positive"


def test_without_validation_the_smallest_strength_is_used(tmp_path: Path, toy_dataset: DataOf) -> None:
    data = toy_dataset("single", train=60, validation=0, test=20)

    def logits(*strengths: float) -> Any:
        recipe = load_recipe(_linear(), {"model.strengths": strengths})
        return Predictor.load(train_run(data, recipe, tmp_path / repr(strengths)).model).logits(["lovely", "awful"])

    assert np.abs(logits(9.0)).max() > 1.5 * np.abs(logits(0.1)).max()
    np.testing.assert_array_equal(logits(9.0, 0.1), logits(0.1))


def test_missing_training_rows_are_rejected(tmp_path: Path, toy_dataset: DataOf) -> None:
    data = toy_dataset("single", train=9, validation=0, test=9)
    for splits in ({"test": data.split("test")}, {"train": [], "test": data.split("test")}):
        with pytest.raises(DataError):
            train_run(Dataset("empty", data.scheme, splits), _linear(), tmp_path / "run")


def test_odd_texts_are_trained_on_and_measured(tmp_path: Path, toy_dataset: DataOf) -> None:
    data = toy_dataset("single", train=40, validation=12, test=12)
    odd = ["\ud83d half a pair", "", "   ", "\x00nul", "<b>&amp;</b>", "x" * 3000, "🙂🙂🙂", "\u202eright to left"]
    for number, split in enumerate(("train", "validation", "test")):
        data = _with(data, split, [Example(text=f"{text}{number}" if text.strip() else text, labels=("neutral",))
                                   for text in odd])  # fmt: skip
    run = train_run(data, _linear(), tmp_path / "run")
    assert run.metrics["data"]["rows"] == {"train": 48, "validation": 20, "test": 20}
    json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))
    run.report.read_text(encoding="utf-8")


def test_example_weights_count(tmp_path: Path) -> None:
    scheme = LabelScheme("s", "binary", ("no", "yes"))
    rows = [Example(text=f"word {i}", labels=("yes" if i % 2 else "no",), weight=1.0 if i % 2 else 0.01)
            for i in range(40)]  # fmt: skip
    run = train_run(Dataset("weighted", scheme, {"train": rows}), _linear(), tmp_path / "run")
    assert Predictor.load(run.path).predict(["word"])[0].label == "yes"


def test_the_same_seed_gives_the_same_linear_model(tmp_path: Path, toy_dataset: DataOf) -> None:
    for kind in ("binary", "multi", "dimensional"):
        data = toy_dataset(kind, train=40, validation=12, test=0)
        for name in ("a", "b"):
            train_run(data, _linear(), tmp_path / f"{kind}-{name}")
        files = [(tmp_path / f"{kind}-{name}" / "model" / "model.safetensors").read_bytes() for name in ("a", "b")]
        assert files[0] == files[1]


def test_labels_without_training_rows_are_not_predicted(tmp_path: Path) -> None:
    for kind in ("single", "multi"):
        scheme = LabelScheme("s", kind, ("a", "b", "never"))  # type: ignore[arg-type]
        rows = [Example(text=f"{'good' if i % 2 else 'bad'} {i}", labels=("ab"[i % 2],)) for i in range(40)]
        run = train_run(Dataset("x", scheme, {"train": rows}), _linear(), tmp_path / kind)
        for prediction in Predictor.load(run.path).predict(["good", "bad", "never", "?"]):
            assert "never" not in prediction.labels
            assert prediction.scores["never"] < 0.1


def test_a_recipe_chooses_the_text_steps(tmp_path: Path, toy_dataset: DataOf) -> None:
    data = toy_dataset("single", train=30, validation=9, test=9)
    recipe = load_recipe(_linear(), {"preparation.steps": ["lowercase"]})
    run = train_run(data, recipe, tmp_path / "run")
    assert open_folder(run.model).preparation.steps == ("lowercase",)
    assert open_folder(train_run(data, _linear(), tmp_path / "auto").model).preparation.steps == choose_linear_steps(
        recipe.model
    )


def test_default_text_steps_of_families(encoder_folder: Callable[..., Path]) -> None:
    tiny = load_recipe({"model": {"base": str(encoder_folder())}}).model
    assert "emoji" in choose_encoder_steps(tiny)  # it knows none, so they are spelt out
    assert "segment" not in choose_encoder_steps(tiny)
    assert {"segment", "lowercase"} <= set(choose_linear_steps(tiny))
    assert "stopwords" not in choose_linear_steps(tiny)


def test_overwriting_replaces_the_old_run(tmp_path: Path, toy_dataset: DataOf) -> None:
    data, folder = toy_dataset("single", train=30, validation=9, test=9), tmp_path / "run"
    train(data, recipe=_linear(), output=folder)
    (folder / "logs").mkdir()
    (folder / "logs" / "old").touch()
    first = (folder / "model" / "manifest.json").read_text(encoding="utf-8")
    train(data, recipe=_linear(), overrides={"seed": 1}, output=folder, overwrite=True)
    assert (folder / "model" / "manifest.json").read_text(encoding="utf-8") != first
    assert not (folder / "logs").exists()
    Predictor.load(folder)


def test_missing_packages_name_the_extra(
    tmp_path: Path, toy_dataset: DataOf, tiny_recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(module: str, *, extra: str, purpose: str) -> None:
        if module == "onnxscript":
            raise MissingExtraError(f"{module} {extra} {purpose}")

    monkeypatch.setattr(families_module, "require", missing)
    with pytest.raises(MissingExtraError, match="onnxscript train train a model of family 'encoder'"):
        train_run(toy_dataset("single"), load_recipe(tiny_recipe("encoder")), tmp_path / "run")


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), coverage=st.floats(0.5, 1))
def test_the_decision_is_chosen_on_the_given_rows(seed: int, coverage: float) -> None:
    rng = np.random.default_rng(seed)
    scheme = LabelScheme("s", "multi", ("a", "b", "c"))
    gold = (rng.random((80, 3)) < 0.3).astype(float)
    logits = 3 * gold - 2 + rng.normal(size=(80, 3))
    options = DecisionOptions(coverage=coverage)
    rule = choose_decision(scheme, logits, gold, options, seed=0)
    assert rule == choose_decision(scheme, logits, gold, options, seed=0)
    assert len(rule.thresholds) in (0, 3)  # they are left out unless they gain on held-out rows
    assert rule.decide(scheme, logits).abstained.mean() <= 1 - coverage + 1e-9


def test_choices_can_be_switched_off() -> None:
    scheme = LabelScheme("s", "multi", ("a", "b"))
    gold = np.tile([[1.0, 0.0], [0.0, 1.0]], (20, 1))
    rule = choose_decision(
        scheme, gold * 4 - 1, gold, DecisionOptions(calibration="none", thresholds="half", coverage=1.0), seed=0
    )
    assert rule.calibration.method == "identity"
    assert rule.thresholds == ()
    assert rule.abstention == 0


def test_the_majority_baseline_is_constant(toy_dataset: DataOf) -> None:
    for kind in ("binary", "single", "multi", "dimensional"):
        data = toy_dataset(kind, train=60, validation=0, test=0)
        decided = predict_majority(data.scheme, build_gold_matrix(data.scheme, data.split("train")).mean(axis=0), 4)
        assert (decided.scores == decided.scores[0]).all()
        assert (decided.chosen == decided.chosen[0]).all()
        if kind == "multi":
            assert (decided.chosen == (decided.scores >= 0.5)).all()
        else:
            assert decided.chosen[0].sum() == (0 if kind == "dimensional" else 1)
