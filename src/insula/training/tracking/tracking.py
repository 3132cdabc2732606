"""Telling other programs about a run, as it is trained and when it is done; TensorBoard's files are always written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from insula.core.environment import require
from insula.core.files import write_json
from insula.core.registry import Registry
from insula.evaluation.document import MetricsDocument

IDENTITIES = "tracking.json"
EXTRAS = ("wandb", "mlflow")  # packages and extras of the same name


class Tracker(Protocol):
    """One run, told to one program."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Begin a run, or go on with the one that is `known`; return by what it is known there.

        `recipe` maps dotted names of options to values; `logs` is a folder for what is kept locally.
        """

    def callback(self) -> Any:
        """Return what the trainer calls: transformers' own integration."""

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Tell the final figures and where the report is, and end the run."""

    def fail(self) -> None:
        """End the run of a training that did not end well."""


trackers: Registry[type[Tracker]] = Registry("trackers")
trackers.register("wandb", "insula.training.tracking.wandb:WandbTracker")
trackers.register("mlflow", "insula.training.tracking.mlflow:MlflowTracker")


class Tracking:
    """The trackers of a run, from its first step to its metrics: a context, so that each is ended whatever happens.

    With `resume`, the runs that `folder` speaks of go on. `MissingExtraError` where a package is not installed,
    `UnknownNameError` for a tracker that nobody knows.
    """

    def __init__(self, names: Sequence[str], folder: Path, recipe: Mapping[str, Any], *, resume: bool) -> None:
        self._folder, self._recipe, self._resume = folder, dict(_flat(recipe)), resume
        for name in names:
            if name in EXTRAS:
                require(name, extra=name, purpose=f"track a run with {name}")
        self._trackers = {name: trackers[name]() for name in names}

    def __enter__(self) -> Self:
        file = self._folder / IDENTITIES
        known = json.loads(file.read_text(encoding="utf-8")) if self._resume and file.exists() else {}
        for name, tracker in self._trackers.items():
            logs = self._folder / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            known[name] = tracker.start(self._folder.name, self._recipe, logs, known.get(name))
        if self._trackers:
            write_json(file, known)
        return self

    def callbacks(self) -> list[Any]:
        """Return what the trainer calls."""
        return [tracker.callback() for tracker in self._trackers.values()]

    def finish(self, document: MetricsDocument, report: Path) -> None:
        """Tell a finished run's metrics."""
        for tracker in self._trackers.values():
            tracker.finish(final_figures(document), report.absolute())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for tracker in self._trackers.values():
                tracker.fail()


def final_figures(document: MetricsDocument) -> dict[str, float]:
    """Return a run's numbers by names such as `test/macro_f1`, `model/parameters`, `time/train_seconds`."""
    figures: dict[str, Any] = {}
    for split, evaluation in (("validation", document.validation), ("test", document.test)):
        for name, interval in (evaluation.metrics if evaluation else {}).items():
            figures[f"{split}/{name}"] = interval.value
    for section, record in (("model", document.model), ("time", document.time)):
        figures |= {f"{section}/{name}": value for name, value in record.to_dict().items()}
    return {name: float(value) for name, value in figures.items() if isinstance(value, int | float)}


def _flat(section: Mapping[str, Any], prefix: str = "recipe.") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
