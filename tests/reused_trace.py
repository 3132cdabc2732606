"""ONNX graphs of equal networks, traced once a session: that takes three times longer than training a tiny network."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel

Once = Callable[[str, Callable[[Path], object]], Path]
_PREFIX = "model."  # of the names of weights in a graph: the exporter wraps the network
_EXPORT = "insula.models.onnx.export"


@dataclasses.dataclass
class _Program:
    """What an export needs of a traced program."""

    model: Any

    def save(self, file: str) -> None:
        import onnx_ir

        onnx_ir.save(self.model, file)


def reuse_traces(once: Once) -> None:
    """Let exports reuse the graphs of this session, once the exporter is imported: most tests do without torch.

    The graphs of networks with equal class, configuration and shapes differ in their weights only. They are in a graph
    under their names, or transposed. Where the exporter folds weights in other ways, every network is traced. Training
    compares each `model.onnx` with torch, so that a graph that does not fit fails its test.
    """
    export = sys.modules.get(_EXPORT)
    if export is not None and export.trace_network.__module__ == _EXPORT:
        export.trace_network = reusing(export.trace_network, once)


def reusing(trace: Callable[[PreTrainedModel], Any], once: Once) -> Callable[[PreTrainedModel], Any]:
    """Return a function that gives the program of `trace`, from a graph that `once` keeps where it can."""

    @functools.wraps(trace, assigned=())
    def trace_or_reuse(model: PreTrainedModel) -> Any:
        import onnx_ir

        if not hasattr(model, "config"):  # a module of a single test
            return trace(model)
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
        traced = None

        def make(folder: Path) -> None:
            nonlocal traced
            traced = trace(model)
            folder.mkdir()
            if (places := _find_weights(traced.model, weights)) is not None:
                traced.save(str(folder / "model.onnx"))
                (folder / "weights.json").write_text(json.dumps(places), encoding="utf-8")

        folder = once(f"traced-{_describe_architecture(model, weights)}", make)
        if traced is not None:
            return traced
        if not (folder / "weights.json").exists():
            return trace(model)
        graph = onnx_ir.load(folder / "model.onnx")
        for name, (source, transposed) in json.loads((folder / "weights.json").read_text(encoding="utf-8")).items():
            array = weights[source]
            graph.graph.initializers[name].const_value = onnx_ir.tensor(
                array.T.copy() if transposed else array, name=name
            )
        return _Program(graph)

    return trace_or_reuse


def _describe_architecture(model: PreTrainedModel, weights: dict[str, np.ndarray]) -> str:
    config = model.config.to_dict()
    config.pop("_name_or_path", None)
    shapes = [(name, array.shape, str(array.dtype)) for name, array in weights.items()]
    described = json.dumps([str(model), config, shapes], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def _find_weights(traced: Any, weights: dict[str, np.ndarray]) -> dict[str, tuple[str, bool]] | None:
    """Return the weight that each initializer of a graph holds and whether it is transposed; None if one is missing."""
    places: dict[str, tuple[str, bool]] = {}
    by_bytes: dict[tuple[tuple[int, ...], bytes], list[str]] = {}
    for name, array in weights.items():
        if array.ndim == 2:
            by_bytes.setdefault((array.T.shape, array.T.tobytes()), []).append(name)
    for name, value in traced.graph.initializers.items():
        if (own := name.removeprefix(_PREFIX)) in weights:
            places[name] = (own, False)
        elif value.const_value is not None:
            array = value.const_value.numpy()
            same = by_bytes.get((array.shape, array.tobytes()), [])
            if len(same) == 1:
                places[name] = (same[0], True)
            elif same:
                return None
    return places if {source for source, _ in places.values()} == weights.keys() else None
