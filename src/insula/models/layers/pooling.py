"""Pooling of token states to one vector per text: mean, first token, last token, or learnt attention."""

from __future__ import annotations

import torch
from torch import nn

POOLINGS = ("mean", "first", "attention", "last")


class Pooling(nn.Module):
    """`(rows, tokens, width)` states and `(rows, tokens)` mask to `(rows, width)`.

    mean       average over real tokens (Reimers and Gurevych 2019)
    first      the state of the first token ([CLS])
    attention  average weighted by a softmax of learnt token scores (Yang et al. 2016, without the hidden layer)
    last       the state of the last real token, for decoders: only this token attends to the whole text (Radford et al.
               2018)
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        if kind not in POOLINGS:
            raise ValueError(
                f"The kind of Pooling must be one of {', '.join(POOLINGS)}. Got {kind!r}. Choose one of these."
            )
        self.kind = kind
        if kind == "attention":
            self.score = nn.Linear(width, 1)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the pooled vectors. Padding (mask 0) has no effect."""
        if self.kind == "first":
            return states[:, 0]
        if self.kind == "last":
            last = (mask.sum(dim=1) - 1).clamp(min=0).view(-1, 1, 1)
            return states.gather(1, last.expand(-1, 1, states.shape[2])).squeeze(1)
        if self.kind == "attention":
            scores = self.score(states).squeeze(-1)  # autocast may change the type
            scores = scores.masked_fill(mask == 0, torch.finfo(scores.dtype).min)
            return torch.einsum("bt,btw->bw", scores.softmax(dim=-1), states)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
