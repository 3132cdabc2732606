"""Embedding tables in few bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from insula.compression.quantization.graph import Graph
from insula.compression.quantization.tables import quantize_rows, quantize_tables
from insula.inference.onnx_backend import open_session

WIDTH = 16


def table_graph(values: np.ndarray[Any, Any]) -> Graph:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["vectors"], axis=0)],
        "look-up",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["rows", "tokens"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["rows", "tokens", values.shape[1]])],
        [numpy_helper.from_array(values, "table")],
    )
    return Graph(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10))


def drawn(rows: int = 200, width: int = WIDTH) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)
    values[3] = 0.0
    values[4] *= 1000.0
    return values


@pytest.mark.parametrize("bits", [4, 8])
def test_every_vector_is_near_by_its_own_scale(bits: int) -> None:
    values = drawn()
    graph = table_graph(values)
    before = len(graph.to_bytes())
    quantize_tables(graph, bits)  # type: ignore[arg-type]
    content = graph.to_bytes()
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    numbers = np.arange(len(values)).reshape(2, -1)
    found = open_session(content).run(["vectors"], {"input_ids": numbers})[0].reshape(values.shape)
    step = np.abs(values).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    if bits == 8:
        assert (np.abs(found - values) <= 0.5001 * step + 1e-30).all()
    assert np.square(found - values).sum(axis=1).max() > 0
    assert (np.square(found - values).mean(axis=1) <= (step[:, 0] ** 2) / 4 + 1e-30).all()
    assert not found[3].any()
    assert len(content) < before * (0.45 if bits == 8 else 0.35) + 2500


def test_four_bits_in_an_odd_width_become_eight() -> None:
    values = drawn(width=17)
    graph = table_graph(values)
    quantize_tables(graph, 4)
    found = open_session(graph.to_bytes()).run(["vectors"], {"input_ids": np.arange(len(values))[None]})[0][0]
    assert np.abs(found - values).max(axis=1)[0] <= np.abs(values[0]).max() / 127


def test_four_bits_cut_outliers_where_that_helps() -> None:
    row = np.concatenate([np.linspace(-1, 1, 63), [1.6]]).astype(np.float32)[None]
    levels, scales = quantize_rows(row, 4)
    assert scales[0] < 1.6 / 7
    plain = np.rint(row / (1.6 / 7)) * (1.6 / 7)
    assert np.square(levels * scales[:, None] - row).sum() < np.square(plain - row).sum()
