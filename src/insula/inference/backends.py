"""Backends compute logits at prediction. The model folder names its backend, and the registry opens it.

Callers check the capabilities of a backend, never its name. `BackendEntry` declares what must be known before a backend
is opened; the protocols below describe an open backend.
"""

from __future__ import annotations

import functools
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

from insula.core.arrays import BoolArray
from insula.core.environment import require
from insula.core.errors import DataError, ModelFolderError
from insula.core.model_input import TextOrInput
from insula.core.registry import Registry
from insula.inference.engine import EngineSettings
from insula.models.folder import ModelFolder, open_folder
from insula.models.networks.contributions import Contributions
from insula.models.risk.head import RiskHead
from insula.models.tokens.tokenization import TextTokenizer
from insula.models.tokens.windows import Windows
from insula.text.context import Context

ChooseRows = Callable[[NDArray[np.floating[Any]]], BoolArray]
"""Which rows need something more, by their (rows, outputs) logits."""


class Backend(Protocol):
    """Prepared texts to logits. Only `logits` is required.

    Backends of families that read pairs also get pairs of text and context. A backend may implement more:

    StagedBackend      encodes texts ahead of time
    TokenStages        a staged backend whose stages are token ids and a network
    FeatureBackend     gives the features of a text that its last layer reads
    AdditiveBackend    gives what each piece of a text adds to its logits
    GradientBackend    has a network that torch can differentiate
    PreparingBackend   prepares the inputs itself
    TruncatingBackend  reads only a part of long texts, and says of which
    WindowedBackend    may read long texts in windows
    RiskBackend        may score the risk of texts in the same run

    and may set `prefetch = False` if it computes as fast as it encodes, so that a prefetching thread would not help.
    `features.embedding.EmbeddingBackend` is another.
    """

    def logits(self, texts: Sequence[Any], /) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits in the order of `texts`. The logits of a text do not depend on the others."""


@runtime_checkable
class StagedBackend(Backend, Protocol):
    """A backend whose logits are `compute(encode(texts))`; the next texts may be encoded while it computes."""

    def encode(self, texts: Sequence[Any], /) -> Any:
        """Do the part of the work that does not need the model."""

    def compute(self, encoded: Any, /) -> NDArray[np.floating[Any]]:
        """Return the logits for a result of `encode`."""


@runtime_checkable
class TokenStages(StagedBackend, Protocol):
    """A backend that encodes each text separately as token ids, and computes any of them in one padded batch.

    outputs  the number of logits per text
    budget   the maximum number of tokens per batch, including padding
    """

    outputs: int
    budget: int

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64], /) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of one padded batch: (rows, tokens) token ids and mask."""


@runtime_checkable
class FeatureBackend(Backend, Protocol):
    """A backend that gives the pooled features of texts, from which its layers compute the logits."""

    def features(self, texts: Sequence[Any], /) -> Any:
        """Return (rows, features) of prepared texts, dense or sparse."""


@runtime_checkable
class AdditiveBackend(Backend, Protocol):
    """A backend whose logits are a sum over pieces of the text."""

    def contributions(self, text: str, /) -> Contributions | None:
        """Return the contribution of each piece of a prepared text; None if this model's logits are not such a sum."""


@runtime_checkable
class GradientBackend(Backend, Protocol):
    """A backend whose network can be differentiated in torch.

    tokenizer   its tokenizer
    network     the network: (rows, tokens) ids and mask to an output with `logits`
    embeddings  its layer of token vectors
    padding     the id of the padding token
    """

    tokenizer: TextTokenizer

    @property
    def network(self) -> Any:
        """The network."""

    @property
    def embeddings(self) -> Any:
        """The layer of token vectors."""

    @property
    def padding(self) -> int:
        """The id of the padding token."""


@runtime_checkable
class PreparingBackend(Backend, Protocol):
    """A backend of several models, which gets unprepared inputs and prepares them for each model."""

    @property
    def context(self) -> Context:
        """The context that its models read in addition to the text."""

    def count_unread(self, inputs: Sequence[TextOrInput]) -> int:
        """Return the number of inputs with turns or a target that no model reads."""


@runtime_checkable
class TruncatingBackend(StagedBackend, Protocol):
    """A backend that does not read the end of texts that are too long for it."""

    @property
    def reads(self) -> str:
        """The maximum length that it reads, in words for messages: `128 tokens`; empty if it reads whole texts."""

    def truncated(self, encoded: Any, /) -> NDArray[np.bool_]:
        """Return (rows,) whether the end of each text was not read, for a result of `encode`."""


