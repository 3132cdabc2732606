"""Which products stay in float, and that they do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import toy_data
from insula.compression.compression_data import CompressionData
from insula.compression.compressor import Compressor
from insula.compression.parity import ParityLimits
from insula.compression.quantization.plan import CompressionPlan
from insula.compression.quantization.sensitivity import measure_sensitivities
from insula.models.folder import open_folder


def workshop(trained_run: Callable[..., Any]) -> Compressor:
    folder = open_folder(trained_run("encoder", "multi").model)
    return Compressor(folder, CompressionData.of(toy_data.toy_dataset("multi"), folder))


def test_what_loses_most_by_few_levels_comes_first(trained_run: Callable[..., Any]) -> None:
    made = workshop(trained_run)
    coarse = list(made.scales)[2]
    scales = {**made.scales, coarse: dataclasses.replace(made.scales[coarse], scale=3.0)}
    found = measure_sensitivities(made.graph, scales, made.calibration_tokens[:20], 3)
    assert next(iter(found)) == coarse
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert set(found) == {product.activation for product in made.graph.find_products()}


def test_sensitive_products_keep_float_activations(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = workshop(trained_run)
    keep = made.find_most_sensitive(2)
    assert keep
    whole, steps = made.apply_plan(CompressionPlan("int8", float_activations=2), tmp_path)
    assert steps["float_products"] == sorted(keep)
    assert steps["products"] == len(made.graph.find_products()) - len(keep)
    assert not whole.find_products()
    candidate = made.make(CompressionPlan("int8", float_activations=2), tmp_path, ParityLimits())
    assert candidate.parity["agreement"] > 0.9
    assert json.loads(json.dumps(candidate.steps)) == candidate.steps
