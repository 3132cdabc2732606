"""`static`: a weighted average of token vectors, and a small head; what is trained, and the form it is kept in.

As Model2Vec (Tulkens and van Dongen 2024) and fastText (Joulin et al. 2016), with one learnt weight a token, so that
training finds what the frequency weights of Arora et al. (2017) approximate. After training the weights are folded
into the table, and the table may be stored in fewer bits.
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
GIVEN_SCALE = 3.0  # times the scale of random vectors


class StaticConfig(ScratchConfig):
    """Settings of `StaticForEmotion`.

    hidden  width of the layer between the average and the head; 0 for none
    table   how the folded table is stored: float32, float16, or int8 with a scale a row
    folded  True for what stands in a model folder, False while it is trained
    """

    model_type = "insula-static"

    def __init__(self, hidden: int = 0, table: str = "float32", folded: bool = False, **kwargs: Any) -> None:
        self.hidden = hidden
        self.table = table
        self.folded = folded
        super().__init__(**kwargs)


class StoredTable(nn.Module):
    """Token vectors as they are stored; `forward` gives float32."""

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
        """Return the vectors of (rows, tokens) token numbers."""
        vectors = F.embedding(ids, self.rows).float()
        return vectors * F.embedding(ids, self.scales) if self.rows.dtype == torch.int8 else vectors


class StaticForEmotion(ScratchNetwork):
    """Token vectors times the weight of their token, the mean over the text, ReLU layer where there is one, head.

    The sum is divided by the number of tokens, not by the sum of weights: a text of tokens that say little stays near
    zero.
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
        """Start from given vectors; they say more than random ones, and an average makes them small."""
        super().set_vectors(vectors * GIVEN_SCALE)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the weighted vectors of (rows, tokens) token numbers."""
        vectors: torch.Tensor = self.table(ids) if self.config.folded else self.embedding(ids)
        return vectors if self.config.folded else vectors * F.embedding(ids, self.weight)

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the mean, or what the hidden layer makes of it."""
        counts = mask.unsqueeze(-1).to(embedded.dtype)
        mean = (embedded * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1.0)
        if not self.config.hidden:
            return mean
        layer: torch.Tensor = self.hidden(mean)
        return torch.relu(layer)

    @torch.no_grad()
    def to_stored(self) -> StaticForEmotion:
        """Return the network with its weights folded into the table, stored as the configuration says."""
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
