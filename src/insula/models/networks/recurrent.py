"""`lstm` and `gru`: bidirectional recurrent layers with attention over their states."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from insula.models.layers.pooling import Pooling
from insula.models.networks.scratch import ScratchConfig, ScratchNetwork

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentConfig(ScratchConfig):
    """Settings of `RecurrentForEmotion`.

    cell           lstm (Hochreiter and Schmidhuber 1997) or gru (Cho et al. 2014)
    states         the width of the states per layer and direction
    layers         the number of stacked layers
    bidirectional  whether to read the text in both directions
    pooling        attention or mean
    """

    model_type = "insula-recurrent"

    def __init__(
        self,
        cell: str = "lstm",
        states: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: str = "attention",
        **kwargs: Any,
    ) -> None:
        self.cell = cell
        self.states = states
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        super().__init__(**kwargs)


class RecurrentForEmotion(ScratchNetwork):
    """Stacked recurrent layers, pooled.

    Both directions run forwards; the backward one gets the words of each row in reverse order. So both read the padding
    last, where it has no effect, and sequences need not be packed (ONNX has no packing).
    """

    config_class = RecurrentConfig

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        directions = 2 if config.bidirectional else 1
        widths = [config.width, *[config.states * directions] * (config.layers - 1)]
        cell = CELLS[config.cell]
        self.forwards = nn.ModuleList(cell(width, config.states, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(
            cell(width, config.states, batch_first=True) for width in widths if config.bidirectional
        )
        for direction in (*self.forwards, *self.backwards):
            _initialise(direction)
        self.pooling = Pooling(config.pooling, config.states * directions)
        self._add_head(config.states * directions)

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the pooled states of the last layer."""
        states, mirror = embedded, _mirror_positions(mask)
        for layer, forwards in enumerate(self.forwards):
            if layer > 0:
                states = self.dropout(states)
            read = forwards(states)[0]
            if self.config.bidirectional:
                back = _reorder_states(self.backwards[layer](_reorder_states(states, mirror))[0], mirror)
                read = torch.cat([read, back], dim=-1)
            states = read
        pooled: torch.Tensor = self.pooling(states, mask)
        return pooled


def _mirror_positions(mask: torch.Tensor) -> torch.Tensor:
    """Return (rows, tokens) positions that reverse the words of each row and keep its padding in place."""
    positions = torch.arange(mask.shape[1], device=mask.device).unsqueeze(0)
    lengths = mask.sum(dim=1, keepdim=True)
    return torch.where(positions < lengths, lengths - 1 - positions, positions)


def _reorder_states(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return states.gather(1, positions.unsqueeze(-1).expand(-1, -1, states.shape[2]))


def _initialise(cell: nn.Module) -> None:
    """Set orthogonal recurrent weights (Saxe et al. 2014) and LSTM forget biases of 1 (Jozefowicz et al. 2015)."""
    for name, parameter in cell.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.chunk(len(parameter) // parameter.shape[1]):
                nn.init.orthogonal_(gate.data)
        elif name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)
            if isinstance(cell, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(parameter.data[cell.hidden_size : 2 * cell.hidden_size])


AutoConfig.register("insula-recurrent", RecurrentConfig)
AutoModelForSequenceClassification.register(RecurrentConfig, RecurrentForEmotion)
