"""Hyperparameter search: train with recipes of a search space and score each on validation rows."""

from __future__ import annotations

import dataclasses
import datetime
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.errors import DataError, RecipeError
from insula.core.files import write_text
from insula.core.progress import Progress, Silent
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.splits.leak import Fingerprint, require_no_leak
from insula.evaluation.metrics.metric_names import get_headline_metric, get_metric_title
from insula.evaluation.reports.search_report import write_search_report
from insula.evaluation.search_document import SearchDocument, SearchedOption, SearchedRows, SearchTrial
from insula.text.language import find_dominant_language
from insula.training.augment import add_augmented_rows
from insula.training.families.base import find_trained_base
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.neural.validation import compute_decided_score
from insula.training.plan import plan_training
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import compute_data_digest
from insula.training.search.folder import OWN_STUDY, get_trial_folder, record_study, require_same_study
from insula.training.search.result import SearchResult, TrialRecord
from insula.training.search.space import Space, read_fixed_values, read_values
from insula.training.search.study import Pruner, RunningTrial, hide_password, open_study
from insula.training.transfer.auxiliary import add_auxiliary_sets
from insula.training.transfer.distil import add_unlabelled_split
from insula.training.transfer.teachers import check_teachers
from insula.training.transfer.trained_base import check_base

SEARCH_VERSION = 1


