"""`transformer`: a small transformer encoder, trained from scratch."""

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

    layers, heads  the number of blocks, and of attention heads per block; `width` is a multiple of `heads`
    max_tokens     the number of positions
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
    """Attention and a feed-forward network of four times the width, each after a layer norm (Xiong et al. 2020).

    With gradient checkpointing, activations inside a block are recomputed in the backward pass.
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

        seen  (rows, 1, tokens, tokens) bool attention mask, False for padding
        """
        rows, tokens, width = states.shape
        projected = self.projection(self.attention_norm(states)).chunk(3, dim=-1)
        query, key, value = (
            one.view(rows, tokens, self.heads, width // self.heads).transpose(1, 2) for one in projected
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        states = states + self.dropout(self.mixed(mixed.transpose(1, 2).reshape(rows, tokens, width)))
        added: torch.Tensor = self.dropout(self.narrow(F.gelu(self.wide(self.wide_norm(states)))))
        return states + added


class TransformerForEmotion(ScratchNetwork):
    """Token vectors plus learnt positions, blocks, a final norm, pooling (Vaswani et al. 2017)."""

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
        """The number of positions."""
        return int(self.config.max_tokens)

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the pooled states of the last block."""
        states = embedded + self.positions.weight[: embedded.shape[1]]
        # Expanded to (tokens, tokens): the attention of ONNX Runtime does not broadcast a mask over queries.
        seen = (mask == 1)[:, None, None, :].expand(-1, -1, mask.shape[1], -1)
        for block in self.blocks:
            states = block(states, seen)
        pooled: torch.Tensor = self.pooling(self.norm(states), mask)
        return pooled


AutoConfig.register("insula-transformer", TransformerConfig)
AutoModelForSequenceClassification.register(TransformerConfig, TransformerForEmotion)
