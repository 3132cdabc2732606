"""Low-rank adapters by `peft`, its one door: LoRA (Hu et al. 2021) and AdaLoRA (Zhang et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from peft import AdaLoraConfig, AdaLoraModel, LoraConfig, LoraModel
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as USUAL_TARGETS
from torch import nn

NAME = "default"
INITIAL_RANK_FACTOR = 1.5  # AdaLoRA begins with so many times the ranks that it ends with: section 4.1 of the paper


def usual_targets(architecture: str) -> Sequence[str] | None:
    """Return which maps of an architecture (`bert`, `gpt2`) peft adapts by itself, None where it knows none."""
    targets = USUAL_TARGETS.get(architecture)
    return None if targets is None or isinstance(targets, str) else targets


def insert_low_rank(
    backbone: nn.Module, method: str, targets: Sequence[str], *, rank: int, alpha: float, dropout: float
) -> Any:
    """Add low-rank updates to the named maps of `backbone`, in place; all else is frozen.

    Returns peft's tuner, by which they are merged and AdaLoRA's ranks allocated. The tuner is never called: its own
    `forward` fails for a reloaded AdaLoRA model with labels.
    """
    shared = {"lora_alpha": alpha, "lora_dropout": dropout, "target_modules": list(targets)}
    if method == "lora":
        tuner = LoraModel(backbone, LoraConfig(r=rank, **shared), NAME)
    else:
        # How many steps there are is known once training begins: see training/neural/adalora.py.
        settings = AdaLoraConfig(target_r=rank, init_r=math.ceil(INITIAL_RANK_FACTOR * rank), total_step=1, **shared)
        tuner = AdaLoraModel(backbone, settings, NAME)
    return tuner


def merge_low_rank(tuner: Any) -> None:
    """Add the updates to the weights they belong to; the backbone is then as it was before, with other weights."""
    tuner.merge_and_unload(progressbar=False)
