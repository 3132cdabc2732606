"""The `onnx` backend: ONNX Runtime on the processor, the default for every neural model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from insula.core.errors import ModelFolderError
from insula.core.threads import usable_threads
from insula.inference.engine import DEFAULT, Engine
from insula.inference.token_backend import TokenBackend

# The fused kernel sums a row number by number, and takes longer than the sum and the normalisation that it replaces.
SLOWER = ["SkipLayerNormFusion"]


def open_session(model: Path | bytes, *, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Return a session on the processor for a file, or for a file's content."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or usable_threads()
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWER
    )


class OnnxBackend(TokenBackend):
    """Runs `model.onnx` of a model folder; needs no torch."""

    def __init__(self, folder: Path, engine: Engine = DEFAULT) -> None:
        super().__init__(folder, engine)
        try:
            self._session = open_session(folder / "model.onnx", threads=engine.threads)
        except Exception as error:  # the library's own exceptions share no public base
            raise ModelFolderError(
                f"The model.onnx of {str(folder)!r} cannot be opened: {error}. Copy the folder again, or train again."
            ) from error

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of one batch."""
        logits: NDArray[np.float32] = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
        return logits
