"""Products in few bits: static INT8, and weights alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from insula.compression.quantization.graph import MIN_VALUES, Graph
from insula.compression.quantization.static_int8 import (
    ActivationScale,
    choose_scales,
    quantize_columns,
    quantize_matmuls,
)
from insula.compression.quantization.weight_only import pack_products
from insula.inference.onnx_backend import open_session

INPUTS, OUTPUTS = 48, 32
Array = np.ndarray[Any, Any]


def product_graph(weight: Array) -> Graph:
    assert weight.size >= MIN_VALUES
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", weight.shape[1]])],
        [numpy_helper.from_array(weight, "weight")],
    )
    return Graph(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10))


@pytest.fixture
def weight() -> Array:
    return np.random.default_rng(0).normal(size=(INPUTS, OUTPUTS)).astype(np.float32)


@pytest.fixture
def rows() -> Array:
    return (np.random.default_rng(1).normal(size=(200, INPUTS)) + 0.3).astype(np.float32)


def run(graph: Graph, rows: Array) -> Array:
    found: Array = open_session(graph.to_bytes()).run(["y"], {"x": rows})[0]
    return found


def test_static_int8_computes_what_its_levels_say(weight: Array, rows: Array) -> None:
    graph = product_graph(weight)
    scales = choose_scales(graph, {"x": rows})
    assert quantize_matmuls(graph, scales) == ["y"]
    levels, columns = quantize_columns(weight)
    wanted = scales["x"].fake_quantize(rows) @ (levels * columns)
    found = run(graph, rows)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert np.abs(found - rows @ weight).mean() < 0.05 * np.abs(rows @ weight).mean()


def test_static_int8_gives_a_row_the_same_in_any_company(weight: Array, rows: Array) -> None:
    graph = product_graph(weight)
    quantize_matmuls(graph, choose_scales(graph, {"x": rows}))
    loud = np.vstack([rows[:1], 100 * rows[1:]])
    np.testing.assert_array_equal(run(graph, rows[:1]), run(graph, loud)[:1])


def test_two_neighbouring_products_never_leave_sixteen_bits(weight: Array) -> None:
    """The trap of x86 without VNNI: 255 * 127 twice does not fit; so the largest level is 63, not 127."""
    levels, _ = quantize_columns(weight)
    assert int(np.abs(levels.astype(int)).max()) == 63
    assert 255 * 2 * int(np.abs(levels.astype(int)).max()) <= 32767


def test_extreme_activations_and_weights_do_not_saturate() -> None:
    weight = np.ones((INPUTS, OUTPUTS), dtype=np.float32)
    graph = product_graph(weight)
    quantize_matmuls(graph, {"x": ActivationScale.of_range(0.0, 1.0)})
    np.testing.assert_allclose(run(graph, np.ones((4, INPUTS), np.float32)), INPUTS, rtol=1e-3)


def test_a_kept_product_stays_as_it_is(weight: Array, rows: Array) -> None:
    graph = product_graph(weight)
    assert quantize_matmuls(graph, choose_scales(graph, {"x": rows}), keep=["y"]) == []
    np.testing.assert_allclose(run(graph, rows), rows @ weight, atol=1e-4)


def test_a_far_outlier_is_cut_where_the_product_gains(weight: Array, rows: Array) -> None:
    """A value that no weight listens to must not set the scale of the others."""
    weight, rows = weight.copy(), rows.copy()
    weight[0], rows[0, 0] = 0.0, 50.0
    kept = choose_scales(product_graph(weight), {"x": rows})["x"]
    assert kept.scale < ActivationScale.of_range(float(rows.min()), 50.0).scale


@pytest.mark.parametrize(("bits", "nearness"), [(8, 0.01), (4, 0.12)])
def test_weight_only_products_are_near(weight: Array, rows: Array, bits: Any, nearness: float) -> None:
    graph = product_graph(weight)
    assert pack_products(graph, bits) == ["y"]
    wanted = rows @ weight
    assert 0 < np.abs(run(graph, rows) - wanted).mean() < nearness * np.abs(wanted).mean()


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_that_fit_their_levels_come_back_exactly(rows: Array, bits: Any) -> None:
    random = np.random.default_rng(2)
    middle = 2 ** (bits - 1)
    weight = random.integers(-middle, middle, size=(INPUTS, OUTPUTS)).astype(np.float32)
    weight[0] = weight[32] = -middle  # each block reaches the end of its range, so that its scale is 1
    graph = product_graph(weight)
    pack_products(graph, bits)
    np.testing.assert_allclose(run(graph, rows), rows @ weight, rtol=1e-4, atol=1e-2)
