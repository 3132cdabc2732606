"""`transformer`: a small transformer encoder that starts from nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForSequenceClassification
from transformers.modeling_layers import GradientCheckpointingLayer

from insula.models.layers.pooling import Pooling
from insula.models.networks.scratch import ScratchConfig, ScratchNetwork


class TransformerConfig(ScratchConfig):
    """Settings of `TransformerForEmotion`.

    layers, heads  blocks, and attention heads in each; `width` is a multiple of `heads`
    max_tokens     how many positions there are
    pooling        mean, first or attention
    """

    model_type = "insula-transformer"

    def __init__(
        self,
        layers: int = 4,
        heads: int = 4,
        max_tokens: int = 128,
        pooling: str = "mean",
        **kwargs: Any,
    ) -> None:
        self.layers = layers
        self.heads = heads
        self.max_tokens = max_tokens
        self.pooling = pooling
        super().__init__(**kwargs)


class Block(GradientCheckpointingLayer):
    """Attention and a feed-forward net four times as wide, each behind a norm (Xiong et al. 2020).

    Where training asks for it, what is inside is computed again on the way back and not kept.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.wide_norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Return the (rows, tokens, width) states after this block.

        seen  (rows, 1, tokens, tokens): what each token may look at, False on padding
        """
        rows, tokens, width = states.shape
        projected = self.projection(self.attention_norm(states)).chunk(3, dim=-1)
        parts = [part.view(rows, tokens, self.heads, width // self.heads).transpose(1, 2) for part in projected]
        mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=seen)
        states = states + self.dropout(self.mixed(mixed.transpose(1, 2).reshape(rows, tokens, width)))
        added: torch.Tensor = self.dropout(self.narrow(F.gelu(self.wide(self.wide_norm(states)))))
        return states + added


class TransformerForEmotion(ScratchNetwork):
    """Token vectors plus learnt positions, blocks, a last norm, pooling (Vaswani et al. 2017)."""

    config_class = TransformerConfig
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.positions = nn.Embedding(config.max_tokens, config.width)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config.width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.pooling = Pooling(config.pooling, config.width)
        self._add_head(config.width)

    @property
    def max_positions(self) -> int:
        """How many tokens there are positions for."""
        return int(self.config.max_tokens)

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the pooled states of the last block."""
        states = embedded + self.positions.weight[: embedded.shape[1]]
        # As wide as it is long: ONNX Runtime's attention takes no mask of one row for all tokens.
        seen = (mask == 1)[:, None, None, :].expand(-1, -1, mask.shape[1], -1)
        for block in self.blocks:
            states = block(states, seen)
        pooled: torch.Tensor = self.pooling(self.norm(states), mask)
        return pooled


AutoConfig.register("insula-transformer", TransformerConfig)
AutoModelForSequenceClassification.register(TransformerConfig, TransformerForEmotion)