@runtime_checkable
class WindowedBackend(StagedBackend, Protocol):
    """A backend that reads at most `max_tokens` tokens at once, and may read longer texts in windows."""

    @property
    def max_tokens(self) -> int:
        """The maximum number of tokens read at once."""

    windows: Windows


@runtime_checkable
class RiskBackend(TokenStages, Protocol):
    """A backend that may also score the risk of texts, at nearly no cost.

    risk_head  what scores it; None for a model without
    """

    risk_head: RiskHead | None

    def run_with_risk(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64], needed: ChooseRows, /
    ) -> NDArray[np.float32]:
        """Return the logits of `run` and a last column with risk logits for the rows that need them, else NaN."""

    def compute_with_risk(self, encoded: Any, needed: ChooseRows, /) -> NDArray[np.floating[Any]]:
        """Return the logits of `compute` and a last column with risk logits for the rows that need them, else NaN."""


def encode(backend: Backend, texts: Sequence[Any]) -> Any:
    """Run the encoding stage of a backend; without stages, return the texts unchanged."""
    return backend.encode(texts) if isinstance(backend, StagedBackend) else texts


def compute(backend: Backend, encoded: Any) -> NDArray[np.floating[Any]]:
    """Return the logits for a result of `encode`."""
    return backend.compute(encoded) if isinstance(backend, StagedBackend) else backend.logits(encoded)


def scores_risk(backend: Backend) -> TypeGuard[RiskBackend]:
    """Return whether a backend also scores the risk of texts."""
    return isinstance(backend, RiskBackend) and backend.risk_head is not None


def truncated(backend: Backend, encoded: Any, rows: int) -> NDArray[np.bool_]:
    """Return (rows,) whether the end of each text was not read; False for backends that do not say."""
    return backend.truncated(encoded) if isinstance(backend, TruncatingBackend) else np.zeros(rows, dtype=np.bool_)


def has_windows(backend: Backend) -> TypeGuard[WindowedBackend]:
    """Return whether a backend may read long texts in windows."""
    return isinstance(backend, WindowedBackend)


def has_token_stages(backend: Backend) -> TypeGuard[TokenStages]:
    """Return whether the stages of a backend are token ids and a network."""
    return isinstance(backend, TokenStages)


def prepares_inputs(backend: Backend) -> TypeGuard[PreparingBackend]:
    """Return whether a backend gets unprepared inputs."""
    return isinstance(backend, PreparingBackend)


def can_prefetch(backend: Backend) -> bool:
    """Return whether to encode the next texts in a thread while the backend computes."""
    return bool(getattr(backend, "prefetch", True))


class Opener(Protocol):
    """Opens a model folder. The engine sets threads and batch size."""

    def __call__(self, folder: Path, engine: EngineSettings = ..., /) -> Backend:
        """Return the backend. Raises `ModelFolderError` if the folder lacks a file that it needs."""


_CANNOT = {"export": "exported", "quantize": "quantised", "cascade": "a stage of a cascade"}
AnyOpener = Opener | Callable[[Path], Backend]


@dataclass(frozen=True)
class BackendEntry:
    """Declares a backend before it is opened. A bare opener in the registry gets all defaults.

    opener        opens a model folder: a callable, or `"module:attribute"`, imported on first use. It takes the folder
                  and, optionally, an `EngineSettings`
    packages      the packages that it needs
    extra         the extra of insula that installs them; None if no extra does
    exported      True if it computes an export of `model.safetensors`: training then compares the two
    runs_graph    True if it computes `model.onnx`, so that a quantised graph may replace that file
    alternatives  other backends for the same folder, possibly faster, if their packages are installed and the folder
                  has their files in `whole`
    whole         the files that it needs as an alternative
    gradients     True if it is a `GradientBackend`
    cannot        unsupported commands (`export`, `quantize`, `cascade`) to the reason and what to do instead;
                  `{folder}` in it is replaced by the model folder
    """

    opener: str | AnyOpener
    packages: tuple[str, ...] = ()
    extra: str | None = None
    exported: bool = False
    runs_graph: bool = False
    alternatives: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    gradients: bool = False
    cannot: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, folder: Path, engine: EngineSettings | None = None, /) -> Backend:
        """Open a model folder. Raises `MissingExtraError` if a package is not installed, and `ModelFolderError`."""
        for package in self.packages:
            require(package, extra=self.extra, purpose=f"predict with {str(folder)!r} in {package}")
        opener = self.opener
        if isinstance(opener, str):
            module, _, attribute = opener.partition(":")
            opener = cast(AnyOpener, operator.attrgetter(attribute)(importlib.import_module(module)))
        if engine is None or not _accepts_engine(opener):
            return opener(folder)
        return cast(Opener, opener)(folder, engine)

    def can_open(self, folder: Path) -> bool:
        """Return whether it can open a folder of another backend, as an alternative."""
        installed = all(importlib.util.find_spec(package) for package in self.packages)
        return installed and all((folder / name).exists() for name in self.whole)

    def require_can(self, verb: str, folder: ModelFolder) -> None:
        """Raise `ModelFolderError` if this backend does not support a command."""
        if verb in self.cannot:
            reason = self.cannot[verb].format(folder=folder.path)
            raise ModelFolderError(f"The model {str(folder.path)!r} cannot be {_CANNOT[verb]}: {reason}")


