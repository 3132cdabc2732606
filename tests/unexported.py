"""Networks that are not exported: torch answers in the place of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def unexported() -> Iterator[None]:
    """Leave out the export, which takes longer than tiny runs; within, torch opens what ONNX Runtime would."""
    from insula.inference.torch_backend import TorchBackend

    with _answered_by(TorchBackend, lambda model, file, **_: None):
        yield


@contextmanager
def unexported_but_opened() -> Iterator[None]:
    """Leave out the export as `unexported` does; graphs of other models, such as the starter's, are opened."""
    from insula.inference.engine import DEFAULT, EngineSettings
    from insula.inference.onnx_backend import OnnxBackend
    from insula.inference.torch_backend import TorchBackend

    def open_(folder: Path, engine: EngineSettings = DEFAULT) -> Any:
        return (OnnxBackend if (folder / "model.onnx").exists() else TorchBackend)(folder, engine)

    with _answered_by(open_, lambda model, file, **_: None):
        yield


@contextmanager
def exported() -> Iterator[None]:
    """Export networks, within `unexported()`, too."""
    from insula.inference.backends import backends
    from insula.models.onnx.export import export_onnx

    with _answered_by(backends._members["onnx"], export_onnx):
        yield


@contextmanager
def _answered_by(backend: Any, export: Callable[..., None]) -> Iterator[None]:
    from insula.inference.backends import backends
    from insula.training.fitters import network

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "export_onnx", export)
        patch.setitem(backends._loaded, "onnx", backend)
        yield
