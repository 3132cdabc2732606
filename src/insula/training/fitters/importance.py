"""How much each layer, attention head and feed-forward neuron of a trained encoder does, measured on training rows."""

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
from insula.inference.batching import batches
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.pruning import bert_layers
from insula.training.loss_terms.term import Batch
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows, collate

TOKENS_A_BATCH = 2048


@dataclass(frozen=True)
class Importance:
    """Higher is more important; figures of different layers are not comparable.

    layers    (layers,) 1 - mean cosine between what a layer takes in and what it gives (Men et al. 2024, ShortGPT)
    heads     of each layer (heads,); neurons of each (neurons,): the mean over rows of |sum of gradient x activation|
              of the head's answer, of the neuron (Michel et al. 2019, equation 5; Molchanov et al. 2019)
    """

    layers: Float64Array
    heads: Sequence[Float64Array]
    neurons: Sequence[Float64Array]


def measure_importance(
    model: EncoderForEmotion, rows: TokenRows, chosen: Sequence[int], terms: LossTerms, progress: Progress
) -> Importance:
    """Return what the parts of `model` do for the loss on labels of the `chosen` rows, by one backward pass over each.

    The model is left as it was, but in evaluation mode: dropout would be measured too. Raises `RecipeError` where it
    is not BERT-shaped.
    """
    layers = bert_layers(model.backbone)
    model.eval()
    influence = np.zeros(len(layers))
    heads = [np.zeros(layer.attention.self.num_attention_heads) for layer in layers]
    neurons = [np.zeros(layer.intermediate.dense.out_features) for layer in layers]
    tokens = 0
    progress.start("importance", total=len(chosen))
    with _watched(layers) as seen:
        for batch in batches([len(rows.tokens[row]) for row in chosen], tokens=TOKENS_A_BATCH):
            given = Batch.of(collate([rows[chosen[number]] for number in batch]))
            mask = given.inputs["attention_mask"]
            losses = terms.validation_loss(given, terms.network(model, training=False)(given.inputs))
            loss = (losses * given.weights).sum()
            gradients = torch.autograd.grad(loss, [*seen.answers, *seen.neurons])
            for number, layer in enumerate(layers):
                influence[number] += _turned(*seen.states[number], mask)
                size = layer.attention.self.attention_head_size
                by_place = _taylor(gradients[number], seen.answers[number])
                by_head = by_place.reshape(len(by_place), -1, size).sum(dim=2)
                heads[number] += by_head.abs().sum(dim=0).numpy()
                by_neuron = _taylor(gradients[len(layers) + number], seen.neurons[number])
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
class _Seen:
    """What passed through the layers in one forward pass, layer after layer.

    states    what a layer took in and gave, (rows, tokens, width) each
    answers   (rows, tokens, heads * size) of the attention; `neurons` (rows, tokens, neurons), both with a gradient
    """

    states: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)
    answers: list[torch.Tensor] = field(default_factory=list)
    neurons: list[torch.Tensor] = field(default_factory=list)

    def clear(self) -> None:
        for kept in (self.states, self.answers, self.neurons):
            kept.clear()


@contextlib.contextmanager
def _watched(layers: Sequence[Any]) -> Iterator[_Seen]:
    seen = _Seen()

    def states(_: Any, given: tuple[torch.Tensor, ...], gave: Any) -> None:
        out = gave[0] if isinstance(gave, tuple) else gave
        seen.states.append((given[0].detach(), out.detach()))

    hooks = []
    for layer in layers:
        hooks += [
            layer.register_forward_hook(states),
            layer.attention.output.dense.register_forward_pre_hook(lambda _, given: seen.answers.append(given[0])),
            layer.output.dense.register_forward_pre_hook(lambda _, given: seen.neurons.append(given[0])),
        ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _turned(before: torch.Tensor, after: torch.Tensor, mask: torch.Tensor) -> float:
    """Return the sum of 1 - cosine over real tokens."""
    apart = 1.0 - F.cosine_similarity(before.double(), after.double(), dim=-1)
    return float((apart * mask).sum())


def _taylor(gradient: torch.Tensor, activation: torch.Tensor) -> torch.Tensor:
    """Return (rows, places): by how much the loss of a row would change, to first order, without that place."""
    return (gradient.double() * activation.detach().double()).sum(dim=1)
