"""Low-rank adapters with `peft`, which only this file imports: LoRA (Hu et al. 2021), AdaLoRA (Zhang et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from peft import AdaLoraConfig, AdaLoraModel, LoraConfig, LoraModel
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as USUAL_TARGETS
from torch import nn

NAME = "default"
INITIAL_RANK_FACTOR = 1.5  # AdaLoRA: initial rank divided by final rank, section 4.1 of the paper


def find_default_targets(architecture: str) -> Sequence[str] | None:
    """Return the layers of an architecture (`bert`, `gpt2`) that peft adapts by default, or None if it knows none."""
    targets = USUAL_TARGETS.get(architecture)
    return None if targets is None or isinstance(targets, str) else targets


def insert_low_rank_adapter(
    backbone: nn.Module, method: str, targets: Sequence[str], *, rank: int, alpha: float, dropout: float
) -> Any:
    """Add low-rank updates to the named layers of `backbone`, in place, and freeze all other parameters.

    Returns the peft tuner, which merges the updates and allocates the ranks of AdaLoRA. Do not call the tuner: its
    `forward` fails for a reloaded AdaLoRA model with labels.
    """
    shared = {"lora_alpha": alpha, "lora_dropout": dropout, "target_modules": list(targets)}
    if method == "lora":
        tuner = LoraModel(backbone, LoraConfig(r=rank, **shared), NAME)
    else:
        # The number of steps is known only when training starts: see training/neural/adalora.py.
        settings = AdaLoraConfig(target_r=rank, init_r=math.ceil(INITIAL_RANK_FACTOR * rank), total_step=1, **shared)
        tuner = AdaLoraModel(backbone, settings, NAME)
    return tuner


def merge_low_rank(tuner: Any) -> None:
    """Merge the updates into the weights and remove the adapter layers from the backbone."""
    tuner.merge_and_unload(progressbar=False)
