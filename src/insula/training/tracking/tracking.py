"""Logs a run to experiment trackers during and after training; TensorBoard logs are always written."""

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
EXTRAS = ("wandb", "mlflow")  # trackers whose package and extra have the same name


class Tracker(Protocol):
    """Logs one run to one experiment tracker."""

    def start(self, name: str, recipe: Mapping[str, Any], logs: Path, known: str | None) -> str:
        """Start a run, or continue the run with the id `known`; return its id.

        `recipe` maps dotted names of options to values; `logs` is a folder for local files.
        """

    def callback(self) -> Any:
        """Return the callback for the trainer: the integration of transformers."""

    def finish(self, figures: Mapping[str, float], report: Path) -> None:
        """Log the final figures and the path of the report, and end the run."""

    def fail(self) -> None:
        """End the run of a training that failed."""


trackers: Registry[type[Tracker]] = Registry("trackers")
trackers.register("wandb", "insula.training.tracking.wandb:WandbTracker")
trackers.register("mlflow", "insula.training.tracking.mlflow:MlflowTracker")


class Tracking:
    """The trackers of a run, as a context that ends them in any case.

    With `resume`, the tracked runs recorded in `folder` are continued. Raises `MissingExtraError` if a package is not
    installed, `UnknownNameError` for an unknown tracker.
    """

    def __init__(self, names: Sequence[str], folder: Path, recipe: Mapping[str, Any], *, resume: bool) -> None:
        self._folder, self._recipe, self._resume = folder, dict(_flatten(recipe)), resume
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

    def create_callbacks(self) -> list[Any]:
        """Return the callbacks for the trainer."""
        return [tracker.callback() for tracker in self._trackers.values()]

    def finish(self, document: MetricsDocument, report: Path) -> None:
        """Log the metrics of a finished run."""
        for tracker in self._trackers.values():
            tracker.finish(collect_final_figures(document), report.absolute())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for tracker in self._trackers.values():
                tracker.fail()


def collect_final_figures(document: MetricsDocument) -> dict[str, float]:
    """Return the figures of a run by names such as `test/macro_f1`, `model/parameters`, `time/train_seconds`."""
    figures: dict[str, Any] = {}
    for split, evaluation in (("validation", document.validation), ("test", document.test)):
        for name, interval in (evaluation.metrics if evaluation else {}).items():
            figures[f"{split}/{name}"] = interval.value
    for section, record in (("model", document.model), ("time", document.time)):
        figures |= {f"{section}/{name}": value for name, value in record.to_dict().items()}
    return {name: float(value) for name, value in figures.items() if isinstance(value, int | float)}


def _flatten(section: Mapping[str, Any], prefix: str = "recipe.") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
