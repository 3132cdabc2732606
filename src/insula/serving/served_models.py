"""The models of a service, by name."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from insula.core.errors import SettingsError
from insula.core.starter import STARTER
from insula.evaluation.document import MetricsDocument
from insula.evaluation.reports.headline import headline
from insula.evaluation.reports.sanitize import sanitized
from insula.inference.engine import Engine
from insula.inference.predictor import Predictor
from insula.models.folder import MANIFEST, ModelFolder, open_folder
from insula.models.locate import locate_model
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.batcher import Batcher, Watcher
from insula.serving.settings.settings import Settings

CARD = "model_card.md"


@dataclasses.dataclass(frozen=True)
class ServedModel:
    """A model that answers.

    name         what requests call it
    predictor    the model
    batcher      its queue
    """

    name: str
    predictor: Predictor
    batcher: Batcher

    @cached_property
    def version(self) -> str:
        """A short name that changes with any file of the model."""
        return hashlib.sha256((self.predictor.fingerprint or "").encode()).hexdigest()[:12]

    @cached_property
    def folder(self) -> ModelFolder:
        """The small parts of its folder."""
        if self.predictor.folder is None:
            raise ValueError(f"The model {self.name!r} came from no folder.")
        return open_folder(self.predictor.folder)

    @cached_property
    def document(self) -> MetricsDocument:
        """What was measured of it, with texts that are fit for a page."""
        return sanitized(MetricsDocument.from_dict(self.folder.metrics))

    @cached_property
    def measured(self) -> str | None:
        """One sentence on how good it is, None where nothing was measured."""
        found = headline(self.document)
        return found.sentence if found else None

    @cached_property
    def card(self) -> str | None:
        """Its model card in Markdown, None where it has none."""
        file = self.folder.path / CARD
        return file.read_text(encoding="utf-8") if file.exists() else None


class ServedModels:
    """Models by name; the first is asked where a request names none."""

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self._models = {model.name: model for model in models}
        self.default = next(iter(self._models.values()))

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str | None) -> ServedModel:
        """Return a model by name, the first for None; `ProblemError` where there is none."""
        if name is None:
            return self.default
        if name not in self._models:
            raise ProblemError("not_found", f"No model of that name is served; there are: {', '.join(self._models)}.")
        return self._models[name]


def open_models(settings: Settings, watcher: Watcher) -> ServedModels:
    """Open every model of the settings, the starter model where they name none.

    A model is called as its run, or its folder. Raises `SettingsError` where two have one name or there is none,
    and what opening a folder raises.
    """
    opened: dict[str, ServedModel] = {}
    for given in settings.models or (STARTER,):
        folder = _located(given)
        name = _name(folder)
        if name in opened:
            raise SettingsError(f"The models must have different names. Got two called {name!r}. Rename one's folder.")
        predictor = Predictor.load(folder, engine=Engine(threads=settings.threads))
        opened[name] = ServedModel(name, predictor, Batcher(name, predictor, settings.queue, watcher))
    return ServedModels(opened.values())


def _located(given: str) -> Path:
    folder = locate_model(given)
    if given == STARTER and not (folder / MANIFEST).exists():
        raise SettingsError("The starter model is not here. Name another one: insula serve -m runs/NAME")
    return folder


def _name(folder: Path) -> str:
    whole = folder.resolve()
    return whole.parent.name if whole.name == "model" else whole.name


def described(model: ServedModel) -> dict[str, Any]:
    """Return what a list of models says of one."""
    scheme = model.predictor.scheme
    return {
        "name": model.name,
        "version": model.version,
        "family": model.folder.family,
        "kind": scheme.kind,
        "labels": list(scheme.names),
        "measured": model.measured,
    }
