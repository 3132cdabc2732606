"""A trained encoder as a plain Hugging Face folder, where a class of transformers computes the very same.

Those classes have heads of their own: BERT and RoBERTa pass the first token's state through a layer with tanh before
the classifier, GPT-2 has a classifier without bias. Both can be made to do nothing: tanh of a value scaled down by a
power of two is that value, to float32's last bit, and a bias moves into the last norm. A mean over tokens is in none of
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from insula.core.decision import DecisionRule
from insula.core.errors import ModelFolderError
from insula.core.scheme import LabelScheme
from insula.models.layers.heads import LinearHead

SMALL = 2.0**-14  # the cube of a state of 30 is then 2e-7 of it
PROBLEMS = {
    "multi": "multi_label_classification",
    "single": "single_label_classification",
    "ordinal": "single_label_classification",
    "binary": "single_label_classification",
    "dimensional": "regression",
}
FOLDED = ("identity", "temperature", "vector", "linear")

Place = Callable[[PreTrainedModel, torch.Tensor, torch.Tensor], None]


def to_transformers(network: PreTrainedModel, scheme: LabelScheme, rule: DecisionRule) -> PreTrainedModel:
    """Return a model for sequence classification of transformers' own with the same scores.

    Calibration by scale and bias moves into the classifier; isotonic curves and thresholds have no place there. The
    one output of a binary scheme becomes two, the first always 0. Raises `ModelFolderError`, with the reason, where no
    class of transformers computes what the network does.
    """
    kind, place = _class_for(network)
    weight, bias = _classifier(network, scheme, rule)
    settings = dict(network.config.encoder)
    for key in ("model_type", "id2label", "label2id", "num_labels", "problem_type"):
        settings.pop(key, None)
    names = dict(enumerate(scheme.names))
    config = AutoConfig.for_model(
        kind,
        **settings,
        id2label=names,
        label2id={name: number for number, name in names.items()},
        problem_type=PROBLEMS[scheme.kind],
    )
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
    missing, unknown = model.base_model.load_state_dict(network.backbone.state_dict(), strict=False)
    if unknown or [name for name in missing if not name.startswith("pooler.")]:
        raise ModelFolderError(f"The backbone of this model does not fit transformers' own {type(model).__name__}.")
    place(model, weight, bias)
    return model.eval()


def _class_for(network: PreTrainedModel) -> tuple[str, Place]:
    config = network.config
    if config.model_type != "insula-encoder":
        raise ModelFolderError(
            f"A network of type {config.model_type!r} is insula's own, and no class of transformers computes it. "
            "Export it with --format onnx."
        )
    if config.separator is not None:
        raise ModelFolderError(
            "This network reads the context of a text as the second segment of a pair and pools the first alone, which "
            "no class of transformers does. Export it with --format onnx."
        )
    if config.adapter is not None:
        raise ModelFolderError(
            "A model with an adapter beside its base has layers that no class of transformers has. Export it with "
            "--format onnx, or train with adapter.merge=true."
        )
    if config.pruned is not None:
        raise ModelFolderError(
            "A pruned encoder has layers of different shapes, and no class of transformers has. Export it with "
            "--format onnx, or name the model that it was pruned from."
        )
    if not isinstance(network.head, LinearHead):
        raise ModelFolderError(
            f"The head {config.head!r} is insula's own, and no class of transformers computes it. Export it with "
            "--format onnx."
        )
    kind = config.encoder["model_type"]
    known = _PLACES.get((kind, config.pooling))
    if known is None:
        poolings = [pooling for base, pooling in _PLACES if base == kind]
        bases = ", ".join(base for base, _ in _PLACES)
        other = f"train with model.pooling={poolings[0]}" if poolings else f"train from one of: {bases}"
        raise ModelFolderError(
            f"No class of transformers computes a {kind} encoder with {config.pooling} pooling, and code of our own "
            f"would load with trust_remote_code alone. Export it with --format onnx, or {other}."
        )
    return kind, known


@torch.no_grad()
def _classifier(network: PreTrainedModel, scheme: LabelScheme, rule: DecisionRule) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (labels, width) and bias (labels,) with what of the calibration is a scale and a bias."""
    head = network.head.output
    weight, bias = head.weight.double(), head.bias.double()
    if rule.calibration.method in FOLDED:
        scale, shift = (torch.tensor(one).double() for one in (rule.calibration.scale, rule.calibration.bias))
        weight, bias = weight * scale.reshape(-1, 1), bias * scale + shift
    if scheme.kind == "binary":
        weight, bias = (torch.cat([torch.zeros_like(one), one]) for one in (weight, bias))
    return weight, bias


@torch.no_grad()
def _through_tanh(dense: nn.Linear, output: nn.Linear, weight: torch.Tensor, bias: torch.Tensor) -> None:
    dense.weight.copy_(SMALL * torch.eye(len(dense.weight)))
    dense.bias.zero_()
    output.weight.copy_(weight / SMALL)
    output.bias.copy_(bias)


def _bert(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    _through_tanh(model.base_model.pooler.dense, model.classifier, weight, bias)


def _roberta(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    _through_tanh(model.classifier.dense, model.classifier.out_proj, weight, bias)


@torch.no_grad()
def _gpt2(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    shift = torch.linalg.pinv(weight) @ bias
    if not torch.allclose(weight @ shift, bias, atol=1e-9):
        raise ModelFolderError("The bias of this head cannot move into the last norm: its weights are not independent.")
    model.score.weight.copy_(weight)
    norm: Any = model.base_model.ln_f
    norm.bias.add_(shift.to(norm.bias.dtype))


_PLACES: dict[tuple[str, str], Place] = {
    ("bert", "first"): _bert,
    ("roberta", "first"): _roberta,
    ("xlm-roberta", "first"): _roberta,
    ("gpt2", "last"): _gpt2,
}
