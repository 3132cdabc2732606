"""`Graph`: a `model.onnx` in memory, with constants as arrays and nodes that can be replaced."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

CONTRIB = "com.microsoft"
MIN_VALUES = 1024  # smaller constants are not worth the nodes that unpack them


@dataclass(frozen=True)
class MatrixProduct:
    """A MatMul of an activation with a constant (inputs, outputs) matrix."""

    name: str
    activation: str
    weight: str


@dataclass(frozen=True)
class EmbeddingTable:
    """A Gather of rows from a constant (rows, width) matrix."""

    name: str
    weight: str
    numbers: str


class Graph:
    """An ONNX graph that is rewritten step by step.

    Nodes are identified by their first output, which is unique in every valid graph, unlike their names.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        shown = {one.name for one in model.graph.output}
        for one in model.graph.node:
            one.ClearField("metadata_props")  # stack traces of torch, larger than all biases together
            one.ClearField("doc_string")
            # Not for the head, which is small and needs full precision.
            self._nodes += self._as_matmul(one) if one.op_type == "Gemm" and one.output[0] not in shown else [one]

    @classmethod
    def load(cls, file: Path) -> Graph:
        """Read a `model.onnx`."""
        return cls(onnx.load(file))

    def copy(self) -> Graph:
        """Return a copy that can be rewritten independently; it shares the arrays."""
        other = copy.copy(self)
        other._model = copy.copy(self._model)
        other._constants, other._nodes = dict(self._constants), list(self._nodes)
        return other

    def read_constant(self, name: str) -> NDArray[Any]:
        """Return the values of a constant."""
        return self._constants[name]

    def add_constant(self, name: str, values: NDArray[Any]) -> str:
        """Add or replace a constant; return its name."""
        self._constants[name] = values
        return name

    def find_products(self) -> list[MatrixProduct]:
        """Return the products with a large enough constant matrix, in order of computation."""
        return [
            MatrixProduct(node.output[0], node.input[0], node.input[1])
            for node in self._nodes
            if node.op_type == "MatMul" and self._is_matrix(node.input[1]) and node.input[0] not in self._constants
        ]

    def find_tables(self) -> list[EmbeddingTable]:
        """Return the embedding tables."""
        return [
            EmbeddingTable(node.output[0], node.input[0], node.input[1])
            for node in self._nodes
            if node.op_type == "Gather" and _get_axis(node) == 0 and self._is_matrix(node.input[0])
        ]

    def replace(self, name: str, nodes: Sequence[onnx.NodeProto]) -> None:
        """Replace the node whose first output is `name` by `nodes`, in order of computation."""
        place = next(i for i, node in enumerate(self._nodes) if node.output and node.output[0] == name)
        self._nodes[place : place + 1] = nodes

    def count_users(self, name: str) -> int:
        """Return the number of nodes that read a tensor."""
        return sum(name in node.input for node in self._nodes)

    def to_bytes(self, *, outputs: Iterable[str] | None = None) -> bytes:
        """Return the serialised graph without unused constants; `outputs` replaces its outputs."""
        content: bytes = self._build(outputs).SerializeToString()
        return content

    def save(self, file: Path) -> None:
        """Write the graph."""
        file.write_bytes(self.to_bytes())

    def _as_matmul(self, gemm: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Return a plain Gemm as MatMul and Add; another Gemm unchanged."""
        given = {one.name: helper.get_attribute_value(one) for one in gemm.attribute}
        is_plain = not given.get("transA", 0) and given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0
        if not is_plain or not self._is_matrix(gemm.input[1]):
            return [gemm]
        weight = gemm.input[1]
        if given.get("transB", 0):
            weight = self.add_constant(f"{weight}.turned", np.ascontiguousarray(self._constants[weight].T))
        if len(gemm.input) < 3:
            return [make_node("MatMul", [gemm.input[0], weight], gemm.output[0])]
        product = f"{gemm.output[0]}.product"
        return [
            make_node("MatMul", [gemm.input[0], weight], product),
            make_node("Add", [product, gemm.input[2]], gemm.output[0]),
        ]

    def _build(self, outputs: Iterable[str] | None) -> onnx.ModelProto:
        read = {name for node in self._nodes for name in node.input}
        given = self._model.graph
        shown = list(given.output) if outputs is None else [helper.make_empty_tensor_value_info(n) for n in outputs]
        graph = helper.make_graph(
            self._nodes,
            given.name,
            list(given.input),
            shown,
            [numpy_helper.from_array(values, name) for name, values in self._constants.items() if name in read],
        )
        sets = {one.domain: one.version for one in self._model.opset_import}
        if any(node.domain == CONTRIB for node in self._nodes):
            sets[CONTRIB] = 1
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*one) for one in sets.items()],
            functions=list(self._model.functions),
            ir_version=self._model.ir_version,
            producer_name="insula",
        )

    def _is_matrix(self, name: str) -> bool:
        values = self._constants.get(name)
        return values is not None and values.ndim == 2 and values.dtype == np.float32 and values.size >= MIN_VALUES


def make_node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node with one output, named after it."""
    return helper.make_node(kind, list(inputs), [output], name=f"{kind}_{output}", **attributes)


def _get_axis(gather: onnx.NodeProto) -> int:
    return next((int(one.i) for one in gather.attribute if one.name == "axis"), 0)
