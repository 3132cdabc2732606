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

# What ends attention and feed-forward: BERT and kin, DistilBERT, ALBERT, MPNet, ModernBERT, GPT-2, Llama and kin.
BLOCK_ENDS = (
    "output.dense", "out_lin", "lin2", "attention.dense", "ffn_output", "attn.o", "attn.Wo", "mlp.Wo", "c_proj",
    "o_proj", "down_proj",
)  # fmt: skip


@dataclass(frozen=True)
class Adapter:
    """What an adapter is, as a model's configuration keeps it.

    method   lora, adalora or bottleneck
    targets  full names, inside the backbone, of the maps that have one
    """

    method: str
    targets: tuple[str, ...]
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    reduction: int = 16

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "targets": list(self.targets)}

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Adapter:
        """Return what `to_dict` gave."""
        return cls(**{**settings, "targets": tuple(settings["targets"])})

    @property
    def is_mergeable(self) -> bool:
        """Whether it can be added to the weights; a bottleneck, which bends, cannot."""
        return self.method != "bottleneck"


def insert_adapter(backbone: PreTrainedModel, adapter: Adapter) -> Any:
    """Add the adapter's modules to `backbone`, in place, and freeze the rest of it.

    Returns peft's tuner where there is one, else None. `MissingExtraError` where peft is needed and not there.
    """
    if adapter.method == "bottleneck":
        insert_bottlenecks(backbone, adapter.targets, adapter.reduction)
        return None
    _require_peft(adapter.method)
    from insula.models.layers.low_rank import insert_low_rank

    return insert_low_rank(
        backbone, adapter.method, adapter.targets, rank=adapter.rank, alpha=adapter.alpha, dropout=adapter.dropout
    )


def merge_adapter(model: PreTrainedModel, tuner: Any) -> None:
    """Add low-rank updates to the weights: `model` is then an ordinary one, in memory and in its configuration."""
    from insula.models.layers.low_rank import merge_low_rank

    merge_low_rank(tuner)
    model.config.adapter = None


def is_trained_parameter(name: str) -> bool:
    """Whether a parameter of an adapted model is its own, and not the pretrained base's."""
    return not name.startswith("backbone.") or any(mark in name for mark in ("lora_", ".ranknum.", PARAMETER_PREFIX))


def choose_targets(
    backbone: PreTrainedModel, method: str, wanted: str | Sequence[str], *, above: int = 0
) -> tuple[str, ...]:
    """Return the full names of the linear maps that `wanted` means, in the layers from number `above` on.

    Raises `RecipeError` where `auto` knows nothing of the architecture or a name fits no map.
    """
    maps = [
        name for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and (layer := _layer(name)) is not None and layer >= above
    ]  # fmt: skip
    if wanted == "all":
        return tuple(maps)
    ends = _usual_ends(backbone, method) if wanted == "auto" else tuple(wanted)
    chosen = tuple(name for name in maps if _ends_with(name, ends))
    unused = [end for end in ends if not any(_ends_with(name, (end,)) for name in maps)] if wanted != "auto" else []
    if not chosen or unused:
        known = sorted({re.sub(r".*\.\d+\.", "", name) for name in maps})
        raise RecipeError(
            f"The adapter.targets option must name linear maps of {type(backbone).__name__}: {', '.join(known)}. "
            f"Got {', '.join(map(repr, unused)) or repr(wanted)}. Set adapter.targets to a list of them."
        )
    return chosen


def _usual_ends(backbone: PreTrainedModel, method: str) -> Sequence[str]:
    if method == "bottleneck":
        return BLOCK_ENDS
    _require_peft(method)
    from insula.models.layers.low_rank import usual_targets

    return usual_targets(backbone.config.model_type) or ()


def _require_peft(method: str) -> None:
    require("peft", extra="adapters", purpose=f"use adapter.method={method}")


def _ends_with(name: str, ends: Sequence[str]) -> bool:
    return any(name == end or name.endswith(f".{end}") for end in ends)


def _layer(name: str) -> int | None:
    """Return the number of the layer that a module stands in, None where it stands in none."""
    found = re.search(r"\.(\d+)\.", name)
    return int(found[1]) if found else None
