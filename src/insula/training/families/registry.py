"""`Family` and the registry of model families; each family has its own file."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from insula.core.environment import require
from insula.core.registry import Registry
from insula.training.families.old_fitters import adapt_legacy_fitter
from insula.training.fitting import Base, Fitted, PreparedRows, RunContext, TrainingPlan
from insula.training.options.sections import ModelOptions

NEURAL_PACKAGES = ("torch", "transformers", "accelerate", "onnx", "onnxscript", "tensorboard")
"""Packages that every neural family needs for training; the extra `train` installs them."""

NEURAL_SPACE: Mapping[str, Mapping[str, Any]] = {
    "train.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "train.batch_size": {"choices": (16, 32, 64)},
    "train.epochs": {"low": 1, "high": 6},
    "train.weight_decay": {"low": 1e-4, "high": 0.3, "log": True},
    "train.warmup": {"low": 0.0, "high": 0.3},
    "train.head_rate_factor": {"low": 1.0, "high": 30.0, "log": True},
}
"""The default search space of a neural family; its learning rates suit networks trained from scratch."""


@dataclass(frozen=True)
class Family:
    """A model family: how it is trained, and which options it supports.

    options      its section of a recipe
    fitter       `"module:function"`, imported only when it trains: `fit(plan, rows, run)` takes a `TrainingPlan`,
                 `PreparedRows` and a `RunContext`, and returns a `Fitted`
    steps        maps its options to its text steps; with `locate` maps options and base
    extra        the extra of insula that its training needs, None for none
    packages     import names of the packages of that extra, checked before training
    train        its defaults for the `train` section of a recipe
    space        its default search space: dotted keys of a recipe to entries; a neural family without one has
                 `NEURAL_SPACE`
    locate       maps its options to the pretrained network that it starts from; None for a family that needs none
    gradient     whether it is trained by gradient steps; None: if torch is among its packages
    adapts       whether it supports the section `adapter`
    freezes      whether it supports `train.freeze_layers`
    checkpoints  whether it supports `train.gradient_checkpointing`
    prunes       whether `insula model prune` may cut layers, heads and neurons out of its networks; its options are
                 then `EncoderOptions`
    differentiable  whether its networks can be explained by gradients: its model folder opens in a `GradientBackend`
    layered      whether it supports `train.layer_rate_decay`: `neural.optimisers` finds its layers by their names
    pairs        whether it reads text and context as a pair; otherwise they are joined into one text
    """

    options: type[ModelOptions]
    fitter: str
    steps: Callable[..., tuple[str, ...]]
    description: str
    extra: str | None = None
    packages: Sequence[str] = ()
    space: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    adapts: bool = False
    freezes: bool = False
    checkpoints: bool = False
    layered: bool = False
    differentiable: bool = False
    pairs: bool = False
    prunes: bool = False
    locate: Callable[[ModelOptions], Base | None] | None = None
    gradient: bool | None = None

    @property
    def neural(self) -> bool:
        """Whether it is trained by gradient steps, and so supports further loss terms."""
        return "torch" in self.packages if self.gradient is None else self.gradient

    def check(self, model: ModelOptions) -> Base | None:
        """Return the base. Raises early the errors that training would raise later.

        Raises `MissingExtraError`, or the errors of `locate`.
        """
        if self.extra is not None:
            for package in self.packages:
                require(package, extra=self.extra, purpose=f"train a model of family {model.name!r}")
        if self.locate is not None:
            return self.locate(model)
        self.steps(model)
        return None

    def get_text_steps(self, model: ModelOptions, base: Base | None) -> tuple[str, ...]:
        """Return the text steps for a model with these options."""
        return self.steps(model) if self.locate is None else self.steps(model, base)

    def fit(self, plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> Fitted:
        """Train a model."""
        module, _, name = self.fitter.partition(":")
        fitter = adapt_legacy_fitter(getattr(importlib.import_module(module), name), reference=self.fitter)
        return fitter(plan, rows, run)


families: Registry[Family] = Registry("model_families")
families.register("linear", "insula.training.families.linear:FAMILY")
families.register("encoder", "insula.training.families.encoder:FAMILY")
families.register("decoder", "insula.training.families.decoder:FAMILY")
families.register("static", "insula.training.families.static:FAMILY")
families.register("textcnn", "insula.training.families.textcnn:FAMILY")
families.register("lstm", "insula.training.families.recurrent:LSTM")
families.register("gru", "insula.training.families.recurrent:GRU")
families.register("transformer", "insula.training.families.transformer:FAMILY")