def run_search(
    dataset: Dataset,
    recipe: Recipe,
    space: Space,
    folder: Path,
    *,
    trials: int,
    fixed: Sequence[str] = (),
    study: str | None = None,
    seconds: float | None = None,
    seed: int = 0,
    pruner: Pruner = "median",
    source: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> SearchResult:
    """Search until the study has `trials` trials, and write the result into `folder`.

    fixed    keys whose values in the recipe hold in every trial, even in trials of another model family, which would
             otherwise use that family's defaults
    study    the address of a database; None for a file in `folder`
    seconds  no trial starts after this time; None for no limit

    Test rows are removed before the first trial and never used. An existing study of this folder is continued. Raises
    `RecipeError` if its data, recipe or space differ, `DataError` without validation rows, `LeakError` if a base or
    teacher among the choices was trained on validation or test rows.
    """
    progress = progress or Silent()
    kept = read_fixed_values(recipe, fixed)
    _check_unseen(dataset, recipe, space)
    work = _Trial(dataset, recipe, kept, folder, progress)
    own = f"sqlite:///{(folder / OWN_STUDY).absolute()}"
    url = study or own
    elsewhere = None if url == own else hide_password(url)
    require_same_study(folder, elsewhere)
    about = {
        "data": compute_data_digest(work.dataset),
        "recipe": recipe.to_toml(),
        "search space": repr({key: space[key].model_dump() for key in sorted(space)}),
    }
    progress.start("search", total=trials)
    with open_study(
        url, folder.name, space=space, start=_select_recipe_values(recipe, space), about=about, folder=folder,
        seed=seed, pruner=pruner,
    ) as opened:  # fmt: skip
        record_study(folder, elsewhere)
        for record in opened.list_records():
            work.count(record)
        opened.run(work.attempt, trials=trials, seconds=seconds, on_trial=work.announce)
        progress.finish()
        records, importance = opened.list_records(), opened.compute_importance(seed)
        opened.clear()
    best = _find_best(records)
    found = _build_best_recipe(
        load_recipe(recipe, {**kept, **best.values}).with_absolute_paths(), best, work.metric, folder.name
    )
    rows = {name: len(rows) for name, rows in work.dataset.splits.items()}
    document = SearchDocument(
        format_version=SEARCH_VERSION,
        insula_version=__version__,
        name=folder.name,
        command=command.replace(url, hide_password(url)),
        study=hide_password(url),
        source=list(source),
        data=SearchedRows(name=dataset.name, rows=rows),
        model=recipe.model.name,
        metric=work.metric,
        seed=seed,
        pruner=pruner,
        space={
            key: SearchedOption.model_validate(entry.model_dump(mode="json", exclude_defaults=True))
            for key, entry in space.items()
        },
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        trials=[SearchTrial.model_validate(record.to_dict()) for record in records],
        best=best.number,
        importance=importance,
    )
    write_text(folder / "recipe.toml", found.to_toml())
    document.write(folder / "search.json")
    write_search_report(folder / "report.html", document, found.model_dump(mode="json", exclude_none=True))
    return SearchResult(folder, found, best, work.metric, records, importance)


def _check_unseen(dataset: Dataset, recipe: Recipe, space: Space) -> None:
    """Check every possible base and teacher of a trial as `train` would, while the test rows are still there."""
    check_base(find_trained_base(recipe.model), dataset)
    for key in ("model.base", "distil.teachers"):
        for value in space[key].bounds() if key in space else ():
            tried = load_recipe(recipe, {key: value})
            check_base(find_trained_base(tried.model), dataset)
            check_teachers(tried.distil.teachers, dataset)


class _Trial:
    """Trains with the values of a trial, and reports its progress."""

    def __init__(
        self, dataset: Dataset, recipe: Recipe, fixed: Mapping[str, Any], folder: Path, progress: Progress
    ) -> None:
        if not dataset.splits.get("validation"):
            raise DataError(
                f"A search needs validation rows, and the data {dataset.name!r} have none. Add a validation file, or "
                "more rows."
            )
        dataset = add_auxiliary_sets(add_unlabelled_split(dataset, recipe, progress), recipe, progress)
        splits = {name: rows for name, rows in dataset.splits.items() if name != "test"}
        self.dataset = dataclasses.replace(dataset, splits=splits)
        if not dataset.keeps_leaks:
            require_no_leak(Fingerprint.of(splits["train"]), splits["validation"], name="validation")
        self.recipe = recipe
        self.fixed = fixed
        self.folder = folder
        self.progress = progress
        self.metric = get_headline_metric(dataset.scheme.kind)
        self.language = find_dominant_language([example.text for example in splits["train"]])
        self.best: TrialRecord | None = None

    def attempt(self, trial: RunningTrial) -> float:
        """Train, choose the decision rule, and return the headline metric on validation rows."""
        recipe = load_recipe(self.recipe, {**self.fixed, **trial.values})
        folder = get_trial_folder(self.folder, trial.number)
        stage = folder / "model"
        stage.mkdir(parents=True, exist_ok=True)

        def report(step: int, score: float) -> None:
            self.progress.advance(0, **self._compute_figures(), **{"this trial": score})
            trial.report(score)

        try:
            dataset = add_augmented_rows(self.dataset, recipe, Silent())
            plan = plan_training(dataset, recipe, self.language)
            trained = fit_model(dataset, plan, RunContext(folder, recipe.seed, report=report), stage)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if trained.validation is None:
            raise DataError("A search needs validation rows. Add a validation file, or more rows.")
        gold = build_gold_matrix(self.dataset.scheme, self.dataset.split("validation"))
        found = compute_decided_score(
            self.dataset.scheme, trained.predictor.decision, trained.validation, gold,
            resamples=recipe.evaluation.resamples, seed=recipe.seed,
        )  # fmt: skip
        if found.value is None or not math.isfinite(found.value):
            raise RecipeError(
                "The score of this trial is undefined: its predictions or the gold values are constant. Use more "
                "varied validation rows."
            )
        trial.note("low", found.low)
        trial.note("high", found.high)
        return found.value

    def count(self, record: TrialRecord) -> None:
        """Update the best trial, and advance the progress unless the trial was lost."""
        if record.value is not None and (self.best is None or record.value > (self.best.value or 0.0)):
            self.best = record
        if record.state != "lost":
            self.progress.advance(1, **self._compute_figures())

    def announce(self, record: TrialRecord) -> None:
        """Report the outcome of a trial."""
        self.count(record)
        outcome = {
            "complete": f"{get_metric_title(self.metric)} {record.value or 0.0:.4f}",
            "pruned": f"ended early after {len(record.scores)} evaluations",
            "failed": f"failed: {record.error}",
            "lost": "lost",
        }[record.state]
        tried = ", ".join(f"{key.split('.')[-1]} {_format_value(value)}" for key, value in record.values.items())
        mark = ", the best so far" if record is self.best else ""
        self.progress.say(f"Trial {record.number}: {outcome}{mark} ({record.seconds:.0f} s). {tried}")

    def _compute_figures(self) -> dict[str, float]:
        return {} if self.best is None or self.best.value is None else {"best": self.best.value}


def _select_recipe_values(recipe: Recipe, space: Space) -> dict[str, Any]:
    """Return the recipe's values for the keys of the space; a list of one value as the value if that is a choice."""
    values = read_values(recipe, space)
    for key, entry in space.items():
        value = values[key]
        if isinstance(value, list) and len(value) == 1 and not entry.contains(value):
            values[key] = value[0]
    return values


def _find_best(records: Sequence[TrialRecord]) -> TrialRecord:
    complete = [record for record in records if record.value is not None]
    if not complete:
        failed = next((record.error for record in reversed(records) if record.error), None)
        raise RecipeError(f"No trial was completed. {failed or ''} Correct the recipe, or allow more trials.")
    return max(complete, key=lambda record: record.value or 0.0)


def _build_best_recipe(recipe: Recipe, best: TrialRecord, metric: str, name: str) -> Recipe:
    value = f"{get_metric_title(metric)} {best.value:.4f}" if best.value is not None else ""
    return recipe.model_copy(
        update={"name": None, "description": f"Found by the search {name!r}, trial {best.number}: validation {value}."}
    )


def _format_value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_format_value, value))}]"  # as in a recipe
    return f"{value:.3g}" if isinstance(value, float) else str(value)
