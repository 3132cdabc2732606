"""Static INT8 products: a fixed scale per activation, and a scale per column of the weights.

Dynamic quantisation, with a scale per batch, would make the scores of a text depend on the other texts. Each product
becomes QuantizeLinear, DequantizeLinear, MatMul, which ONNX Runtime runs as one integer product; bias, attention and
norms stay in float32.

Weights have 7 bits, [-63, 63], in the 8-bit type. On x86 without VNNI, the product of unsigned and signed bytes adds
two neighbours in 16 bits, where 255 * 127 * 2 silently saturates. 255 * 63 * 2 does not, so that the same file is
correct on every processor.

A few channels of encoders have values five times as large as all others, and a common scale would leave the others with
few levels. Such outlier channels are divided and their weights multiplied, if this reduces the error of the product
(SmoothQuant: Xiao et al. 2023, equation 3, with factors only for outlier channels).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from insula.compression.quantization.graph import Graph, make_node
from insula.compression.quantization.rounding import round_to_levels

WEIGHT_BITS = 7
MAX_LEVEL = 2 ** (WEIGHT_BITS - 1) - 1
_SHARES = (1.0, 0.9, 0.8, 0.65, 0.5)  # of the sampled range; values outside are clipped
_CEILINGS = (0.6, 0.4, 0.28, 0.2, 0.14)  # times the largest channel: larger channels are divided down to it
_MAX_ROWS = 512
_MAX_ERROR_RATIO = 0.8  # division costs a pass over the activation, so it must reduce the error to this share


@dataclass(frozen=True)
class ActivationScale:
    """The quantisation of an activation: `round(value / divisor / scale) + zero`, clipped to [0, 255].

    divisors  (width,) divisors of at least 1 per channel; None for no division
    """

    scale: float
    zero: int
    divisors: NDArray[np.float32] | None = None

    @classmethod
    def of_range(cls, low: float, high: float, divisors: NDArray[np.float32] | None = None) -> ActivationScale:
        """Return the scale for values from `low` to `high`, after division. 0 is always represented exactly."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / 255, 1e-12)
        return cls(scale, int(np.clip(round(-low / scale), 0, 255)), divisors)

    def fake_quantize(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return divided values after quantisation and dequantisation."""
        levels = np.clip(np.rint(values / np.float32(self.scale)) + self.zero, 0, 255)
        back: NDArray[np.float32] = ((levels - self.zero) * self.scale).astype(np.float32)
        return back


def choose_scales(graph: Graph, samples: Mapping[str, NDArray[np.float32]]) -> dict[str, ActivationScale]:
    """Return one scale per activation, with the least squared error of its products among several candidates.

    samples  activation name to (rows, width) vectors from training texts
    """
    readers: dict[str, list[NDArray[np.float32]]] = {}
    for product in graph.find_products():
        readers.setdefault(product.activation, []).append(graph.read_constant(product.weight))
    return {name: _choose_scale(rows[:_MAX_ROWS], np.hstack(readers[name])) for name, rows in samples.items()}


def quantize_matmuls(
    graph: Graph,
    scales: Mapping[str, ActivationScale],
    *,
    samples: Mapping[str, NDArray[np.float32]] | None = None,
    keep: Collection[str] = (),
) -> list[str]:
    """Rewrite the products of the graph except those in `keep`; return the names of the rewritten products.

    samples  activation name to (rows, width) vectors, on which rounding minimises the error of the products
    """
    done, ready = [], set()
    for product in graph.find_products():
        if product.name in keep:
            continue
        at, weight = scales[product.activation], graph.read_constant(product.weight)
        nodes = []
        if product.activation not in ready:
            ready.add(product.activation)
            nodes = _to_bytes(graph, product.activation, at)
        seen = None if samples is None else samples[product.activation]
        if at.divisors is not None:
            weight = weight * at.divisors[:, None]
            seen = None if seen is None else seen / at.divisors
        levels, column = quantize_columns(weight, None if seen is None else at.fake_quantize(seen))
        right = f"{product.name}.insula"
        inputs: Sequence[str] = [
            graph.add_constant(f"{right}.int8", levels),
            graph.add_constant(f"{right}.scale", column),
            graph.add_constant(f"{right}.zero", np.zeros(len(column), dtype=np.int8)),
        ]
        nodes += [
            make_node("DequantizeLinear", inputs, f"{right}.weight", axis=1),
            make_node("MatMul", [f"{product.activation}.insula.back", f"{right}.weight"], product.name),
        ]
        graph.replace(product.name, nodes)
        done.append(product.name)
    return done


def quantize_columns(
    weight: NDArray[np.float32], seen: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return (inputs, outputs) 7-bit levels and the scale of each column; `seen` as for `round_to_levels`."""
    largest = np.maximum(np.abs(weight).max(axis=0), 1e-12)
    scale = (largest / MAX_LEVEL).astype(np.float32)
    return round_to_levels(weight, scale, -MAX_LEVEL, MAX_LEVEL, seen).astype(np.int8), scale


def _to_bytes(graph: Graph, activation: str, at: ActivationScale) -> list[onnx.NodeProto]:
    name = f"{activation}.insula"
    scale = graph.add_constant(f"{name}.scale", np.array(at.scale, dtype=np.float32))
    zero = graph.add_constant(f"{name}.zero", np.array(at.zero, dtype=np.uint8))
    nodes, given = [], activation
    if at.divisors is not None:
        factors = graph.add_constant(f"{name}.factors", (1 / at.divisors).astype(np.float32))
        given = f"{name}.even"
        nodes.append(make_node("Mul", [activation, factors], given))
    return [
        *nodes,
        make_node("QuantizeLinear", [given, scale, zero], f"{name}.uint8"),
        make_node("DequantizeLinear", [f"{name}.uint8", scale, zero], f"{name}.back"),
    ]


def _choose_scale(rows: NDArray[np.float32], weights: NDArray[np.float32]) -> ActivationScale:
    wanted = rows @ weights
    best, error = _choose_range(rows, weights, wanted, None)
    magnitudes = np.abs(rows).max(axis=0)
    for ceiling in _CEILINGS:
        divisors = np.maximum(1.0, magnitudes / (ceiling * max(magnitudes.max(), 1e-12))).astype(np.float32)
        divided, found = _choose_range(rows, weights, wanted, divisors)
        if found < (_MAX_ERROR_RATIO if best.divisors is None else 1.0) * error:
            best, error = divided, found
    return best


def _choose_range(
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    wanted: NDArray[np.float32],
    divisors: NDArray[np.float32] | None,
) -> tuple[ActivationScale, float]:
    if divisors is not None:
        rows, weights = rows / divisors, weights * divisors[:, None]
    levels, columns = quantize_columns(weights)
    rounded = levels * columns
    low, high = float(rows.min()), float(rows.max())
    tried = [ActivationScale.of_range(low * share, high * share, divisors) for share in _SHARES]
    errors = [float(np.square(one.fake_quantize(rows) @ rounded - wanted).sum()) for one in tried]
    place = int(np.argmin(errors))
    return tried[place], errors[place]
