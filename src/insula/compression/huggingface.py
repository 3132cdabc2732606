"""Converts a trained encoder into a class of transformers with the same scores.

These classes have their own heads: BERT and RoBERTa pass the state of the first token through a tanh layer before the
classifier, and GPT-2 has a classifier without bias. Both can be neutralised: tanh(x) is almost x if x is scaled down by
a large power of two, and a bias can move into the last norm. No class has mean pooling.
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

TANH_SCALE = 2.0**-14  # for a state of 30, the error of tanh(x) = x is then 1e-6 relative
PROBLEMS = {
    "multi": "multi_label_classification",
    "single": "single_label_classification",
    "ordinal": "single_label_classification",
    "binary": "single_label_classification",
    "dimensional": "regression",
}
FOLDABLE_CALIBRATIONS = ("identity", "temperature", "vector", "linear")

SetHead = Callable[[PreTrainedModel, torch.Tensor, torch.Tensor], None]


def to_transformers(network: PreTrainedModel, scheme: LabelScheme, rule: DecisionRule) -> PreTrainedModel:
    """Return a sequence classification model of transformers with the same scores.

    Calibration by scale and bias moves into the classifier; isotonic curves and thresholds are lost. The single output
    of a binary scheme becomes two, of which the first is always 0. Raises `ModelFolderError` with the reason if no
    class of transformers computes the same function.
    """
    kind, place = _choose_class(network)
    weight, bias = _compute_classifier(network, scheme, rule)
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
        raise ModelFolderError(
            f"The backbone's weights do not match the transformers class {type(model).__name__}. "
            "Export it with --format onnx."
        )
    place(model, weight, bias)
    return model.eval()


def _choose_class(network: PreTrainedModel) -> tuple[str, SetHead]:
    config = network.config
    if config.model_type != "insula-encoder":
        raise ModelFolderError(
            f"The architecture {config.model_type!r} exists only in insula, not in transformers. "
            "Export it with --format onnx."
        )
    if config.separator is not None:
        raise ModelFolderError(
            "This network pools only the first segment of a text-context pair, which no transformers class supports. "
            "Export it with --format onnx."
        )
    if config.adapter is not None:
        raise ModelFolderError(
            "A model with an unmerged adapter has layers that no transformers class has. Export it with "
            "--format onnx, or train with adapter.merge=true."
        )
    if config.pruned is not None:
        raise ModelFolderError(
            "A pruned encoder has layers of different shapes, which no transformers class supports. Export it with "
            "--format onnx, or use the original model."
        )
    if not isinstance(network.head, LinearHead):
        raise ModelFolderError(
            f"The head {config.head!r} exists only in insula, not in transformers. Export it with --format onnx."
        )
    kind = config.encoder["model_type"]
    known = _HEAD_SETTERS.get((kind, config.pooling))
    if known is None:
        poolings = [pooling for base, pooling in _HEAD_SETTERS if base == kind]
        bases = ", ".join(base for base, _ in _HEAD_SETTERS)
        other = f"train with model.pooling={poolings[0]}" if poolings else f"train from one of: {bases}"
        raise ModelFolderError(
            f"No class of transformers has a {kind} encoder with {config.pooling} pooling, and custom code would load "
            f"only with trust_remote_code. Export it with --format onnx, or {other}."
        )
    return kind, known


@torch.no_grad()
def _compute_classifier(
    network: PreTrainedModel, scheme: LabelScheme, rule: DecisionRule
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (labels, width) and bias (labels,), including a calibration by scale and bias."""
    head = network.head.output
    weight, bias = head.weight.double(), head.bias.double()
    if rule.calibration.method in FOLDABLE_CALIBRATIONS:
        scale, shift = (torch.tensor(one).double() for one in (rule.calibration.scale, rule.calibration.bias))
        weight, bias = weight * scale.reshape(-1, 1), bias * scale + shift
    if scheme.kind == "binary":
        weight, bias = (torch.cat([torch.zeros_like(one), one]) for one in (weight, bias))
    return weight, bias


@torch.no_grad()
def _set_classifier_after_tanh(dense: nn.Linear, output: nn.Linear, weight: torch.Tensor, bias: torch.Tensor) -> None:
    dense.weight.copy_(TANH_SCALE * torch.eye(len(dense.weight)))
    dense.bias.zero_()
    output.weight.copy_(weight / TANH_SCALE)
    output.bias.copy_(bias)


def _set_bert_head(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    _set_classifier_after_tanh(model.base_model.pooler.dense, model.classifier, weight, bias)


def _set_roberta_head(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    _set_classifier_after_tanh(model.classifier.dense, model.classifier.out_proj, weight, bias)


@torch.no_grad()
def _set_gpt2_head(model: PreTrainedModel, weight: torch.Tensor, bias: torch.Tensor) -> None:
    shift = torch.linalg.pinv(weight) @ bias
    if not torch.allclose(weight @ shift, bias, atol=1e-9):
        raise ModelFolderError(
            "The bias of this head cannot move into the last norm, because its weights are linearly dependent. "
            "Export it with --format onnx."
        )
    model.score.weight.copy_(weight)
    norm: Any = model.base_model.ln_f
    norm.bias.add_(shift.to(norm.bias.dtype))


_HEAD_SETTERS: dict[tuple[str, str], SetHead] = {
    ("bert", "first"): _set_bert_head,
    ("roberta", "first"): _set_roberta_head,
    ("xlm-roberta", "first"): _set_roberta_head,
    ("gpt2", "last"): _set_gpt2_head,
}
