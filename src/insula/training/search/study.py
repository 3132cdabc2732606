"""The study of a search: Optuna's trials in a database that several processes and machines can share."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from insula.core.errors import OutputError, RecipeError
from insula.core.locks import try_lock
from insula.training.search.folder import TRIALS, get_trial_folder, hold_worker_lock, lock_file
from insula.training.search.result import TrialRecord
from insula.training.search.space import Choice, Space, to_storable

Pruner = Literal["median", "hyperband", "none"]
HEARTBEAT = 10  # seconds; a process without a heartbeat for six of them counts as dead
MAX_TRIES = 3  # of a trial whose process dies each time
STARTUP_TRIALS = 4  # that run in full before any is compared with the median
FIRST_PRUNING = 2  # evaluation from which a trial may be pruned; before it, most are still warming up
MIN_TRIALS_FOR_IMPORTANCE = 4
PAUSE = 1.0
MAX_CONNECTION_ATTEMPTS = 4
ABOUT = "about"


@dataclass(frozen=True)
class RunningTrial:
    """A running trial.

    values   the values to try, by dotted key
    report   to be called with the validation score at each evaluation; raises an exception if the trial is pruned
    note     stores a named figure with the trial
    """

    number: int
    values: Mapping[str, Any]
    report: Callable[[float], None]
    note: Callable[[str, Any], None]


class Study:
    """Trials in a database; made by `open_study`."""

    def __init__(self, study: optuna.Study, space: Space, folder: Path, worker: str) -> None:
        self._study = study
        self._space = space
        self._folder = folder
        self._worker = worker

    def run(
        self,
        objective: Callable[[RunningTrial], float],
        *,
        trials: int,
        seconds: float | None,
        on_trial: Callable[[TrialRecord], None],
    ) -> None:
        """Run trials until `trials` are done by this process and others; no trial starts after `seconds`.

        `objective` returns the value of an attempt; its `RecipeError` counts as a failed trial. `on_trial` is called
        with each finished trial of this process. Raises `RecipeError` if the first three trials all fail.
        """
        ends = None if seconds is None else time.monotonic() + seconds
        while ends is None or time.monotonic() < ends:
            self._recover()
            done, running = self._summarise_trials()
            if len(done) >= trials:
                return
            if len(done) + running >= trials:
                time.sleep(PAUSE)  # other processes run the last trials, and may still die
                continue
            self._study.optimize(
                lambda trial: self._run_trial(trial, objective, trials),
                n_trials=1,
                catch=RecipeError,
                callbacks=[lambda _, trial: None if _is_superfluous(trial) else on_trial(self._record(trial))],
            )
            self._stop_if_all_failed()

    def list_records(self) -> list[TrialRecord]:
        """Return the finished trials, in order."""
        ended = self._list_trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return [self._record(trial) for trial in ended if not _is_superfluous(trial)]

    def compute_importance(self, seed: int) -> dict[str, float]:
        """Return the share of each key in the variance of the trials' scores, largest first (fANOVA).

        Hutter, Hoos and Leyton-Brown 2014, An efficient approach for assessing hyperparameter importance. Empty if
        fewer than four trials are complete or all have the same score.
        """
        complete = self._list_trials(TrialState.COMPLETE)
        if len(complete) < MIN_TRIALS_FOR_IMPORTANCE or len({trial.value for trial in complete}) == 1:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        try:
            found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        except (RuntimeError, ValueError):  # no variance that any key explains
            return {}
        return {key: float(share) for key, share in found.items()}

    def clear(self) -> None:
        """Remove the files of trials, except those that other processes are running."""
        folders = list((self._folder / TRIALS).glob("*"))  # before the query: a trial that starts now is not included
        running = {get_trial_folder(self._folder, trial.number) for trial in self._list_trials(TrialState.RUNNING)}
        for one in folders:
            if one not in running:
                shutil.rmtree(one, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self._folder / TRIALS).rmdir()

    def _run_trial(self, trial: optuna.Trial, objective: Callable[[RunningTrial], float], trials: int) -> float:
        trial.set_user_attr("worker", self._worker)
        done, _ = self._summarise_trials()
        earlier = sum(other.number < trial.number for other in (*done, *self._list_trials(TrialState.RUNNING)))
        if earlier >= trials:  # other processes started theirs at the same time
            trial.set_user_attr("superfluous", True)
            raise RecipeError("The search has enough trials. This one is not needed.")
        scores: list[float] = []

        def report(score: float) -> None:
            # Evaluations are counted, not steps, since steps differ between batch sizes.
            scores.append(score)
            trial.report(score, len(scores))
            if trial.should_prune():
                raise optuna.TrialPruned

        attempt = RunningTrial(trial.number, self._suggest_values(trial), report, trial.set_user_attr)
        try:
            return objective(attempt)
        except optuna.TrialPruned:
            raise
        except RecipeError as error:
            trial.set_user_attr("error", str(error))
            raise
        except BaseException:
            self._enqueue_again(trial.params, trial.user_attrs)
            raise

    def _suggest_values(self, trial: optuna.Trial) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, entry in self._space.items():
            if isinstance(entry, Choice):
                shown = {to_storable(choice): choice for choice in entry.choices}
                values[key] = shown[trial.suggest_categorical(key, list(shown))]
            elif entry.is_integer:
                values[key] = trial.suggest_int(
                    key, int(entry.low), int(entry.last), step=int(entry.step or 1), log=entry.log
                )
            else:
                values[key] = trial.suggest_float(key, entry.low, entry.last, step=entry.step, log=entry.log)
        return values

    def _list_trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states)

    def _summarise_trials(self) -> tuple[list[FrozenTrial], int]:
        """Return the finished trials, including those that failed with an error, and the number of running trials."""
        ended = self._list_trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        done = [trial for trial in ended if trial.state != TrialState.FAIL or "error" in trial.user_attrs]
        return done, len(self._list_trials(TrialState.RUNNING))

    def _recover(self) -> None:
        """Mark trials of dead processes as failed and enqueue them again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(self._study)
        # Dead processes of this folder are detected at once, since the system has released their locks.
        for trial in self._list_trials(TrialState.RUNNING):
            file = lock_file(self._folder, str(trial.user_attrs.get("worker")))
            if trial.user_attrs.get("worker") == self._worker or not file.exists():
                continue
            with try_lock(file) as dead:
                if dead:
                    with contextlib.suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):
                        self._study.tell(trial.number, state=TrialState.FAIL)
                        self.retry(self._study, trial)

    def retry(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Enqueue the trial of a dead process again, and remove its files."""
        shutil.rmtree(get_trial_folder(self._folder, trial.number), ignore_errors=True)
        self._enqueue_again(trial.params, trial.user_attrs)

    def _enqueue_again(self, values: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        tries = int(attributes.get("tries", 1))
        if values and tries < MAX_TRIES:
            self._study.enqueue_trial(dict(values), user_attrs={"tries": tries + 1})

    def _stop_if_all_failed(self) -> None:
        done, _ = self._summarise_trials()
        if len(done) >= 3 and all(trial.state == TrialState.FAIL for trial in done):
            raise RecipeError(
                f"The search stops: all of its first {len(done)} trials failed. "
                f"{done[-1].user_attrs['error']} Correct the recipe or the search space."
            )

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        states: dict[TrialState, Literal["complete", "pruned"]] = {
            TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned",
        }  # fmt: skip
        notes = trial.user_attrs
        chosen = {
            key: entry.from_stored(trial.params[key]) for key, entry in self._space.items() if key in trial.params
        }
        return TrialRecord(
            number=trial.number,
            state=states.get(trial.state, "failed" if "error" in notes else "lost"),
            values=chosen,
            value=trial.value if trial.state == TrialState.COMPLETE else None,
            low=notes.get("low"),
            high=notes.get("high"),
            scores=[score for _, score in sorted(trial.intermediate_values.items())],
            seconds=round(trial.duration.total_seconds(), 1) if trial.duration is not None else 0.0,
            error=notes.get("error"),
        )


class SamplerByNumber(optuna.samplers.BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011), drawn from the seed and the trial's number.

    With one generator for all trials, a resumed search would repeat its first values, and processes that share a study
    would all draw the same values.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tpe = optuna.samplers.TPESampler(seed=seed)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Seed the sampler for this trial."""
        seed = int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0])
        self._tpe = optuna.samplers.TPESampler(seed=seed)
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        """Return the keys that are sampled jointly."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        """Sample the keys jointly."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """Sample one key independently."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


