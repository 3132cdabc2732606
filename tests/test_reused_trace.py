"""An export that reuses the graph of an equal network is the export that tracing gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import numpy_helper

from insula.models.networks.architectures import load_network
from reused_trace import reusing


def _other_weights(folder: Path) -> Any:
    model = load_network(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model


@pytest.mark.parametrize("family", ["static", pytest.param("encoder", marks=pytest.mark.slow)])
def test_a_reused_graph_is_the_traced_one(
    tmp_path: Path, trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    from insula.models.onnx import export

    def made_here(name: str, make: Callable[[Path], object]) -> Path:
        if not (tmp_path / name).exists():
            make(tmp_path / name)
        return tmp_path / name

    def trace(model: Any) -> Any:
        traced.append(model)
        return real(model)

    def exported(model: Any, tracer: Callable[[Any], Any]) -> Any:
        monkeypatch.setattr(export, "trace_network", tracer)
        export.export_onnx(model, tmp_path / "model.onnx")
        return onnx.load(str(tmp_path / "model.onnx")).graph

    folder, traced = trained_run(family, "single").model, []
    real = export.trace_network.__wrapped__
    reuse = reusing(trace, made_here)
    first, second = _other_weights(folder), _other_weights(folder)
    exported(first, reuse)
    wanted, found = exported(second, real), exported(second, reuse)
    assert traced == [first]
    assert list(found.node) == list(wanted.node)
    assert _weights(found) == _weights(wanted)


def _weights(graph: Any) -> dict[str, bytes]:
    return {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in graph.initializer}


def test_exports_reuse_graphs() -> None:
    from insula.models.onnx.export import trace_network

    assert trace_network.__module__ == "reused_trace"
