"""Importance of each layer, attention head and feed-forward neuron of a trained encoder, on training rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from insula.core.arrays import Float64Array
from insula.core.progress import Progress
from insula.inference.batching import iterate_batches
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.pruning import find_bert_layers
from insula.training.loss_terms.term import Batch
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows, collate

TOKENS_PER_BATCH = 2048


@dataclass(frozen=True)
class Importance:
    """Importance scores; higher is more important, and scores of different layers are not comparable.

    layers   (layers,) 1 - mean cosine between input and output of a layer (Men et al. 2024, ShortGPT)
    heads    for each layer (heads,): the mean over rows of |sum of gradient x activation| of the head's output (Michel
             et al. 2019, equation 5)
    neurons  for each layer (neurons,): the same for each neuron (Molchanov et al. 2019)
    """

    layers: Float64Array
    heads: Sequence[Float64Array]
    neurons: Sequence[Float64Array]


def measure_importance(
    model: EncoderForEmotion, rows: TokenRows, chosen: Sequence[int], terms: LossTerms, progress: Progress
) -> Importance:
    """Return the importance of the layers, heads and neurons of `model`, by one backward pass over the `chosen` rows.

    Leaves the model in evaluation mode, since dropout would distort the measurement. Raises `RecipeError` for a model
    without BERT's layer structure.
    """
    layers = find_bert_layers(model.backbone)
    model.eval()
    influence = np.zeros(len(layers))
    heads = [np.zeros(layer.attention.self.num_attention_heads) for layer in layers]
    neurons = [np.zeros(layer.intermediate.dense.out_features) for layer in layers]
    tokens = 0
    progress.start("importance", total=len(chosen))
    with _record_activations(layers) as seen:
        for batch in iterate_batches([len(rows.tokens[row]) for row in chosen], tokens=TOKENS_PER_BATCH):
            labelled = Batch.of(collate([rows[chosen[number]] for number in batch]))
            mask = labelled.inputs["attention_mask"]
            losses = terms.compute_validation_loss(labelled, terms.network(model, training=False)(labelled.inputs))
            loss = (losses * labelled.weights).sum()
            gradients = torch.autograd.grad(loss, [*seen.heads, *seen.neurons])
            for number, layer in enumerate(layers):
                influence[number] += _sum_cosine_distance(*seen.record_states[number], mask)
                size = layer.attention.self.attention_head_size
                by_unit = _estimate_change(gradients[number], seen.heads[number])
                by_head = by_unit.reshape(len(by_unit), -1, size).sum(dim=2)
                heads[number] += by_head.abs().sum(dim=0).numpy()
                by_neuron = _estimate_change(gradients[len(layers) + number], seen.neurons[number])
                neurons[number] += by_neuron.abs().sum(dim=0).numpy()
            tokens += int(mask.sum())
            progress.advance(len(batch))
            seen.clear()
    progress.finish()
    rows_seen = max(len(chosen), 1)
    return Importance(
        influence / max(tokens, 1), [one / rows_seen for one in heads], [one / rows_seen for one in neurons]
    )


@dataclass
class _Activations:
    """The activations of one forward pass, layer by layer.

    states   input and output of a layer, (rows, tokens, width) each
    heads    (rows, tokens, heads * size) outputs of the attention heads, with gradient
    neurons  (rows, tokens, neurons), with gradient
    """

    record_states: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)
    heads: list[torch.Tensor] = field(default_factory=list)
    neurons: list[torch.Tensor] = field(default_factory=list)

    def clear(self) -> None:
        for kept in (self.record_states, self.heads, self.neurons):
            kept.clear()


@contextlib.contextmanager
def _record_activations(layers: Sequence[Any]) -> Iterator[_Activations]:
    seen = _Activations()

    def states(_: Any, inputs: tuple[torch.Tensor, ...], output: Any) -> None:
        out = output[0] if isinstance(output, tuple) else output
        seen.record_states.append((inputs[0].detach(), out.detach()))

    hooks = []
    for layer in layers:
        hooks += [
            layer.register_forward_hook(states),
            layer.attention.output.dense.register_forward_pre_hook(lambda _, given: seen.heads.append(given[0])),
            layer.output.dense.register_forward_pre_hook(lambda _, given: seen.neurons.append(given[0])),
        ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _sum_cosine_distance(before: torch.Tensor, after: torch.Tensor, mask: torch.Tensor) -> float:
    """Return the sum of 1 - cosine over all tokens that are not padding."""
    apart = 1.0 - F.cosine_similarity(before.double(), after.double(), dim=-1)
    return float((apart * mask).sum())


def _estimate_change(gradient: torch.Tensor, activation: torch.Tensor) -> torch.Tensor:
    """Return (rows, units): the first-order change of a row's loss if the unit were removed."""
    return (gradient.double() * activation.detach().double()).sum(dim=1)