@contextlib.contextmanager
def open_study(
    url: str,
    name: str,
    *,
    space: Space,
    start: Mapping[str, Any],
    about: Mapping[str, str],
    folder: Path,
    seed: int,
    pruner: Pruner,
) -> Iterator[Study]:
    """Yield the study `name` of a database; it is created if there is none.

    start    the recipe's own values, tried first if they are in the space
    about    properties that must be the same when the search is continued, such as a checksum of the data
    folder   of the search; processes that share it detect each other's death at once

    Raises `OutputError` if the database cannot be used, `RecipeError` if the properties of the study differ.
    """
    worker = uuid.uuid4().hex
    with (
        _silence_optuna(),
        _convert_storage_errors(url),
        hold_worker_lock(lock_file(folder, worker)),
        _open_storage(url) as storage,
    ):
        arguments: dict[str, Any] = {
            "study_name": name, "storage": storage, "sampler": SamplerByNumber(seed), "pruner": _build_pruner(pruner),
        }  # fmt: skip
        try:
            study = optuna.create_study(**arguments, direction="maximize")
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(**arguments)
            _require_same_properties(study, about, folder)
        else:
            study.set_user_attr(ABOUT, dict(about))
            values = {
                key: entry.to_storable(start[key])
                for key, entry in space.items()
                if key in start and entry.contains(start[key])
            }
            study.enqueue_trial(values)
        opened = Study(study, space, folder, worker)
        storage.heartbeat_stale_trial_callback = opened.retry
        yield opened


