"""What a model family is, and which there are: a family's entry stands in its own file, `NAME_family.py`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from insula.core.extras import require
from insula.core.progress import Progress
from insula.core.registry import Registry
from insula.core.scheme import LabelScheme
from insula.training.adapter_options import AdapterOptions
from insula.training.auxiliary_options import AuxiliaryOptions
from insula.training.distil_options import DistilOptions
from insula.training.objective_options import ObjectiveOptions
from insula.training.options import ModelOptions, TrainOptions

NEURAL_PACKAGES = ("torch", "transformers", "accelerate", "onnx", "onnxscript", "tensorboard")
"""What every neural family needs to be trained; the extra `train` brings them."""

NEURAL_SPACE: Mapping[str, Mapping[str, Any]] = {
    "train.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "train.batch_size": {"choices": (16, 32, 64)},
    "train.epochs": {"low": 1, "high": 6},
    "train.weight_decay": {"low": 1e-4, "high": 0.3, "log": True},
    "train.warmup": {"low": 0.0, "high": 0.3},
    "train.head_rate_factor": {"low": 1.0, "high": 30.0, "log": True},
}
"""What a search tries with a neural family that has no space of its own; the rate is one for networks from scratch."""


@dataclass(frozen=True)
class Rows:
    """Prepared rows: what a fitter sees of a split.

    texts    (rows,) prepared texts
    gold     (rows, labels) as `core.targets.gold_matrix`; of training rows as they are learnt: smoothed, soft
    weights  (rows,) example weights, of training rows times their class weights; 0 for a row without labels
    answers  (rows, labels) what the teachers say, None without teachers; rows without labels then stand last, with
             the answers as their gold, `unlabelled` of them
    """

    texts: Sequence[str]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    answers: NDArray[np.float64] | None = None
    unlabelled: int = 0


@dataclass(frozen=True)
class Task:
    """An auxiliary set: its labels and its rows. The rows stand last in the training rows too, task after task."""

    scheme: LabelScheme
    rows: Rows


def _untold(step: int, score: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class FitInput:
    """All that a fitter needs.

    validation  None where the rows were too few to hold any out
    folder      the run's; of a process that is not the first, one of its own
    shared      the run's folder where `folder` is another
    callbacks   what a neural trainer calls besides its own (of transformers' kind)
    report      is told step and validation score at each evaluation; what it raises ends the training (a search prunes)
    facts       what the fitter found out that the metrics of the run should tell; it writes them there
    """

    scheme: LabelScheme
    language: str | None
    train: Rows
    validation: Rows | None
    model: ModelOptions
    options: TrainOptions
    seed: int
    folder: Path
    resume: bool
    progress: Progress
    report: Callable[[int, float], None] = _untold
    distil: DistilOptions | None = None
    auxiliary: AuxiliaryOptions | None = None
    tasks: Sequence[Task] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    adapter: AdapterOptions = field(default_factory=AdapterOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    shared: Path | None = None
    callbacks: Sequence[Any] = ()

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are written, by all processes into one folder."""
        return (self.shared or self.folder) / "checkpoints"


@dataclass(frozen=True)
class Fitted:
    """A trained model, ready to be written.

    save        writes the weights and what goes with them into a model folder under construction
    backend     which inference backend opens them
    parameters  how many numbers the model is made of
    trainable   how many of them were learnt; None for all
    base        the pretrained encoder it came from, None for none
    history     rows of figures by step: loss, learning rate, validation scores
    untrained   prepared texts to the logits of the same architecture before the first step; None where it has no such
    """

    save: Callable[[Path], None]
    backend: str
    parameters: int
    trainable: int | None = None
    base: str | None = None
    history: Sequence[dict[str, float]] = ()
    untrained: Callable[[Sequence[str]], NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Family:
    """A family's entry.

    options      its section of a recipe
    fitter       `"module:function"` from `FitInput` to `Fitted`, imported only when it is asked to train
    steps        from its options to the text steps that help it
    extra        the extra of insula that training it needs, None for none
    packages     what that extra brings and training looks for, by the names they are imported by
    train        what the `train` section of a recipe holds for this family where the user says nothing else
    adapts       whether it heeds the section `adapter`
    freezes      whether it heeds `train.freeze_layers`
    checkpoints  whether it heeds `train.gradient_checkpointing`
    layered      whether it heeds `train.layer_rate_decay`: its layers are known by their names to `training.optimisers`
    space        what a search tries by default: dotted keys of a recipe to entries of a search space; a neural family
                 that states none has `NEURAL_SPACE`
    """

    options: type[ModelOptions]
    fitter: str
    steps: Callable[[ModelOptions], tuple[str, ...]]
    description: str
    extra: str | None = None
    packages: Sequence[str] = ()
    space: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    adapts: bool = False
    freezes: bool = False
    checkpoints: bool = False
    layered: bool = False

    @property
    def neural(self) -> bool:
        """True where the family is trained by gradient steps, and so learns from whatever gives a gradient."""
        return "torch" in self.packages

    def check(self, model: ModelOptions) -> None:
        """Raise at once what training would raise later: `MissingExtraError`, or that the encoder cannot be had."""
        if self.extra is not None:
            for package in self.packages:
                require(package, extra=self.extra, purpose=f"train a model of family {model.name!r}")
        self.steps(model)

    def fit(self, given: FitInput) -> Fitted:
        """Train; `MissingExtraError` where the optional dependencies are not installed."""
        self.check(given.model)
        module, _, name = self.fitter.partition(":")
        fitter = cast(Callable[[FitInput], Fitted], getattr(importlib.import_module(module), name))
        return fitter(given)


families: Registry[Family] = Registry("model_families")
families.register("linear", "insula.training.linear_family:FAMILY")
families.register("encoder", "insula.training.encoder_family:FAMILY")
families.register("decoder", "insula.training.decoder_family:FAMILY")
families.register("static", "insula.training.static_family:FAMILY")
families.register("textcnn", "insula.training.textcnn_family:FAMILY")
families.register("lstm", "insula.training.recurrent_family:LSTM")
families.register("gru", "insula.training.recurrent_family:GRU")
families.register("transformer", "insula.training.transformer_family:FAMILY")
