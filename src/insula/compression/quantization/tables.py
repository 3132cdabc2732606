"""Quantised embedding tables, because token vectors are most of the size of a small encoder.

Each row has a scale. Vectors are dequantised after the look-up, only for the tokens of the text, with standard ONNX
operators that every runtime supports.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from insula.compression.quantization.graph import EmbeddingTable, Graph, make_node

Bits = Literal[4, 8]


def quantize_tables(graph: Graph, bits: Bits = 8) -> None:
    """Replace every embedding table of the graph by `bits` per value and a float32 scale per row."""
    for number, table in enumerate(graph.find_tables()):
        _replace(graph, table, f"insula.table{number}", bits)


def _replace(graph: Graph, table: EmbeddingTable, name: str, bits: Bits) -> None:
    values = graph.read_constant(table.weight)
    if bits == 4 and values.shape[1] % 2:
        bits = 8  # two values share a byte
    levels, scales = quantize_rows(values, bits)
    scale = graph.add_constant(f"{name}.scale", scales[:, None])
    nodes = [make_node("Gather", [scale, table.numbers], f"{name}.scales")]
    if bits == 8:
        packed = graph.add_constant(f"{name}.int8", levels.astype(np.int8))
        nodes += [
            make_node("Gather", [packed, table.numbers], f"{name}.levels"),
            make_node("Cast", [f"{name}.levels"], f"{name}.values", to=1),
        ]
    else:
        # The low bits have the left half of a vector and the high bits the right half, without interleaving.
        left, right = np.split((levels + 8).astype(np.uint8), 2, axis=1)
        packed = graph.add_constant(f"{name}.uint4x2", left | (right << 4))
        low = graph.add_constant("insula.low_bits", np.array(15, dtype=np.uint8))
        four = graph.add_constant("insula.four", np.array(4, dtype=np.uint8))
        middle = graph.add_constant("insula.middle", np.array(8, dtype=np.float32))
        nodes += [
            make_node("Gather", [packed, table.numbers], f"{name}.packed"),
            make_node("BitwiseAnd", [f"{name}.packed", low], f"{name}.left"),
            make_node("BitShift", [f"{name}.packed", four], f"{name}.right", direction="RIGHT"),
            make_node("Concat", [f"{name}.left", f"{name}.right"], f"{name}.levels", axis=-1),
            make_node("Cast", [f"{name}.levels"], f"{name}.unsigned", to=1),
            make_node("Sub", [f"{name}.unsigned", middle], f"{name}.values"),
        ]
    graph.replace(table.name, [*nodes, make_node("Mul", [f"{name}.values", f"{name}.scales"], table.name)])


def quantize_rows(values: NDArray[np.float32], bits: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return integer levels in [-2^(bits-1) + 1, 2^(bits-1) - 1] and a scale per row, with `levels * scale` ≈ `values`.

    At 4 bits the scale has the least squared error among 16 reduced scales, which clip the largest values of a vector
    and represent the others more precisely.
    """
    most = 2 ** (bits - 1) - 1
    largest = np.maximum(np.abs(values).max(axis=1), np.finfo(np.float32).tiny * most)
    best = np.full(len(values), np.inf)
    chosen = np.empty(len(values), dtype=np.float32)
    for share in np.linspace(1.0, 0.4, 16) if bits < 8 else (1.0,):
        scales = (share * largest / most).astype(np.float32)
        error = ((_round_to_levels(values, scales, most) * scales[:, None] - values) ** 2).sum(axis=1)
        chosen = np.where(error < best, scales, chosen)
        best = np.minimum(best, error)
    return _round_to_levels(values, chosen, most).astype(np.int64), chosen


def _round_to_levels(values: NDArray[np.float32], scales: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    levels: NDArray[np.float32] = np.clip(np.rint(values / scales[:, None]), -most, most)
    return levels
