"""The base class of networks trained from scratch: token embeddings, word dropout, a head."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from insula.models.layers.heads import heads

PADDING, UNKNOWN = 0, 1  # token ids in every vocabulary that insula trains


class ScratchConfig(PretrainedConfig):
    """Settings of every network trained from scratch.

    vocabulary    the number of tokens
    width         the width of a token vector
    outputs       the number of logits per row
    dropout       on token vectors and on the pooled vector
    word_dropout  the share of tokens replaced by the unknown token in training, which trains it (Iyyer et al. 2015)
    head          the name of the head, see `models.layers.heads`
    """

    model_type = "insula-scratch"

    def __init__(
        self,
        vocabulary: int = 2,
        width: int = 128,
        outputs: int = 2,
        dropout: float = 0.5,
        word_dropout: float = 0.0,
        head: str = "linear",
        **kwargs: Any,
    ) -> None:
        self.vocabulary = vocabulary
        self.width = width
        self.outputs = outputs
        self.dropout = dropout
        self.word_dropout = word_dropout
        self.head = head
        super().__init__(**kwargs)


class ScratchNetwork(PreTrainedModel):
    """Token ids to logits: `forward(input_ids, attention_mask)` returns logits (rows, outputs).

    A subclass builds its layers in `__init__`, adds the head with `_add_head`, and implements `pool`.
    """

    base_model_prefix = "network"
    vector_scale = 0.1  # initial standard deviation of the entries of token vectors
    backend = "onnx"  # the backend of its model folder
    shares_weights = False  # whether `model.onnx` reads its weights from `model.safetensors`

    def __init__(self, config: ScratchConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocabulary, config.width, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=self.vector_scale)
        with torch.no_grad():
            self.embedding.weight[PADDING].zero_()
        self.dropout = nn.Dropout(config.dropout)

    def _add_head(self, width: int) -> None:
        self.head = heads[self.config.head](width, self.config.outputs, self.config.dropout)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep the initialisation of the constructors."""

    @torch.no_grad()
    def set_vectors(self, vectors: NDArray[np.float32]) -> None:
        """Initialise token vectors with (vocabulary, width) vectors of variance 1; all-zero columns stay random."""
        given = torch.from_numpy(vectors)
        filled = given.abs().sum(dim=0) > 0
        self.embedding.weight[:, filled] = given[:, filled] * self.vector_scale
        self.embedding.weight[PADDING].zero_()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **kwargs: Any) -> SequenceClassifierOutput:
        """Return the logits."""
        if self.training and self.config.word_dropout > 0:
            dropped = torch.rand(input_ids.shape, device=input_ids.device) < self.config.word_dropout
            input_ids = input_ids.masked_fill(dropped & (attention_mask == 1), UNKNOWN)
        embedded = self.dropout(self.embed(input_ids))
        return SequenceClassifierOutput(logits=self.head(self.pool(embedded, attention_mask)))

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the (rows, tokens, width) vectors of (rows, tokens) token ids."""
        vectors: torch.Tensor = self.embedding(ids)
        return vectors

    def to_stored(self) -> ScratchNetwork:
        """Return the trained network in the form that a model folder stores."""
        return self

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (rows, head width) from (rows, tokens, width) vectors and their mask, ignoring padding."""
        raise NotImplementedError
