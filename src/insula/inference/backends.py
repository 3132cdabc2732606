"""What computes logits at prediction: one registry, opened by the name that the model folder states.

A backend says what it can; nothing asks for its name. What must be known before it is opened is in its `BackendEntry`,
what is known once it is open is in `Backend`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import operator
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeGuard, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from insula.core.environment import require
from insula.core.errors import DataError, ModelFolderError
from insula.core.model_input import TextOrInput
from insula.core.registry import Registry
from insula.inference.engine import Engine
from insula.models.folder import ModelFolder
from insula.text.context import Context


class Backend(Protocol):
    """Prepared texts in, logits out; `logits` is all that a backend must have.

    Pairs of text and context come only to backends of families that read pairs. A backend that has more than `logits`
    is one of these, too:

    StagedBackend      does part of its work ahead of time
    TokenStages        of a staged one: its stages are token numbers and a network
    PreparingBackend   prepares the inputs itself

    and it may say `prefetch = False` where its stages take no longer than the preparation of the next texts: a thread
    for that would only take turns with it.
    """

    def logits(self, texts: Sequence[Any], /) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits in the order of `texts`, the same for a text in whatever company."""


@runtime_checkable
class StagedBackend(Backend, Protocol):
    """A backend whose logits are `compute(encode(texts))`; texts may be encoded while it computes others."""

    def encode(self, texts: Sequence[Any], /) -> Any:
        """Do what does not need the model."""

    def compute(self, encoded: Any, /) -> NDArray[np.floating[Any]]:
        """Return the logits of what `encode` returned."""


