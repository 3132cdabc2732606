"""Networks that are not exported: torch answers in the place of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def unexported() -> Iterator[None]:
    """Leave out the export, which takes longer than tiny runs; within, torch opens what ONNX Runtime would."""
    from insula.inference.torch_backend import TorchBackend

    with _answered_by(TorchBackend, lambda model, file, **_: None):
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
