"""The network that reads kinds of messages computes what its torch layers compute."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from insula.empathy.kind_network import EPSILON, NORMS, PRODUCTS, KindNetwork
from insula.empathy.kinds import NAMES, score_kinds

WIDTH, HEADS, KINDS, LAYERS = 24, 4, 5, 2
SIZES = dict.fromkeys(PRODUCTS, (WIDTH, WIDTH)) | {"wide": (WIDTH, 4 * WIDTH), "narrow": (4 * WIDTH, WIDTH)}


def random_tensors() -> dict[str, NDArray[np.generic]]:
    numbers = np.random.default_rng(0)
    tensors: dict[str, NDArray[np.generic]] = {
        "kinds.weight": numbers.normal(size=(WIDTH, KINDS)).astype(np.float32),
        "kinds.bias": numbers.normal(size=KINDS).astype(np.float32),
    }
    for layer in range(LAYERS):
        for name, (rows, columns) in SIZES.items():
            tensors[f"{layer}.{name}.weight"] = numbers.integers(-127, 128, (rows, columns)).astype(np.int8)
            tensors[f"{layer}.{name}.scale"] = numbers.uniform(0.0005, 0.002, columns).astype(np.float32)
            tensors[f"{layer}.{name}.bias"] = numbers.normal(size=columns).astype(np.float32)
        for name in NORMS:
            tensors[f"{layer}.{name}.weight"] = numbers.uniform(0.5, 1.5, WIDTH).astype(np.float32)
            tensors[f"{layer}.{name}.bias"] = numbers.normal(size=WIDTH).astype(np.float32)
    return tensors


def score_with_torch(tensors: dict[str, NDArray[np.generic]], states: NDArray[np.float32]) -> torch.Tensor:
    """Return the logits by torch's own attention, normalisation and activation."""

    def product(name: str, rows: torch.Tensor) -> torch.Tensor:
        weight = torch.from_numpy(tensors[f"{name}.weight"].astype(np.float32))
        scale = torch.from_numpy(np.asarray(tensors.get(f"{name}.scale", np.float32(1)), dtype=np.float32))
        return rows @ (weight * scale) + torch.from_numpy(tensors[f"{name}.bias"])

    def norm(name: str, rows: torch.Tensor) -> torch.Tensor:
        weight, bias = (torch.from_numpy(tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return functional.layer_norm(rows, (WIDTH,), weight, bias, EPSILON)

    rows = torch.from_numpy(states)
    for layer in range(LAYERS):
        query, key, value = (
            product(f"{layer}.{name}", rows).view(len(rows), HEADS, -1).transpose(0, 1) for name in PRODUCTS[:3]
        )
        joined = functional.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(len(rows), WIDTH)
        rows = norm(f"{layer}.attended_norm", rows + product(f"{layer}.attended", joined))
        wide = functional.gelu(product(f"{layer}.wide", rows), approximate="tanh")
        rows = norm(f"{layer}.narrow_norm", rows + product(f"{layer}.narrow", wide))
    return product("kinds", rows.mean(0))


def test_numpy_and_torch_agree() -> None:
    tensors = random_tensors()
    states = np.random.default_rng(1).normal(size=(7, WIDTH)).astype(np.float32)
    expected = score_with_torch(tensors, states)
    np.testing.assert_allclose(KindNetwork(tensors, heads=HEADS).score(states), expected.numpy(), rtol=1e-4, atol=1e-4)


def test_scores_of_all_kinds_are_probabilities() -> None:
    for text in ("The vet says it's time.", "五连胜！", "", "?", "word " * 2_000):
        scores = score_kinds(text)
        assert tuple(sorted(scores)) == NAMES
        assert abs(sum(np.exp(list(scores.values()))) - 1) < 1e-5


def test_the_network_alone_reads_plain_cases() -> None:
    cases = {
        "What time do you close on Sundays?": "fact",
        "爷爷走了三年了，我还是很想他。": "grief",
        "I won the race!": "pride",
    }
    for text, kind in cases.items():
        scores = score_kinds(text)
        assert max(scores, key=lambda name: scores[name]) == kind, text
