"""What a model family is, and which there are: a family's entry stands in its own file, `NAME_family.py`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from insula.core.extras import require
from insula.core.registry import Registry
from insula.training.fitting import FitInput, Fitted
from insula.training.options.sections import ModelOptions

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
    prunes       whether `insula model prune` may cut layers, heads and neurons out of its networks; its options are
                 then `EncoderOptions`
    pairs        whether it reads the context of a text as the second segment of a pair; else both are joined into one
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
    pairs: bool = False
    prunes: bool = False

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
families.register("linear", "insula.training.families.linear:FAMILY")
families.register("encoder", "insula.training.families.encoder:FAMILY")
families.register("decoder", "insula.training.families.decoder:FAMILY")
families.register("static", "insula.training.families.static:FAMILY")
families.register("textcnn", "insula.training.families.textcnn:FAMILY")
families.register("lstm", "insula.training.families.recurrent:LSTM")
families.register("gru", "insula.training.families.recurrent:GRU")
families.register("transformer", "insula.training.families.transformer:FAMILY")
