"""Structured pruning of BERT-shaped encoders: fewer layers, fewer attention heads, narrower feed-forward networks.

Pruned parts are removed from the weight matrices, not masked, so that files and computation shrink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from insula.core.errors import RecipeError

LINEAR_LAYERS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip


@dataclass(frozen=True)
class EncoderShape:
    """The size of each layer of an encoder.

    heads    (layers,) number of attention heads
    widths   (layers,) number of neurons of the feed-forward network
    """

    heads: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, backbone: nn.Module) -> EncoderShape:
        """Return the shape of an encoder. Raises as `find_bert_layers`."""
        layers = find_bert_layers(backbone)
        return cls(
            tuple(int(layer.attention.self.num_attention_heads) for layer in layers),
            tuple(int(layer.intermediate.dense.out_features) for layer in layers),
        )

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> EncoderShape:
        """Build a shape from the result of `to_dict`."""
        return cls(tuple(settings["heads"]), tuple(settings["widths"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, as stored in the model configuration."""
        return {"layers": len(self.heads), "heads": list(self.heads), "widths": list(self.widths)}


@dataclass(frozen=True)
class PrunedShape:
    """The parts of an encoder to keep, by index in ascending order.

    layers    (kept layers,)
    heads     the heads of each kept layer; at least one
    neurons   the feed-forward neurons of each kept layer; at least one
    """

    layers: tuple[int, ...]
    heads: tuple[tuple[int, ...], ...]
    neurons: tuple[tuple[int, ...], ...]

    @classmethod
    def keep_first(cls, shape: EncoderShape) -> PrunedShape:
        """Return the first layers, heads and neurons, as many as `shape` has."""
        return cls(
            tuple(range(len(shape.heads))),
            tuple(tuple(range(count)) for count in shape.heads),
            tuple(tuple(range(count)) for count in shape.widths),
        )

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> PrunedShape:
        """Build kept parts from the result of `to_dict`."""
        return cls(
            tuple(numbers["layers"]),
            tuple(tuple(one) for one in numbers["heads"]),
            tuple(tuple(one) for one in numbers["neurons"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "layers": list(self.layers),
            "heads": [list(one) for one in self.heads],
            "neurons": [list(one) for one in self.neurons],
        }


def find_bert_layers(backbone: nn.Module) -> Sequence[Any]:
    """Return the layers of a BERT-shaped encoder: BERT, RoBERTa and encoders with the same module names.

    Raises `RecipeError` for any other network.
    """
    stack = getattr(getattr(backbone, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList) or not len(stack) or not all(_has_maps(layer) for layer in stack):
        raise RecipeError(
            "The network to prune must be a BERT-shaped encoder (attention.self.query, intermediate.dense, "
            f"output.dense). Got {type(backbone).__name__}. Quantise its weights instead: insula model quantize"
        )
    return list(stack)


@torch.no_grad()
def prune_encoder(backbone: nn.Module, kept: PrunedShape) -> None:
    """Remove all but the `kept` parts of a BERT-shaped encoder, in place. Kept weights are unchanged.

    Raises as `find_bert_layers`.
    """
    layers = find_bert_layers(backbone)
    chosen = [layers[number] for number in kept.layers]
    for layer, heads, neurons in zip(chosen, kept.heads, kept.neurons, strict=True):
        _keep_heads(layer.attention, heads)
        layer.intermediate.dense = _slice_linear(layer.intermediate.dense, neurons, dim=0)
        layer.output.dense = _slice_linear(layer.output.dense, neurons, dim=1)
    encoder: Any = backbone.encoder
    encoder.layer = nn.ModuleList(chosen)
    config: Any = backbone.config
    config.num_hidden_layers = len(chosen)


def _keep_heads(attention: Any, heads: Sequence[int]) -> None:
    inner = attention.self
    size = inner.attention_head_size
    places = [place for head in heads for place in range(head * size, (head + 1) * size)]
    for name in ("query", "key", "value"):
        setattr(inner, name, _slice_linear(getattr(inner, name), places, dim=0))
    attention.output.dense = _slice_linear(attention.output.dense, places, dim=1)
    # transformers reads the number of heads from here; the configuration has only one number for all layers.
    inner.num_attention_heads, inner.all_head_size = len(heads), len(places)


def _slice_linear(linear: nn.Linear, places: Sequence[int], *, dim: int) -> nn.Linear:
    """Return the linear layer with only these outputs (`dim` 0) or inputs (`dim` 1)."""
    weight = linear.weight
    index = torch.tensor(list(places), dtype=torch.long, device=weight.device)
    small = nn.Linear(
        linear.in_features if dim == 0 else len(index),
        len(index) if dim == 0 else linear.out_features,
        bias=linear.bias is not None,
        device=weight.device,
        dtype=weight.dtype,
    )
    small.weight.copy_(weight.index_select(dim, index))
    if linear.bias is not None:
        small.bias.copy_(linear.bias.index_select(0, index) if dim == 0 else linear.bias)
    return small.train(linear.training)


def _has_maps(layer: nn.Module) -> bool:
    named = dict(layer.named_modules())
    return all(isinstance(named.get(name), nn.Linear) for name in LINEAR_LAYERS)
