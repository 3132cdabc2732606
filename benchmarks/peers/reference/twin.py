"""The reference network in plain torch: the shapes, first weights and losses of the Keras model, many times faster."""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

LAYERS = 2


class Twin(nn.Module):
    """Embedding, two LSTM layers of which the last step counts, one dense layer; logits out.

    First weights by the rules of Keras: uniform in -0.05 to 0.05 for the embedding, Glorot uniform kernels, orthogonal
    recurrent kernels, biases 0 but 1 for the forget gate. Keras has one bias a gate: torch's second stays 0.
    """

    def __init__(self, words: int, width: int, outputs: int, *, masking: bool) -> None:
        super().__init__()
        self.masking = masking
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, width, num_layers=LAYERS, batch_first=True)
        self.dense = nn.Linear(width, outputs)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        for layer in range(LAYERS):
            kernel, recurrent, bias, second = self._of_layer(layer)
            nn.init.xavier_uniform_(kernel)
            with torch.no_grad():
                recurrent.copy_(nn.init.orthogonal_(torch.empty(width, 4 * width)).T)
                bias.zero_()
                bias[width : 2 * width] = 1.0
                second.zero_()
            second.requires_grad_(False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return (rows, outputs) logits of (rows, steps) word numbers, padded with 0 behind."""
        lengths = (tokens != 0).sum(dim=1)
        if not self.masking:
            last: torch.Tensor = self.lstm(self.embedding(tokens))[1][0][-1]
            return self.dense(last)
        longest = int(lengths.max().clamp(min=1))
        states = pack_padded_sequence(
            self.embedding(tokens[:, :longest]), lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        # A masked step keeps the state before it, so a text without any word keeps the first state, which is 0.
        last = self.lstm(states)[1][0][-1] * (lengths > 0).unsqueeze(1)
        return self.dense(last)

    def keras_weights(self) -> list[np.ndarray]:
        """Return the weights in the order and shape of the Keras model."""
        found = [self.embedding.weight]
        for layer in range(LAYERS):
            kernel, recurrent, bias, _ = self._of_layer(layer)
            found += [kernel.T, recurrent.T, bias]
        return [weight.detach().numpy().copy() for weight in (*found, self.dense.weight.T, self.dense.bias)]

    def _of_layer(self, layer: int) -> tuple[torch.Tensor, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(getattr(self.lstm, f"{name}_l{layer}") for name in names)


def loss_of(kind: str, logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """Return binary cross-entropy (mean over outputs) for sigmoid outputs, cross-entropy for softmax."""
    return F.cross_entropy(logits, gold) if kind == "single" else F.binary_cross_entropy_with_logits(logits, gold)


@torch.no_grad()
def predict(model: nn.Module, kind: str, tokens: torch.Tensor, batch: int = 256) -> torch.Tensor:
    """Return (rows, outputs) probabilities."""
    model.eval()
    logits = torch.cat([model(part) for part in tokens.split(batch)])
    return logits.softmax(dim=1) if kind == "single" else logits.sigmoid()


def fit(model: Twin, kind: str, train: Any, validation: Any, options: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train with Adam and early stopping on validation loss, best weights restored; return the facts of it.

    train, validation   tensors (rows, steps) of word numbers and (rows, outputs) of gold
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3, eps=1e-7)
    best, kept, since, losses = float("inf"), copy.deepcopy(model.state_dict()), 0, []
    began = time.monotonic()
    for epoch in range(options["epochs"]):
        model.train()
        for rows in torch.randperm(len(train[0]), generator=generator).split(options["batch"]):
            optimizer.zero_grad()
            loss_of(kind, model(train[0][rows]), train[1][rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            parts = zip(validation[0].split(256), validation[1].split(256), strict=True)
            total = sum(float(loss_of(kind, model(x), y)) * len(x) for x, y in parts)
        losses.append(total / len(validation[0]))
        print(f"epoch {epoch + 1}: validation loss {losses[-1]:.4f}, {time.monotonic() - began:.0f} s", flush=True)
        since += 1
        if losses[-1] < best:
            best, kept, since = losses[-1], copy.deepcopy(model.state_dict()), 0
        if since == options["patience"]:
            break
    model.load_state_dict(kept)
    return {"train_seconds": time.monotonic() - began, "epochs": len(losses), "validation_losses": losses}