def hide_password(url: str) -> str:
    """Return the address of a database without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError as error:
        raise OutputError(
            f"The study must be the address of a database, such as sqlite:///study.db or postgresql://host/name. "
            f"Got {url!r}. Correct the address."
        ) from error


@contextlib.contextmanager
def _open_storage(url: str) -> Iterator[Any]:
    options = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats
        storage = _connect(url, options)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _connect(url: str, options: dict[str, Any]) -> Any:
    attempt = 0
    while True:
        attempt += 1
        try:
            return optuna.storages.RDBStorage(
                url, engine_kwargs=options, heartbeat_interval=HEARTBEAT, grace_period=6 * HEARTBEAT
            )
        except ImportError as error:  # the database's driver
            raise _build_storage_error(url, error) from error
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            # If two processes create the tables of a new database at the same time, one of them fails.
            if attempt == MAX_CONNECTION_ATTEMPTS:
                raise
            time.sleep(PAUSE)


@contextlib.contextmanager
def _convert_storage_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise _build_storage_error(url, error.__cause__ or error) from error


def _build_storage_error(url: str, error: BaseException) -> OutputError:
    reason = str(error).strip().split("\n")[0].rstrip(".")
    return OutputError(f"The study {hide_password(url)!r} cannot be used: {reason}. Check its address.")


@contextlib.contextmanager
def _silence_optuna() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _build_pruner(name: Pruner) -> optuna.pruners.BasePruner:
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=FIRST_PRUNING)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=FIRST_PRUNING)
    return optuna.pruners.NopPruner()


def _require_same_properties(study: optuna.Study, about: Mapping[str, str], folder: Path) -> None:
    if ABOUT not in study.user_attrs:
        time.sleep(3 * PAUSE)  # another process may be creating it
    if ABOUT not in study.user_attrs:
        study.set_user_attr(ABOUT, dict(about))  # or has died while creating it
    known = study.user_attrs[ABOUT]
    for key, value in about.items():
        if known.get(key) != value:
            raise RecipeError(
                f"The {key} of this search must be the same as when it started in {str(folder)!r}; otherwise trials "
                "could not be compared. Restore it, or search with another --output."
            )


def _is_superfluous(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get("superfluous"))
