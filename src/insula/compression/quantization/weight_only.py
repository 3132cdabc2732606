"""Weight-only quantisation of products: few bits per weight, activations in float32.

`pack_products`: 4 or 8 bits and a scale per block of 32 weights (operator MatMulNBits of ONNX Runtime, domain
com.microsoft). Small on disk and in memory, slower than float32. Dettmers and Zettlemoyer 2023, section 3, explain why
small blocks keep 4 bits useful.

`store_products`: 8 bits and a scale per output, in standard operators on constants, which a runtime computes once when
it opens the model. Small on disk; as fast as float32 and as large in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insula.compression.quantization.graph import CONTRIB, Graph, make_node
from insula.compression.quantization.rounding import round_to_levels

Bits = Literal[4, 8]
MAX_LEVEL = 127


def pack_products(
    graph: Graph,
    bits: Bits,
    *,
    block: int = 32,
    samples: Mapping[str, NDArray[np.float32]] | None = None,
    keep: Collection[str] = (),
) -> list[str]:
    """Rewrite the products of the graph except those in `keep`; return the names of the rewritten products.

    block    the number of weights that share a scale
    samples  activation name to (rows, width) vectors, on which rounding minimises the error of the products
    """
    done = []
    for product in graph.find_products():
        if product.name in keep:
            continue
        weight = graph.read_constant(product.weight)
        seen = None if samples is None else samples[product.activation]
        packed, scales = pack_blocks(weight, bits, block, seen)
        name = f"{product.name}.insula"
        inputs = [
            product.activation,
            graph.add_constant(f"{name}.uint{bits}", packed),
            graph.add_constant(f"{name}.scale", scales),
        ]
        size = {"K": weight.shape[0], "N": weight.shape[1], "bits": bits, "block_size": block}
        graph.replace(product.name, [make_node("MatMulNBits", inputs, product.name, domain=CONTRIB, **size)])
        done.append(product.name)
    return done


def store_products(graph: Graph, *, samples: Mapping[str, NDArray[np.float32]] | None = None) -> list[str]:
    """Store the weights of all products in 8 bits; return the names of the products. `samples` as above."""
    done = []
    for product in graph.find_products():
        weight = graph.read_constant(product.weight)
        scales = (np.maximum(np.abs(weight).max(axis=0), 1e-12) / MAX_LEVEL).astype(np.float32)
        seen = None if samples is None else samples[product.activation]
        levels = round_to_levels(weight, scales, -MAX_LEVEL, MAX_LEVEL, seen).astype(np.int8)
        name = f"{product.name}.insula"
        graph.replace(
            product.name,
            [
                make_node("Cast", [graph.add_constant(f"{name}.int8", levels)], f"{name}.levels", to=1),
                make_node("Mul", [f"{name}.levels", graph.add_constant(f"{name}.scale", scales)], f"{name}.weight"),
                make_node("MatMul", [product.activation, f"{name}.weight"], product.name),
            ],
        )
        done.append(product.name)
    return done


def pack_blocks(
    weight: NDArray[np.float32], bits: Bits, block: int, seen: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return bytes (outputs, blocks, block * bits / 8) and scales (outputs * blocks,) of an (inputs, outputs) matrix.

    Levels are stored with an offset of 2^(bits - 1), which the operator subtracts; the lower four bits come first.
    `seen` as for `round_to_levels`.
    """
    inputs, outputs = weight.shape
    blocks, middle = -(-inputs // block), 2 ** (bits - 1)
    padded = np.zeros((blocks * block, outputs), dtype=np.float32)
    padded[:inputs] = weight
    padded = padded.reshape(blocks, block, outputs)
    # The value of largest magnitude is at the end of the range that has one more level.
    place = np.abs(padded).argmax(axis=1, keepdims=True)
    scales = (np.take_along_axis(padded, place, axis=1) / -middle).astype(np.float32)
    steps = np.where(scales == 0, np.float32(1.0), scales)
    each = np.repeat(steps, block, axis=1).reshape(-1, outputs)[:inputs]
    levels = np.full((blocks * block, outputs), middle, dtype=np.uint8)
    levels[:inputs] = round_to_levels(weight, each, -middle, middle - 1, seen) + middle
    packed = np.ascontiguousarray(levels.T).reshape(outputs, blocks, block)
    if bits == 4:
        packed = packed[:, :, 0::2] | (packed[:, :, 1::2] << 4)
    return packed, np.ascontiguousarray(scales[:, 0].T).reshape(-1)
