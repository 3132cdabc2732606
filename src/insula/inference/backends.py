"""What computes logits at prediction: one registry, opened by the name that the model folder states."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.extras import require
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.registry import Registry
from insula.inference.engine import Engine
from insula.models.folder import ModelFolder
from insula.text.context import Context, Segments


class Backend(Protocol):
    """Prepared texts in, logits out. Pairs of text and context come only to backends of families that read pairs."""

    def logits(self, texts: Sequence[Any]) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits in the order of `texts`, the same for a text in whatever company."""


@runtime_checkable
class StagedBackend(Backend, Protocol):
    """A backend that can do part of its work ahead of time, beside its computing of other texts."""

    def begin(self, texts: Sequence[Any]) -> Callable[[], NDArray[np.floating[Any]]]:
        """Do what does not need the model (tokens), and return what computes the logits."""


@runtime_checkable
class PreparingBackend(Backend, Protocol):
    """A backend of several models, which prepares the inputs for each by itself and is given them as they are."""

    @property
    def context(self) -> Context:
        """What its models read besides the text."""

    def unread(self, inputs: Sequence[TextOrInput]) -> int:
        """Return how many inputs have earlier turns or a target that none of its models reads."""


def prepares(backend: Backend) -> TypeGuard[PreparingBackend]:
    """Return whether a backend is given inputs as they are."""
    return isinstance(backend, PreparingBackend)


def begin(backend: Backend, texts: Sequence[Segments | ModelInput]) -> Callable[[], NDArray[np.floating[Any]]]:
    """Return what computes the logits of prepared texts, with all done that the backend can do ahead."""
    return backend.begin(texts) if isinstance(backend, StagedBackend) else lambda: backend.logits(texts)


def computes_long(backend: Backend) -> bool:
    """Return whether the next texts are worth preparing in a thread beside its computing.

    Not where it takes no longer than they do: both hold the interpreter, and would only take turns.
    """
    return not getattr(backend, "quick", False)


class Opener(Protocol):
    """Opens a model folder; the engine says with how many threads and how large batches."""

    def __call__(self, folder: Path, engine: Engine = ..., /) -> Backend:
        """Return the backend; `ModelFolderError` where the folder lacks what it needs."""


backends: Registry[Opener] = Registry("backends")
backends.register("cascade", "insula.inference.cascade_backend:CascadeBackend")
backends.register("linear", "insula.inference.linear_backend:open_linear")
backends.register("onnx", "insula.inference.onnx_backend:OnnxBackend")
backends.register("static", "insula.inference.static_backend:StaticBackend")
backends.register("torch", "insula.inference.torch_backend:TorchBackend")


def open_backend(name: str, folder: Path, engine: Engine | None = None) -> Backend:
    """Open a model folder by the backend of that name; `MissingExtraError` where it needs torch and there is none."""
    if name == "torch":
        for package in ("torch", "transformers"):
            require(package, extra="train", purpose=f"predict with {str(folder)!r} in torch")
    return backends[name](folder) if engine is None else backends[name](folder, engine)


def backends_for(folder: ModelFolder) -> list[str]:
    """Return the folder's own backend, and torch where the trained weights are there and it is installed."""
    names = [folder.backend]
    whole = all((folder.path / name).exists() for name in ("model.safetensors", "config.json", "model.onnx"))
    if folder.backend == "onnx" and whole and importlib.util.find_spec("torch"):
        names.append("torch")
    return names


def check_measured(engine: Engine, folder: ModelFolder) -> None:
    """Raise `DataError` where an engine was measured for a model of another kind than the one in the folder."""
    if engine.family is None:
        return
    names = backends_for(folder)
    if engine.family != folder.family or engine.backend not in names:
        place = str(folder.path)
        raise DataError(
            f"The engine must be one that was measured for this model. Got one for a model of family "
            f"{engine.family!r} run by {engine.backend!r}; {place!r} is of family {folder.family!r}, run by "
            f"{' or '.join(names)}. Measure it with: insula model bench -m {shlex.quote(place)} -o FILE"
        )
