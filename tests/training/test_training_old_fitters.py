"""Families of packages written for the first version: a fitter with one argument still loads and trains."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_terms import plan_of

import toy_data
from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.inference.backends import backends
from insula.inference.predictor import Predictor
from insula.training.families.old_fitters import FitInput, adapt_legacy_fitter
from insula.training.families.registry import families
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, Task
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

# The page "Add a text step or a model family" of that version, word for word.
PAGE = '''
import json
from typing import Literal

import numpy as np

from insula.inference.backends import backends
from insula.training.families import Family, FitInput, Fitted, families
from insula.training.options import ModelOptions


class LengthOptions(ModelOptions):
    """Judges a text by how long it is: a family to learn from, not to use."""

    name: Literal["length"] = "length"
    border: int = 100


def fit(given: FitInput) -> Fitted:
    """Return a model whose logits are the labels' log-rates among texts of like length."""
    rates = []
    for longer in (False, True):
        rows = [row for row, text in enumerate(given.train.texts) if (len(text) > given.model.border) is longer]
        counts = given.train.gold[rows].sum(axis=0) + 1.0
        rates.append(np.log(counts / counts.sum()).tolist())

    def save(folder):
        (folder / "rates.json").write_text(json.dumps([given.model.border, *rates]), encoding="utf-8")

    return Fitted(save=save, backend="length", parameters=2 * given.train.gold.shape[1])


class LengthBackend:
    """Prepared texts to logits."""

    def __init__(self, folder):
        self.border, *self.rates = json.loads((folder / "rates.json").read_text(encoding="utf-8"))

    def logits(self, texts):
        return np.array([self.rates[len(text) > self.border] for text in texts]).reshape(len(texts), -1)


families.register("length", Family(LengthOptions, "my_family:fit", lambda options: ("html", "unicode"), "by length"))
backends.register("length", LengthBackend)
'''


@pytest.fixture
def my_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module of the page, imported as a user's package is."""
    for registry in (families, backends):
        monkeypatch.setattr(registry, "_members", dict(registry._members))  # type: ignore[attr-defined]
        monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))  # type: ignore[attr-defined]
    (tmp_path / "my_family.py").write_text(PAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_family", raising=False)  # of another test of this process
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        importlib.import_module("my_family")
    moved = [str(one.message) for one in said if one.category is DeprecationWarning]
    assert any(sentence.startswith("insula.training.families.FitInput has moved") for sentence in moved)
    yield
    del sys.modules["my_family"]


def test_the_page_of_the_first_version_runs(tmp_path: Path, my_family: None) -> None:
    examples = [Example(text="a" * (10 + 190 * (row % 2)) + str(row), labels=("ab"[row % 2],)) for row in range(40)]
    scheme = type(toy_data.SCHEMES["single"])("lengths", "single", ("a", "b"))
    data = Dataset("lengths", scheme, {"train": examples[:30], "test": examples[30:]})
    recipe = load_recipe({"model": {"name": "length", "border": 80}, "evaluation": {"baselines": ["majority"]}})
    with pytest.warns(DeprecationWarning, match=r"The fitter my_family:fit takes one argument.*fit\(plan, rows, run\)"):
        run = train_run(data, recipe, tmp_path / "run")
    assert run.metrics["test"]["metrics"]["macro_f1"]["value"] == 1.0
    assert [one.label for one in Predictor.load(run.path).predict(["a", "a" * 99])] == ["a", "b"]


def test_an_old_fitter_gets_all_its_fields(tmp_path: Path) -> None:
    given: list[FitInput] = []

    def old(one: FitInput) -> Fitted:
        given.append(one)
        one.facts["found"] = 3
        return Fitted(save=lambda _: None, backend="old", parameters=1)

    scheme, other = toy_data.SCHEMES["single"], toy_data.SCHEMES["multi"]
    train = Rows(
        ["labelled", "unlabelled", "of a task"],
        np.eye(3),
        np.array([2.0, 1.0, 5.0]),
        labelled=np.array([True, False, False]),
        teacher=np.full((3, 3), 0.3),
        task=np.array([0, 0, 1]),
    )
    task = Task(other, Rows(["of a task"], np.ones((1, 3)), np.array([5.0])))
    heard: list[Any] = []
    run = RunContext(tmp_path, seed=7, report=lambda step, score: heard.append((step, score)), callbacks=["one"])
    with pytest.warns(DeprecationWarning, match="The fitter a:b takes one argument"):
        fitted = adapt_legacy_fitter(old, reference="a:b")(plan_of(scheme), PreparedRows(train, train, [task]), run)
    (one,) = given
    assert fitted.facts == {"found": 3}
    assert one.train.weights.tolist() == [2.0, 0.0, 0.0]
    assert one.train.unlabelled == 1
    assert one.train.answers is not None
    assert one.train.answers.shape == (2, 3)
    assert one.validation is not None
    assert (one.scheme, one.seed, one.folder, one.model.name) == (scheme, 7, tmp_path, "test")
    assert one.checkpoints == tmp_path / "checkpoints"
    assert one.callbacks == ["one"]
    one.report(1, 0.5)
    assert heard == [(1, 0.5)]


@pytest.mark.parametrize("fit", [lambda plan, rows, run: None, lambda *given: None], ids=["three", "any"])
def test_a_current_fitter_is_called_directly(fit: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert adapt_legacy_fitter(fit, reference="a:b") is fit
