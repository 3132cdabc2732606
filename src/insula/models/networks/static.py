"""`static`: a weighted average of token vectors and a small head.

Like Model2Vec (Tulkens and van Dongen 2024) and fastText (Joulin et al. 2016), but with one learnt weight per token,
which the frequency weights of Arora et al. (2017) approximate. After training, the weights are folded into the
embedding table, which may be stored in fewer bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForSequenceClassification

from insula.models.networks.scratch import PADDING, ScratchConfig, ScratchNetwork

INT8_STEPS = 127
PRETRAINED_SCALE = 3.0  # times the scale of random vectors


class StaticConfig(ScratchConfig):
    """Settings of `StaticForEmotion`.

    hidden  the width of the layer between average and head; 0 for none
    table   the type of the stored table: float32, float16, or int8 with a scale per row
    folded  True in a model folder, False in training
    """

    model_type = "insula-static"

    def __init__(self, hidden: int = 0, table: str = "float32", folded: bool = False, **kwargs: Any) -> None:
        self.hidden = hidden
        self.table = table
        self.folded = folded
        super().__init__(**kwargs)


class StoredTable(nn.Module):
    """Stored token vectors; `forward` returns float32."""

    def __init__(self, rows: int, width: int, kind: str) -> None:
        super().__init__()
        stored = {"float32": torch.float32, "float16": torch.float16, "int8": torch.int8}[kind]
        self.rows = nn.Parameter(torch.zeros(rows, width, dtype=stored), requires_grad=False)
        if kind == "int8":
            self.scales = nn.Parameter(torch.zeros(rows, 1), requires_grad=False)

    @torch.no_grad()
    def take(self, vectors: torch.Tensor) -> None:
        """Store (rows, width) vectors."""
        if self.rows.dtype == torch.int8:
            scales = vectors.abs().amax(dim=1, keepdim=True) / INT8_STEPS
            self.scales.copy_(scales)
            vectors = (vectors / scales.clamp(min=torch.finfo(torch.float32).tiny)).round()
        self.rows.copy_(vectors)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the vectors of (rows, tokens) token ids."""
        vectors = F.embedding(ids, self.rows).float()
        return vectors * F.embedding(ids, self.scales) if self.rows.dtype == torch.int8 else vectors


class StaticForEmotion(ScratchNetwork):
    """Weighted token vectors, their mean over the text, an optional ReLU layer, a head.

    The sum is divided by the number of tokens and not by the sum of the weights, so that a text of uninformative tokens
    stays near zero.
    """

    config_class = StaticConfig
    backend = "static"
    shares_weights = True

    def __init__(self, config: StaticConfig) -> None:
        super().__init__(config)
        if config.folded:
            del self.embedding
            self.table = StoredTable(config.vocabulary, config.width, config.table)
        else:
            self.weight = nn.Parameter(torch.ones(config.vocabulary, 1))
        if config.hidden:
            self.hidden = nn.Linear(config.width, config.hidden)
        self._add_head(config.hidden or config.width)

    def set_vectors(self, vectors: NDArray[np.float32]) -> None:
        """Initialise token vectors at a larger scale than random ones, because averaging shrinks them."""
        super().set_vectors(vectors * PRETRAINED_SCALE)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the weighted vectors of (rows, tokens) token ids."""
        vectors: torch.Tensor = self.table(ids) if self.config.folded else self.embedding(ids)
        return vectors if self.config.folded else vectors * F.embedding(ids, self.weight)

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the mean, or the output of the hidden layer if there is one."""
        counts = mask.unsqueeze(-1).to(embedded.dtype)
        mean = (embedded * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1.0)
        if not self.config.hidden:
            return mean
        layer: torch.Tensor = self.hidden(mean)
        return torch.relu(layer)

    @torch.no_grad()
    def to_stored(self) -> StaticForEmotion:
        """Return the network with its weights folded into the table, in the type that the configuration sets."""
        config = StaticConfig(**{**self.config.to_dict(), "folded": True})
        folded = StaticForEmotion(config)
        folded.table.take(self.embedding.weight * self.weight)
        folded.table.rows[PADDING] = 0
        folded.head = self.head
        if config.hidden:
            folded.hidden = self.hidden
        folded.eval()
        return folded


AutoConfig.register("insula-static", StaticConfig)
AutoModelForSequenceClassification.register(StaticConfig, StaticForEmotion)
