"""Searches: trials, resuming, shared studies, and test rows that stay unused."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import signal
import tomllib
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import search_in_process

import insula
import toy_data
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, LeakError, OutputError, RecipeError
from insula.core.prediction import Prediction
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.training.fit_model import TrainedModel
from insula.training.fitting import TrainingPlan
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from insula.training.search import search
from insula.training.search.result import SearchResult
from insula.training.search.space import read_space
from waiting import DEADLINE

FORK = multiprocessing.get_context("fork")  # without importing everything again, which takes longer than a search
LINEAR = search_in_process.RECIPE
SPACE = {
    "model": {"strengths": {"low": 0.01, "high": 10.0, "log": True}},
    "objective": {"class_weights": {"choices": ["none"]}},
}


def small(**sizes: int) -> Dataset:
    return toy_data.toy_dataset("single", **{"train": 60, "validation": 40, **sizes})


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., SearchResult]:
    """Search on toy data: `find(trials=3)`."""

    def run(name: str = "search", *, trials: int = 3, space: Any = SPACE, recipe: Any = LINEAR, **given: Any) -> Any:
        start = load_recipe(recipe)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return search.run_search(
            given.pop("data", small()), start, read_space(space, start), folder, trials=trials, **given
        )

    return run


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace training: the score of a trial is its `model.min_df`, in five evaluations."""
    tried: list[dict[str, Any]] = []

    def fit(dataset: Dataset, plan: Any, run: Any, *args: Any) -> Any:
        model = plan.model
        gold = build_gold_matrix(dataset.scheme, dataset.split("validation"))
        right = len(gold) * model.min_df // 10
        logits = np.where(np.arange(len(gold))[:, None] < right, gold, 1 - gold)
        tried.append({"model": model, "evaluations": 0})
        for step in range(5):
            run.report(10 * step, model.min_df / 10)
            tried[-1]["evaluations"] += 1
        predictor = Predictor(scheme=dataset.scheme, preparation=None, decision=DecisionRule(), backend=None)  # type: ignore[arg-type]
        return SimpleNamespace(predictor=predictor, validation=logits)

    monkeypatch.setattr(search, "fit_model", fit)
    return tried


def test_a_search_tries_and_writes(find: Callable[..., SearchResult], recorder: Any) -> None:
    found = find(trials=4, progress=recorder, command="insula search toy", source=["toy.csv"])
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3]
    assert {trial.state for trial in found.trials} == {"complete"}
    assert found.best.value == max(trial.value or 0 for trial in found.trials)
    assert found.best.low is not None
    assert found.best.low <= (found.best.value or 0)
    assert all(0.01 <= trial.values["model.strengths"] <= 10 for trial in found.trials)
    assert len({trial.values["model.strengths"] for trial in found.trials}) == 4
    assert recorder.steps == [4]
    assert sum(sentence.startswith("Trial ") for sentence in recorder.said) == 4
    winner = load_recipe(found.recipe_file)
    assert winner == found.recipe
    assert winner.model.strengths == (found.best.values["model.strengths"],)  # type: ignore[attr-defined]
    assert "trial" in winner.description
    written = json.loads((found.path / "search.json").read_text(encoding="utf-8"))
    assert written["best"] == found.best.number
    assert written["source"] == ["toy.csv"]
    assert {entry.name for entry in found.path.iterdir()} == {"study.db", "recipe.toml", "search.json", "report.html"}


def test_the_value_is_that_of_the_recipe_trained_alone(find: Callable[..., SearchResult], tmp_path: Path) -> None:
    data = small(validation=60)
    found = find(trials=2, data=data)
    run = train_run(data, found.recipe, tmp_path / "alone")
    assert run.metrics["validation"]["metrics"]["macro_f1"]["value"] == pytest.approx(found.best.value)


def test_no_trial_sees_test_rows(find: Callable[..., SearchResult], monkeypatch: pytest.MonkeyPatch) -> None:
    fit, seen = search.fit_model, []

    def watch(dataset: Dataset, *args: Any, **kwargs: Any) -> TrainedModel:
        seen.append(set(dataset.splits))
        return fit(dataset, *args, **kwargs)

    monkeypatch.setattr(search, "fit_model", watch)
    predicted: list[str] = []
    monkeypatch.setattr(Predictor, "predict", lambda self, texts: predicted.extend(texts) or list[Prediction]())
    find(trials=2)
    assert seen == [{"train", "validation"}] * 2
    assert predicted == []


