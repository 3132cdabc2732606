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
from insula.evaluation.reports.headline import build_headline
from insula.evaluation.reports.sanitize import sanitize_document
from insula.inference.engine import EngineSettings
from insula.inference.predictor import Predictor
from insula.models.folder import MANIFEST, ModelFolder, open_folder
from insula.models.locate import locate_model
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.batcher import Batcher, BatchObserver
from insula.serving.settings.settings import Settings

CARD = "model_card.md"
MAX_CARD = 100_000  # characters; longer ones are cut


@dataclasses.dataclass(frozen=True)
class ServedModel:
    """A model that the service serves.

    name       its name in requests
    predictor  the model
    batcher    its queue
    """

    name: str
    predictor: Predictor
    batcher: Batcher

    @cached_property
    def version(self) -> str:
        """A short digest of the model's files; it changes when any of them does."""
        return hashlib.sha256((self.predictor.fingerprint or "").encode()).hexdigest()[:12]

    @cached_property
    def folder(self) -> ModelFolder:
        """The folder of the model, without the weights."""
        if self.predictor.folder is None:
            raise ValueError(f"The model {self.name!r} must come from a folder. Load it with Predictor.load.")
        return open_folder(self.predictor.folder)

    @cached_property
    def document(self) -> MetricsDocument:
        """The metrics document of the model, with texts that are safe to show on a page."""
        return sanitize_document(MetricsDocument.from_dict(self.folder.metrics))

    @cached_property
    def measured(self) -> str | None:
        """One sentence with its main metric, None without metrics."""
        found = build_headline(self.document)
        return found.sentence if found else None

    @cached_property
    def card(self) -> str | None:
        """The first `MAX_CARD` characters of its model card in Markdown, None without one."""
        file = self.folder.path / CARD
        if not file.exists():
            return None
        with file.open(encoding="utf-8", errors="replace") as card:
            return card.read(MAX_CARD)


class ServedModels:
    """Models by name; the first one answers requests that name none."""

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self._models = {model.name: model for model in models}
        self.default = next(iter(self._models.values()))

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str | None) -> ServedModel:
        """Return the model with this name, the first one for None; raise `ProblemError` for an unknown name."""
        if name is None:
            return self.default
        if name not in self._models:
            raise ProblemError(
                "not_found", f"The service has no model with this name. Choose one of: {', '.join(self._models)}."
            )
        return self._models[name]


def open_models(settings: Settings, observer: BatchObserver) -> ServedModels:
    """Open the models of the settings; without any, the starter model.

    A model has the name of its run, or of its folder. Raises `SettingsError` if two models have the same name, or if
    there is no starter model, and what opening a folder raises.
    """
    opened: dict[str, ServedModel] = {}
    for given in settings.models or (STARTER,):
        folder = _locate(given)
        name = _name_model(folder)
        if name in opened:
            raise SettingsError(
                f"The models must have different names. Got two called {name!r}. Rename the folder of one of them."
            )
        predictor = Predictor.load(folder, engine=EngineSettings(threads=settings.threads))
        opened[name] = ServedModel(name, predictor, Batcher(name, predictor, settings.queue, observer))
    return ServedModels(opened.values())


def _locate(given: str) -> Path:
    folder = locate_model(given)
    if given == STARTER and not (folder / MANIFEST).exists():
        raise SettingsError("The starter model is not installed. Choose a model: insula serve -m runs/NAME")
    return folder


def _name_model(folder: Path) -> str:
    whole = folder.resolve()
    return whole.parent.name if whole.name == "model" else whole.name


def describe_model(model: ServedModel) -> dict[str, Any]:
    """Return the entry of a model in the list of models."""
    scheme = model.predictor.scheme
    return {
        "name": model.name,
        "version": model.version,
        "family": model.folder.family,
        "kind": scheme.kind,
        "labels": list(scheme.names),
        "measured": model.measured,
        **describe_context(model),
    }


def describe_context(model: ServedModel) -> dict[str, Any]:
    """Return the fields that say which context a model reads."""
    context = model.predictor.context
    return {"context_turns": context.turns, "reads_target": context.target}
