"""What computes logits at prediction: one registry, opened by the name that the model folder states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from insula.core.extras import require
from insula.core.registry import Registry


class Backend(Protocol):
    """Prepared texts in, logits out."""

    def logits(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) logits in the order of `texts`, the same for a text in whatever company."""


Opener = Callable[[Path], Backend]

backends: Registry[Opener] = Registry("backends")
backends.register("linear", "insula.inference.linear_backend:open_linear")
backends.register("onnx", "insula.inference.onnx_backend:OnnxBackend")
backends.register("torch", "insula.inference.torch_backend:TorchBackend")


def open_backend(name: str, folder: Path) -> Backend:
    """Open a model folder by the backend of that name; `MissingExtraError` where it needs torch and there is none."""
    if name == "torch":
        for package in ("torch", "transformers"):
            require(package, extra="train", purpose=f"predict with {str(folder)!r} in torch")
    return backends[name](folder)
