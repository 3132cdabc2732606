"""Fit the network that reads kinds of messages on the invented messages of `scripts/message_kinds`.

    python scripts/fit_message_kinds.py

The network begins with the last layers of the starter model, in 32 bits again, and reads the layer below them. A tenth
of the messages is held out, and the accuracy on it is printed. It takes a quarter of an hour on one core, and writes
src/insula/empathy/kinds.safetensors. Run it again after a change of the starter model or of the messages.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import load, numpy_helper
from safetensors.numpy import save_file
from torch.nn.functional import cross_entropy
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

from insula.core.arrays import Float32Array
from insula.empathy.encoder import FIRST_TRAINED_LAYER, load_message_encoder
from insula.empathy.kind_network import EPSILON, NORMS, PRODUCTS
from insula.empathy.kinds import KINDS, NAMES, WEIGHTS
from insula.models.locate import STARTER_FOLDER

ROOT = Path(__file__).parents[1]
EPOCHS, ROWS, SEED = 4, 32, 0
LEARNING_RATE, HEAD_LEARNING_RATE = 2e-4, 2e-3
SMOOTHING = 0.1  # of labels: a message can be of two kinds
# Where each matrix of `PRODUCTS` and each norm of `NORMS` is in a layer, and the activation that the product reads.
_MODULES = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
_NORM_MODULES = ("attention.output.LayerNorm", "output.LayerNorm")


def read_messages(language: str) -> tuple[list[str], list[str]]:
    """Return the messages of a language and their kinds."""
    texts: list[str] = []
    kinds: list[str] = []
    kind = ""
    for line in (ROOT / "scripts" / "message_kinds" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            texts.append(line)
            kinds.append(kind)
    return texts, kinds


class Network(torch.nn.Module):
    """The last layers of the starter model, a mean, and a linear layer; as `KindNetwork` computes them."""

    def __init__(self) -> None:
        super().__init__()
        weights = {
            one.name: numpy_helper.to_array(one) for one in load(str(STARTER_FOLDER / "model.onnx")).graph.initializer
        }
        products = sorted((name for name in weights if name.endswith(".insula.int8")), key=_read_number)
        width = len(weights["model.backbone.embeddings.LayerNorm.bias"])
        config = BertConfig(
            hidden_size=width, num_attention_heads=12, intermediate_size=4 * width, hidden_act="gelu_pytorch_tanh",
            layer_norm_eps=EPSILON, attn_implementation="eager",
        )  # fmt: skip
        total = len(products) // len(PRODUCTS)
        self.layers = torch.nn.ModuleList()
        for number in range(FIRST_TRAINED_LAYER, total):
            layer = BertLayer(config)
            first = number * len(PRODUCTS)
            for path, product, read in zip(
                _MODULES, products[first : first + len(PRODUCTS)], _list_inputs(number), strict=True
            ):
                module = layer.get_submodule(path)
                module.weight.data = torch.from_numpy(_dequantise(weights, product, read).T.copy())
                module.bias.data = torch.from_numpy(
                    weights[f"model.backbone.encoder.layer.{number}.{path}.bias"].copy()
                )
            for path in _NORM_MODULES:
                for part in ("weight", "bias"):
                    stored = weights[f"model.backbone.encoder.layer.{number}.{path}.{part}"]
                    getattr(layer.get_submodule(path), part).data = torch.from_numpy(stored.copy())
            self.layers.append(layer)
        self.drop = torch.nn.Dropout(0.2)
        self.kinds = torch.nn.Linear(width, len(NAMES))

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (rows, kinds) logits for (rows, tokens, width) states and their (rows, tokens) mask."""
        hidden = (1 - mask[:, None, None, :]) * torch.finfo(torch.float32).min
        for layer in self.layers:
            found = layer(states, hidden)
            states = found[0] if isinstance(found, tuple) else found
        weights = mask[:, :, None]
        return self.kinds(self.drop((states * weights).sum(1) / weights.sum(1)))

    def list_tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return the tensors that `KindNetwork` reads."""
        tensors: dict[str, NDArray[np.generic]] = {
            "kinds.weight": self.kinds.weight.detach().numpy().T.copy(),
            "kinds.bias": self.kinds.bias.detach().numpy().copy(),
        }
        for number, layer in enumerate(self.layers):
            for name, path in zip(PRODUCTS, _MODULES, strict=True):
                module = layer.get_submodule(path)
                weight = np.ascontiguousarray(module.weight.detach().numpy().T)  # the file ignores strides
                scale = np.abs(weight).max(axis=0) / 127
                tensors[f"{number}.{name}.weight"] = np.round(weight / scale).astype(np.int8)
                tensors[f"{number}.{name}.scale"] = scale.astype(np.float32)
                tensors[f"{number}.{name}.bias"] = module.bias.detach().numpy().copy()
            for name, path in zip(NORMS, _NORM_MODULES, strict=True):
                module = layer.get_submodule(path)
                tensors[f"{number}.{name}.weight"] = module.weight.detach().numpy().copy()
                tensors[f"{number}.{name}.bias"] = module.bias.detach().numpy().copy()
        return tensors


def _read_number(name: str) -> int:
    return int(name.split("_")[1].split(".")[0])


def _list_inputs(number: int) -> tuple[str, ...]:
    """Return the names of the activations that the products of a layer read."""
    first = f"layer_norm_{2 * number}" if number else "layer_norm"
    again = f"_{number}" if number else ""
    return (first,) * 3 + (f"scaled_dot_product_attention{again}", f"layer_norm_{2 * number + 1}", f"gelu{again}")


def _dequantise(weights: dict[str, NDArray[np.generic]], product: str, read: str) -> Float32Array:
    """Return the (inputs, outputs) matrix of a product, with the factors of its inputs multiplied in."""
    name = product.removesuffix("int8")
    matrix = (weights[product].astype(np.float32) - weights[f"{name}zero"].astype(np.float32)) * weights[f"{name}scale"]
    factors = weights.get(f"{read}.insula.factors")
    return np.asarray(matrix if factors is None else matrix * factors[:, None], dtype=np.float32)


def train(states: list[torch.Tensor], labels: torch.Tensor, rows: NDArray[np.intp]) -> Network:
    """Return a network trained on some of the texts."""
    torch.manual_seed(SEED)
    random.seed(SEED)
    network = Network()
    optimiser = torch.optim.AdamW(
        [
            {"params": network.layers.parameters(), "lr": LEARNING_RATE},
            {"params": network.kinds.parameters(), "lr": HEAD_LEARNING_RATE},
        ],
        weight_decay=0.01,
    )
    steps = EPOCHS * -(-len(rows) // ROWS)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1, (step + 1) / (0.1 * steps)) * max(0.02, 1 - step / steps)
    )
    for epoch in range(EPOCHS):
        network.train()
        total = 0.0
        for batch in _iterate_batches(states, np.random.default_rng(SEED + epoch).permutation(rows)):
            loss = cross_entropy(
                network(*_pad([states[row] for row in batch])), labels[batch], label_smoothing=SMOOTHING
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total / len(rows):.3f}", flush=True)
    return network.eval()


def _iterate_batches(states: list[torch.Tensor], rows: NDArray[np.intp]) -> list[list[int]]:
    """Return batches of rows of similar lengths, in any order."""
    batches = []
    for start in range(0, len(rows), 20 * ROWS):
        some = sorted(rows[start : start + 20 * ROWS].tolist(), key=lambda row: len(states[row]))
        batches += [some[first : first + ROWS] for first in range(0, len(some), ROWS)]
    random.shuffle(batches)
    return batches


def _pad(some: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    states = torch.nn.utils.rnn.pad_sequence(some, batch_first=True)
    lengths = torch.tensor([len(one) for one in some])
    return states, (torch.arange(states.shape[1])[None] < lengths[:, None]).float()


def main() -> int:
    """Fit, measure and write; return the exit status."""
    torch.set_num_threads(1)
    texts, kinds = [list(parts) for parts in zip(*(read_messages(one) for one in ("en", "zh")), strict=True)]
    joined, names = [*texts[0], *texts[1]], [*kinds[0], *kinds[1]]
    encoder = load_message_encoder()
    states = [torch.from_numpy(np.array(encoder.read_states(text))) for text in joined]
    labels = torch.tensor([NAMES.index(name) for name in names])
    rows = np.random.default_rng(SEED).permutation(len(joined))
    held, kept = rows[: len(rows) // 10], rows[len(rows) // 10 :]
    network = train(states, labels, kept)
    with torch.no_grad():
        found = np.array([int(network(*_pad([states[row]])).argmax()) for row in held])
    for language, wanted in (("en", held < len(texts[0])), ("zh", held >= len(texts[0]))):
        pairs = [(NAMES[a], names[b]) for a, b in zip(found[wanted], held[wanted], strict=True)]
        right = np.mean([a == b for a, b in pairs])
        polarity = np.mean([KINDS[a].polarity == KINDS[b].polarity for a, b in pairs])
        print(f"{language}  kind {right:.3f}, polarity {polarity:.3f}, {len(pairs)} messages held out", flush=True)
    save_file(network.list_tensors(), ROOT / "src" / "insula" / "empathy" / WEIGHTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
