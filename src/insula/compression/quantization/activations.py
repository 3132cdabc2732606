"""Samples the activations of a model on real texts: the input vectors of each matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from insula.compression.quantization.graph import Graph
from insula.inference.onnx_backend import open_session

VECTORS_PER_TEXT = 4


def sample_activations(
    graph: Graph, tokens: Sequence[NDArray[np.int64]], *, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Return (rows, width) vectors of random tokens, by name of the activation, for the inputs of matrix products.

    tokens  texts as token ids; each runs alone, so that no vector is padding
    """
    names = list(dict.fromkeys(product.activation for product in graph.find_products()))
    if not names:
        return {}
    session = open_session(graph.to_bytes(outputs=names))
    random = np.random.default_rng(seed)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for row in tokens:
        ids = row[None]
        for name, values in zip(
            names, session.run(names, {"input_ids": ids, "attention_mask": np.ones_like(ids)}), strict=True
        ):
            vectors = values.reshape(-1, values.shape[-1])
            some = random.choice(len(vectors), size=min(VECTORS_PER_TEXT, len(vectors)), replace=False)
            found[name].append(vectors[some])
    return {name: np.concatenate(vectors) for name, vectors in found.items()}