backends: Registry[BackendEntry | AnyOpener] = Registry("backends")
backends.register(
    "cascade",
    BackendEntry(
        "insula.inference.cascade_backend:CascadeBackend",
        cannot={
            "export": "a cascade consists of two models. Export its stages: {folder}/first and {folder}/second.",
            "cascade": "it is a cascade already. Choose one of its stages: {folder}/first or {folder}/second.",
        },
    ),
)
backends.register(
    "linear",
    BackendEntry(
        "insula.inference.linear_backend:open_linear",
        cannot={
            "export": "a linear model has no graph; numpy and scipy compute it. Copy its folder, which needs no torch, "
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
            "quantize": "the backend 'static' runs it in numpy and does not use model.onnx. "
            "Train it with a smaller table: --set model.table=int8"
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
        gradients=True,
    ),
)


def get_backend_entry(name: str) -> BackendEntry:
    """Return the entry of a backend. Raises `UnknownNameError` if the name is not registered."""
    found = backends[name]
    return found if isinstance(found, BackendEntry) else BackendEntry(found)


def open_backend(name: str, folder: Path, engine: EngineSettings | None = None) -> Backend:
    """Open a model folder with the named backend. Raises as `BackendEntry.__call__`."""
    return get_backend_entry(name)(folder, engine)


def list_backends(folder: ModelFolder) -> list[str]:
    """Return the backend of a folder, and its alternatives that can open the folder on this machine."""
    others = get_backend_entry(folder.backend).alternatives
    return [folder.backend, *(name for name in others if get_backend_entry(name).can_open(folder.path))]


def find_gradient_backend(backend: Backend, folder: Path | None) -> GradientBackend | None:
    """Return a backend if its network can be differentiated, else one that opens the same model folder and can.

    Returns None where no backend can. Raises `MissingExtraError` if one could with a package that is not installed.
    """
    if isinstance(backend, GradientBackend):
        return backend
    return None if folder is None else _open_gradient_backend(folder)


@functools.lru_cache(maxsize=2)
def _open_gradient_backend(path: Path) -> GradientBackend | None:
    folder = open_folder(path)
    for name in (folder.backend, *get_backend_entry(folder.backend).alternatives):
        entry = get_backend_entry(name)
        if entry.gradients and all((path / file).exists() for file in entry.whole):
            found = entry(path)
            return found if isinstance(found, GradientBackend) else None
    return None


def check_measured(engine: EngineSettings, folder: ModelFolder) -> None:
    """Raise `DataError` if an engine was measured for another kind of model than the one in the folder."""
    if engine.family is None:
        return
    names = list_backends(folder)
    if engine.family != folder.family or engine.backend not in names:
        place = str(folder.path)
        raise DataError(
            f"The engine must be measured for this kind of model. Got one for family {engine.family!r} with backend "
            f"{engine.backend!r}, but {place!r} has family {folder.family!r} with backend {' or '.join(names)}. "
            f"Measure this model with: insula model bench -m {shlex.quote(place)} -o FILE"
        )


def _accepts_engine(opener: AnyOpener) -> bool:
    """Return whether an opener takes an engine after the folder, which is optional."""
    try:
        parameters = inspect.signature(opener).parameters.values()
    except ValueError:  # a type without a readable signature
        return True
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) > 1 or any(one.kind == one.VAR_POSITIONAL for one in parameters)