def test_a_search_continues_to_the_requested_number(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    space = {"model.min_df": {"low": 1, "high": 9}}
    first = find(trials=2, space=space, pruner="none")
    more = find(trials=4, space=space, pruner="none")
    assert len(scored) == 4
    assert [trial.to_dict() for trial in more.trials[:2]] == [trial.to_dict() for trial in first.trials]
    # ... with the same result as without an interruption.
    at_once = find("at_once", trials=4, space=space, pruner="none")
    assert [trial.values for trial in at_once.trials] == [trial.values for trial in more.trials]
    other_seed = find("other", trials=4, space=space, pruner="none", seed=1)
    assert [trial.values for trial in other_seed.trials] != [trial.values for trial in more.trials]
    # No trial is run if there are enough already.
    again = find(trials=4, space=space, pruner="none")
    assert len(again.trials) == 4
    assert len(scored) == 12


def test_the_recipe_s_own_values_come_first(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    recipe = {**LINEAR, "model": {"name": "linear", "min_df": 7}}
    found = find(trials=2, space={"model.min_df": {"low": 1, "high": 9}}, recipe=recipe)
    assert found.trials[0].values == {"model.min_df": 7}


def test_a_list_of_one_is_tried_first_as_a_value(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    recipe = {**LINEAR, "model": {"name": "linear", "strengths": [7.0]}}
    found = find(trials=1, space={"model.strengths": {"low": 0.1, "high": 10.0}}, recipe=recipe)
    assert found.trials[0].values == {"model.strengths": 7.0}


def test_the_own_value_is_found_among_whole_numbers(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    recipe = {**LINEAR, "model": {"name": "linear", "strengths": [7.0]}}
    for name, choices in {"numbers": list(range(1, 10)), "lists": [[number] for number in range(1, 10)]}.items():
        found = find(name, trials=1, space={"model.strengths": {"choices": choices}}, recipe=recipe)
        assert found.trials[0].values == {"model.strengths": choices[6]}


def test_fixed_values_hold_in_another_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[TrainingPlan] = []

    def fit(dataset: Dataset, plan: TrainingPlan, *args: Any) -> Any:
        tried.append(plan)
        raise RecipeError("Enough is known.")

    monkeypatch.setattr(search, "fit_model", fit)
    with pytest.raises(RecipeError, match="Enough is known"):
        insula.search(
            small(),
            trials=1,
            recipe={"model": {"name": "lstm"}},
            overrides={"train.epochs": 2, "model.dropout": 0.25},
            space={"model.name": {"choices": ["gru"]}},
            output=tmp_path / "gru",
        )
    (plan,) = tried
    assert plan.model.name == "gru"
    assert plan.train.epochs == 2
    assert plan.model.dropout == 0.25  # type: ignore[attr-defined]
    assert plan.train.learning_rate == 1e-3  # the default of the family


def test_paths_of_the_space_are_written_in_full(
    find: Callable[..., SearchResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(dataset: Dataset, *args: Any, **kwargs: Any) -> Any:
        predictor = Predictor(scheme=dataset.scheme, preparation=None, decision=DecisionRule(), backend=None)  # type: ignore[arg-type]
        return SimpleNamespace(
            predictor=predictor, validation=build_gold_matrix(dataset.scheme, dataset.split("validation"))
        )

    monkeypatch.setattr(search, "fit_model", fit)
    monkeypatch.chdir(tmp_path)
    Path("ours").mkdir()
    Path("ours", "config.json").touch()
    found = find(trials=1, recipe={"evaluation": {"resamples": 100}}, space={"model.base": {"choices": ["ours"]}})
    assert load_recipe(found.recipe_file).model.base == str(tmp_path / "ours")  # type: ignore[attr-defined]


def test_a_finished_search_keeps_running_trials(
    find: Callable[..., SearchResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, others = search.fit_model, []

    def fit_while_another_ends(*args: Any, **kwargs: Any) -> TrainedModel:
        if not others:
            others.append("has no time for a trial, and ends")
            with pytest.raises(RecipeError, match="No trial was completed"):
                find(trials=2, seconds=0)
        return fit(*args, **kwargs)

    monkeypatch.setattr(search, "fit_model", fit_while_another_ends)
    found = find(trials=2)
    assert [trial.state for trial in found.trials] == ["complete", "complete"]
    assert not (found.path / "trials").exists()


def test_a_search_of_other_data_is_rejected(
    find: Callable[..., SearchResult], scored: list[Any], tmp_path: Path
) -> None:
    find(trials=1)
    with pytest.raises(RecipeError, match=r"The data of this search must be the same as when it started"):
        find(trials=2, data=small(train=66))
    with pytest.raises(RecipeError, match="The search space of this search must be"):
        find(trials=2, space={"model.min_df": {"low": 1, "high": 9}})
    with pytest.raises(RecipeError, match="The recipe of this search must be"):
        find(trials=2, recipe={**LINEAR, "seed": 3})
    assert not (tmp_path / "search" / "workers").exists()


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_pruning_ends_trials_that_fall_behind(
    find: Callable[..., SearchResult], scored: list[Any], pruner: Any
) -> None:
    found = find(trials=14, space={"model.min_df": {"low": 1, "high": 9}}, pruner=pruner)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        assert len(trial.scores) < 5
        assert trial.value is None
    assert sum(one["evaluations"] for one in scored) < 5 * 14
    if pruner == "median":
        best = max(trial.values["model.min_df"] for trial in found.trials)
        assert found.best.values["model.min_df"] == best


def test_without_a_pruner_every_trial_runs_to_its_end(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    find(trials=8, space={"model.min_df": {"low": 1, "high": 9}}, pruner="none")
    assert [one["evaluations"] for one in scored] == [5] * 8


def test_failures_are_counted_and_named(find: Callable[..., SearchResult], monkeypatch: pytest.MonkeyPatch) -> None:
    fit, calls = search.fit_model, []

    def sometimes(*args: Any, **kwargs: Any) -> TrainedModel:
        calls.append(1)
        if len(calls) == 2:
            raise RecipeError("The model must give finite numbers; training has diverged.")
        return fit(*args, **kwargs)

    monkeypatch.setattr(search, "fit_model", sometimes)
    found = find(trials=3)
    assert [trial.state for trial in found.trials] == ["complete", "failed", "complete"]
    assert "diverged" in str(found.trials[1].error)


def test_a_search_stops_if_all_trials_fail(
    find: Callable[..., SearchResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*args: Any, **kwargs: Any) -> TrainedModel:
        raise RecipeError("It has too few layers.")

    monkeypatch.setattr(search, "fit_model", never)
    with pytest.raises(RecipeError, match=r"all of its first 3 trials failed\. It has too few layers"):
        find(trials=30)
    assert not (tmp_path / "search" / "workers").exists()


def test_an_interrupted_trial_is_repeated(find: Callable[..., SearchResult], monkeypatch: pytest.MonkeyPatch) -> None:
    fit, calls = search.fit_model, []

    def stop(*args: Any, **kwargs: Any) -> TrainedModel:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    monkeypatch.setattr(search, "fit_model", stop)
    with pytest.raises(KeyboardInterrupt):
        find(trials=3)
    found = find(trials=3)
    assert [trial.state for trial in found.trials] == ["complete", "lost", "complete", "complete"]
    assert found.trials[2].values == found.trials[1].values


def _start(folder: Path, trials: int, *, killed: bool = False) -> BaseProcess:
    process = FORK.Process(target=search_in_process.main, args=(folder, trials), kwargs={"killed": killed})
    process.start()
    return process


def _end(process: BaseProcess) -> int | None:
    process.join(DEADLINE)
    return process.exitcode


def test_a_killed_trial_is_marked_and_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _end(_start(tmp_path, 4, killed=True)) == -signal.SIGKILL
    # That it is dead is known by its folder, without waiting for a heartbeat that does not come.
    monkeypatch.setattr("insula.training.search.study.HEARTBEAT", 3600)
    search_in_process.main(tmp_path, 4, killed=False)
    trials = json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))["trials"]
    assert [trial["state"] for trial in trials] == ["complete", "complete", "lost", "complete", "complete"]
    assert trials[3]["values"] == trials[2]["values"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"study.db", "recipe.toml", "search.json", "report.html"}


def test_two_processes_share_a_study(tmp_path: Path) -> None:
    both = [_start(tmp_path, 5), _start(tmp_path, 5)]
    assert [_end(process) for process in both] == [0, 0]
    trials = json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))["trials"]
    assert [trial["state"] for trial in trials] == ["complete"] * 5
    assert len({trial["values"]["model.strengths"] for trial in trials}) == 5, "they do not draw alike"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_teacher_that_saw_the_rows_is_rejected(
    find: Callable[..., SearchResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    data = small()
    seen = Dataset("seen", data.scheme, {"train": [*data.split("train"), *data.split(split)]})
    teacher = train_run(seen, load_recipe(LINEAR), tmp_path / "teacher")
    monkeypatch.setattr(search, "fit_model", lambda *_, **__: pytest.fail("a trial began"))
    with pytest.raises(LeakError, match=f"{split} rows of .* that are among its train rows"):
        find(data=data, recipe="tiny", space={"distil.teachers": {"choices": [[], [str(teacher.path)]]}})


def test_validation_rows_are_required(find: Callable[..., SearchResult]) -> None:
    data = small()
    with pytest.raises(DataError, match="needs validation rows"):
        find(data=dataclasses.replace(data, splits={"train": data.split("train")}))


def test_the_password_of_a_study_is_not_written(find: Callable[..., SearchResult], tmp_path: Path) -> None:
    assert search.hide_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    with pytest.raises(OutputError, match="must be the address of a database") as rejected:
        find(study="no address")
    assert not list((tmp_path / "search").iterdir())
    assert "sqlite:///" in str(rejected.value)
    with pytest.raises(OutputError, match="cannot be used") as unusable:
        find(study="mysql+nodriver://me:secret@localhost/none")
    assert "secret" not in str(unusable.value)
    assert not list((tmp_path / "search").iterdir()), "nothing is left of a search that was rejected"


def test_a_named_database_is_used(find: Callable[..., SearchResult], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    find("one", trials=1, study=url)
    assert not (tmp_path / "one" / "study.db").exists()
    assert (tmp_path / "shared.db").exists()
    assert len(find("one", trials=2, study=url).trials) == 2
    assert len(find("another", trials=1, study=url).trials) == 1


def test_a_search_continues_only_with_its_study(find: Callable[..., SearchResult], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    find("one", trials=1, study=url)
    with pytest.raises(
        OutputError, match=r"continue with its first study: --study sqlite:.*shared\.db\. Got no --study"
    ):
        find("one", trials=2)
    assert not (tmp_path / "one" / "study.db").exists()
    (tmp_path / "one" / "study.json").write_text('{"study": "sqli', encoding="utf-8")
    with pytest.raises(OutputError, match=r"study\.json' is damaged.*Delete the file and pass the same --study again"):
        find("one", trials=2, study=url)
    find("two", trials=1)
    with pytest.raises(OutputError, match=r"its own study\.db, without --study\. Got --study sqlite:"):
        find("two", trials=2, study=url)
    own = f"sqlite:///{(tmp_path / 'two' / 'study.db').absolute()}"
    assert len(find("two", trials=2, study=own).trials) == 2


def test_no_trial_starts_after_the_time_limit(find: Callable[..., SearchResult]) -> None:
    with pytest.raises(RecipeError, match="No trial was completed"):
        find(seconds=0.0)


def test_importance_is_reported_if_trials_differ(find: Callable[..., SearchResult], scored: list[Any]) -> None:
    space = {"model.min_df": {"low": 1, "high": 9}, "model.strengths": {"low": 0.1, "high": 9.0}}
    found = find(trials=12, space=space, pruner="none")
    assert sum(found.importance.values()) == pytest.approx(1)
    assert found.importance["model.min_df"] > 0.8
    page = found.report.read_text(encoding="utf-8")
    assert "Importance of each option" in page
    assert (
        tomllib.loads(found.recipe_file.read_text(encoding="utf-8"))["model"]["min_df"]
        == found.best.values["model.min_df"]
    )


@pytest.mark.usefixtures("torch_only")
def test_a_neural_trial_is_pruned_in_the_middle(
    find: Callable[..., SearchResult], tiny_recipe: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from insula.training.search import study as search_study

    monkeypatch.setattr(search_study, "STARTUP_TRIALS", 1)
    recipe = tiny_recipe("encoder", {"train.epochs": 8})
    # The recipe's own rate comes first and learns; the only other choice cannot.
    space = {"train.learning_rate": {"choices": [5e-3, 1e-9]}}
    found = find(trials=3, space=space, recipe=recipe, seed=2)
    rates = {trial.number: trial.values["train.learning_rate"] for trial in found.trials}
    assert rates[0] == 5e-3
    slow = [trial for trial in found.trials if trial.values["train.learning_rate"] == 1e-9]
    assert slow
    assert {trial.state for trial in slow} == {"pruned"}
    assert all(2 <= len(trial.scores) < 8 for trial in slow)
    assert found.best.values["train.learning_rate"] == 5e-3
