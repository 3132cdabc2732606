"""Dropout (Srivastava et al. 2014) that draws random numbers for eight elements at a time.

On a CPU, torch draws one random number per element on a single thread, which takes a tenth of a training step. Here one
64-bit number serves eight elements, one byte each. The rate is therefore rounded to 1/256, and kept elements are scaled
by the rounded rate, so that the expectation is exact. Numbers come from torch's generator, whose state is part of every
checkpoint.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

ATTENTION = "insula_training"
_LEVELS = 256


def apply_dropout(values: torch.Tensor, rate: float) -> torch.Tensor:
    """Return `values` with a share `rate` of them set to zero and the rest scaled up; the type stays."""
    cut = round(rate * _LEVELS)
    if cut == 0:
        return values
    if cut >= _LEVELS:
        return torch.zeros_like(values)
    count = values.numel()
    drawn = torch.empty(math.ceil(count / 8), dtype=torch.int64, device=values.device).random_(-(2**63), None)
    kept = (drawn.view(torch.uint8)[:count] >= cut).view(values.shape)
    return values * (kept * (_LEVELS / (_LEVELS - cut))).to(values.dtype)


class QuickDropout(nn.Dropout):
    """`nn.Dropout` by `apply_dropout`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the input, with dropout in training."""
        return apply_dropout(input, self.p) if self.training and self.p > 0 else input


def compute_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled dot-product attention (Vaswani et al. 2017) with plain matrix products.

    For texts of tens of tokens they are several times faster on a CPU than the backward pass of the fused kernel.
    """
    scale = query.size(-1) ** -0.5 if scaling is None else scaling
    weights = torch.matmul(query * scale, key.transpose(2, 3))
    if attention_mask is not None:
        weights = weights + attention_mask.to(weights.dtype)
    weights = torch.softmax(weights, dim=-1, dtype=weights.dtype)
    if module.training and dropout > 0:
        weights = apply_dropout(weights, dropout)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


AttentionInterface.register(ATTENTION, compute_attention)
AttentionMaskInterface.register(ATTENTION, eager_mask)


def use_quick_dropout(model: nn.Module) -> None:
    """Replace every `nn.Dropout` of `model` by `QuickDropout`; predictions do not change."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Dropout:
                setattr(module, name, QuickDropout(child.p).train(child.training))


@contextlib.contextmanager
def use_plain_attention(model: PreTrainedModel, *, longest: int) -> Iterator[None]:
    """Use `compute_attention` in a model with BERT's structure (`model.backbone`, or `model` itself) inside the block.

    If the longest text has more than 256 tokens, nothing changes, since memory grows with the square of the length.
    """
    network = getattr(model, "backbone", model)
    if longest > _MAX_TOKENS or network.config.model_type not in _BERT_SHAPED:
        yield
        return
    before: str = network.config._attn_implementation
    network.set_attn_implementation(ATTENTION)
    try:
        yield
    finally:
        network.set_attn_implementation(before)


_MAX_TOKENS = 256
_BERT_SHAPED = ("bert", "roberta", "xlm-roberta", "electra", "camembert", "distilbert")
