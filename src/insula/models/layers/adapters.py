"""Adapters: small trained modules inside a frozen pretrained network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from insula.core.environment import require
from insula.core.errors import RecipeError
from insula.models.layers.bottleneck import PARAMETER_PREFIX, insert_bottlenecks

# The last linear layers of attention and feed-forward: BERT, DistilBERT, ALBERT, MPNet, ModernBERT, GPT-2, Llama.
BLOCK_ENDS = (
    "output.dense", "out_lin", "lin2", "attention.dense", "ffn_output", "attn.o", "attn.Wo", "mlp.Wo", "c_proj",
    "o_proj", "down_proj",
)  # fmt: skip


@dataclass(frozen=True)
class Adapter:
    """The settings of an adapter, as stored in the model configuration.

    method   lora, adalora or bottleneck
    targets  full names of the adapted linear layers, relative to the backbone
    """

    method: str
    targets: tuple[str, ...]
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    reduction: int = 16

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types for `from_dict`."""
        return {**asdict(self), "targets": list(self.targets)}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Adapter:
        """Build settings from the result of `to_dict`."""
        return cls(**{**settings, "targets": tuple(settings["targets"])})

    @property
    def is_mergeable(self) -> bool:
        """Whether the adapter can be merged into the weights; a bottleneck is not linear and cannot."""
        return self.method != "bottleneck"


def insert_adapter(backbone: PreTrainedModel, adapter: Adapter) -> Any:
    """Insert the adapter's modules into `backbone`, in place, and freeze the other parameters.

    Returns the peft tuner, or None for bottlenecks. Raises `MissingExtraError` if peft is needed and not installed.
    """
    if adapter.method == "bottleneck":
        insert_bottlenecks(backbone, adapter.targets, adapter.reduction)
        return None
    _require_peft(adapter.method)
    from insula.models.layers.low_rank import insert_low_rank_adapter

    return insert_low_rank_adapter(
        backbone, adapter.method, adapter.targets, rank=adapter.rank, alpha=adapter.alpha, dropout=adapter.dropout
    )


def merge_adapter(model: PreTrainedModel, tuner: Any) -> None:
    """Merge low-rank updates into the weights; `model` then has no adapter, neither in memory nor in its config."""
    from insula.models.layers.low_rank import merge_low_rank

    merge_low_rank(tuner)
    model.config.adapter = None


def is_trained_parameter(name: str) -> bool:
    """Return whether a parameter of an adapter model is trained, that is not part of the pretrained base."""
    return not name.startswith("backbone.") or any(mark in name for mark in ("lora_", ".ranknum.", PARAMETER_PREFIX))


def choose_targets(
    backbone: PreTrainedModel, method: str, wanted: str | Sequence[str], *, above: int = 0
) -> tuple[str, ...]:
    """Return the full names of the linear layers that `wanted` selects, in the blocks from number `above` on.

    wanted  `all`, `auto`, or the ends of names

    Raises `RecipeError` if `auto` does not know the architecture or a name matches no layer.
    """
    maps = [
        name for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and (layer := _parse_layer(name)) is not None and layer >= above
    ]  # fmt: skip
    if wanted == "all":
        return tuple(maps)
    ends = _list_default_layers(backbone, method) if wanted == "auto" else tuple(wanted)
    chosen = tuple(name for name in maps if _ends_with(name, ends))
    unused = [end for end in ends if not any(_ends_with(name, (end,)) for name in maps)] if wanted != "auto" else []
    if not chosen or unused:
        known = sorted({re.sub(r".*\.\d+\.", "", name) for name in maps})
        raise RecipeError(
            f"The adapter.targets option must name linear layers of {type(backbone).__name__}: {', '.join(known)}. "
            f"Got {', '.join(map(repr, unused)) or repr(wanted)}. Set adapter.targets to a list of them."
        )
    return chosen


def _list_default_layers(backbone: PreTrainedModel, method: str) -> Sequence[str]:
    if method == "bottleneck":
        return BLOCK_ENDS
    _require_peft(method)
    from insula.models.layers.low_rank import find_default_targets

    return find_default_targets(backbone.config.model_type) or ()


def _require_peft(method: str) -> None:
    require("peft", extra="adapters", purpose=f"use adapter.method={method}")


def _ends_with(name: str, ends: Sequence[str]) -> bool:
    return any(name == end or name.endswith(f".{end}") for end in ends)


def _parse_layer(name: str) -> int | None:
    """Return the number of the block that contains a module, or None."""
    found = re.search(r"\.(\d+)\.", name)
    return int(found[1]) if found else None
