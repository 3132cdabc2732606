"""Fixtures of the tests that train networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def without_export() -> Iterator[None]:
    """The export takes longer than tiny runs, and where it is not what is tested torch answers in its place."""
    from insula.inference.backends import backends
    from insula.inference.torch_backend import TorchBackend
    from insula.training.fitters import network

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "export_onnx", lambda model, file, **_: None)
        patch.setitem(backends._loaded, "onnx", TorchBackend)
        yield