@runtime_checkable
class TokenStages(StagedBackend, Protocol):
    """A backend that encodes each text by itself as token numbers, and computes any of them together, padded.

    outputs  how many numbers the network gives a text
    budget   how many tokens a batch has at most, padding included
    """

    outputs: int
    budget: int

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of one padded batch: (rows, tokens) token numbers and mask."""


@runtime_checkable
class PreparingBackend(Backend, Protocol):
    """A backend of several models, which prepares the inputs for each by itself and is given them as they are."""

    @property
    def context(self) -> Context:
        """What its models read besides the text."""

    def unread(self, inputs: Sequence[TextOrInput]) -> int:
        """Return how many inputs have earlier turns or a target that none of its models reads."""


def encode(backend: Backend, texts: Sequence[Any]) -> Any:
    """Do what a backend can do ahead of time; one without stages gets the texts as they are."""
    return backend.encode(texts) if isinstance(backend, StagedBackend) else texts


def compute(backend: Backend, encoded: Any) -> NDArray[np.floating[Any]]:
    """Return the logits of what `encode` returned."""
    return backend.compute(encoded) if isinstance(backend, StagedBackend) else backend.logits(encoded)


def has_token_stages(backend: Backend) -> TypeGuard[TokenStages]:
    """Return whether the stages of a backend are token numbers and a network."""
    return isinstance(backend, TokenStages)


def prepares_inputs(backend: Backend) -> TypeGuard[PreparingBackend]:
    """Return whether a backend is given inputs as they are."""
    return isinstance(backend, PreparingBackend)


def can_prefetch(backend: Backend) -> bool:
    """Return whether the next texts are worth encoding in a thread while it computes."""
    return bool(getattr(backend, "prefetch", True))


class Opener(Protocol):
    """Opens a model folder; the engine says with how many threads and how large batches."""

    def __call__(self, folder: Path, engine: Engine = ..., /) -> Backend:
        """Return the backend; `ModelFolderError` where the folder lacks what it needs."""


_CANNOT = {"export": "exported", "quantize": "made smaller", "cascade": "a stage of a cascade"}
AnyOpener = Opener | Callable[[Path], Backend]


@dataclass(frozen=True)
class BackendEntry:
    """What is known of a backend before it is opened. An opener that is registered by itself has all the defaults.

    opener        opens a model folder: `"module:attribute"`, imported when it is first asked, or the callable. It takes
                  the folder, and the `Engine` if it has a use for one
    packages      what it needs to be installed; the `extra` of insula that brings it, None for none
    exported      it computes an export of the weights in `model.safetensors`: training compares the two
    runs_graph    it computes `model.onnx`, so that a smaller graph may take the place of that file
    alternatives  other backends that compute the same folder, maybe faster, where it holds `whole` and their packages
                  are installed
    whole         the files that it needs as an alternative
    cannot        verbs (`export`, `quantize`, `cascade`) to the reason why they are not for its models and what to do
                  instead; `{folder}` in it is the model's
    """

    opener: str | AnyOpener
    packages: tuple[str, ...] = ()
    extra: str | None = None
    exported: bool = False
    runs_graph: bool = False
    alternatives: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, folder: Path, engine: Engine | None = None, /) -> Backend:
        """Open a model folder; `MissingExtraError` where a package is not installed, `ModelFolderError`."""
        for package in self.packages:
            require(package, extra=self.extra, purpose=f"predict with {str(folder)!r} in {package}")
        opener = self.opener
        if isinstance(opener, str):
            module, _, attribute = opener.partition(":")
            opener = cast(AnyOpener, operator.attrgetter(attribute)(importlib.import_module(module)))
        if engine is None or not _takes_engine(opener):
            return opener(folder)
        return cast(Opener, opener)(folder, engine)

    def can_open(self, folder: Path) -> bool:
        """Return whether it can compute a folder that another backend is stated for."""
        here = all(importlib.util.find_spec(package) for package in self.packages)
        return here and all((folder / name).exists() for name in self.whole)

    def require_can(self, verb: str, folder: ModelFolder) -> None:
        """Raise `ModelFolderError` where a verb is not for the models of this backend."""
        if verb in self.cannot:
            reason = self.cannot[verb].format(folder=folder.path)
            raise ModelFolderError(f"The model {str(folder.path)!r} cannot be {_CANNOT[verb]}: {reason}")


backends: Registry[BackendEntry | AnyOpener] = Registry("backends")
backends.register(
    "cascade",
    BackendEntry(
        "insula.inference.cascade_backend:CascadeBackend",
        cannot={
            "export": "a cascade holds two models. Export its stages: {folder}/first and {folder}/second.",
            "cascade": "it is a cascade itself. Name one of its stages: {folder}/first or {folder}/second.",
        },
    ),
)
backends.register(
    "linear",
    BackendEntry(
        "insula.inference.linear_backend:open_linear",
        cannot={
            "export": "a linear model has no graph, numpy and scipy compute it. Copy its folder, which needs no torch, "
            "or train a neural model."
        },
    ),
)
backends.register(
    "onnx",
    BackendEntry("insula.inference.onnx_backend:OnnxBackend", exported=True, runs_graph=True, alternatives=("torch",)),
)
backends.register(
    "static",
    BackendEntry(
        "insula.inference.static_backend:StaticBackend",
        exported=True,
        cannot={
            "quantize": "it is run by 'static', in numpy; with a smaller model.onnx it would lose that fast path. "
            "Train it with fewer bits in its table: --set model.table=int8"
        },
    ),
)
backends.register(
    "torch",
    BackendEntry(
        "insula.inference.torch_backend:TorchBackend",
        packages=("torch", "transformers"),
        extra="train",
        whole=("model.safetensors", "config.json", "model.onnx"),
    ),
)


def backend_entry(name: str) -> BackendEntry:
    """Return the entry of the backend of that name; `UnknownNameError` where there is none."""
    found = backends[name]
    return found if isinstance(found, BackendEntry) else BackendEntry(found)


def open_backend(name: str, folder: Path, engine: Engine | None = None) -> Backend:
    """Open a model folder by the backend of that name; raises what its entry raises."""
    return backend_entry(name)(folder, engine)


def backends_for(folder: ModelFolder) -> list[str]:
    """Return the folder's own backend, and those of its alternatives that can open it here."""
    others = backend_entry(folder.backend).alternatives
    return [folder.backend, *(name for name in others if backend_entry(name).can_open(folder.path))]


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


def _takes_engine(opener: AnyOpener) -> bool:
    """Return whether an opener takes an engine behind the folder: a backend without settings need not."""
    try:
        parameters = inspect.signature(opener).parameters.values()
    except ValueError:  # of a type without a readable signature
        return True
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) > 1 or any(one.kind == one.VAR_POSITIONAL for one in parameters)
