"""Measures the sensitivity to INT8: the change of the logits if only the products of one activation are quantised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from insula.compression.quantization.graph import Graph
from insula.compression.quantization.static_int8 import ActivationScale, quantize_matmuls
from insula.inference.onnx_backend import open_session
from insula.inference.token_backend import run_in_batches


def measure_sensitivities(
    graph: Graph, scales: Mapping[str, ActivationScale], tokens: Sequence[NDArray[np.int64]], outputs: int
) -> dict[str, float]:
    """Return the mean squared change of the logits on these texts, by name of the activation, most sensitive first.

    All products of one activation share its quantised values, and are quantised together or not at all.
    """
    products = graph.find_products()

    def compute_logits(one: Graph) -> NDArray[np.float32]:
        session = open_session(one.to_bytes())
        return run_in_batches(
            tokens,
            outputs,
            lambda ids, mask: session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0],
        )

    wanted, found = compute_logits(graph), {}
    for activation in dict.fromkeys(product.activation for product in products):
        alone = graph.copy()
        quantize_matmuls(alone, scales, keep=[one.name for one in products if one.activation != activation])
        found[activation] = float(np.square(compute_logits(alone) - wanted).mean())
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))
