"""The `onnx` backend: ONNX Runtime on the processor, the default for every neural model.

All threads share the work of one batch, so that one text is answered soonest. Where there are several batches each
thread takes whole ones: threads then never wait for each other, as they do between the operators of a shared batch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from insula.core.environment import usable_threads
from insula.core.errors import ModelFolderError
from insula.inference.batching import fits_one_batch
from insula.inference.engine import DEFAULT, Engine
from insula.inference.token_backend import TokenBackend, in_batches

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
        self._file = folder / "model.onnx"
        self._threads = engine.threads or usable_threads()
        self._opening = threading.Lock()
        self._own: onnxruntime.InferenceSession | None = None
        self._written = _written(self._file)
        try:
            self._shared = open_session(self._file, threads=self._threads)
        except Exception as error:  # the library's own exceptions share no public base
            raise ModelFolderError(
                f"The model.onnx of {str(folder)!r} cannot be opened: {error}. Copy the folder again, or train again."
            ) from error

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of one batch."""
        return _logits(self._shared, ids, mask)

    def compute(self, tokens: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of token numbers, in their order; several batches are run at once."""
        if self._threads == 1 or fits_one_batch([len(row) for row in tokens], tokens=self.budget):
            return super().compute(tokens)
        session = self._for_a_thread()
        return in_batches(
            tokens, self.outputs, lambda *batch: _logits(session, *batch), budget=self.budget, at_once=self._threads
        )

    def _for_a_thread(self) -> onnxruntime.InferenceSession:
        """Return the session that computes in the thread that calls it; opened when first there are several batches."""
        with self._opening:
            if self._own is None:
                # A folder that was written anew in the meantime holds another model.
                same = self._written is not None and _written(self._file) == self._written
                self._own = open_session(self._file, threads=1) if same else self._shared
            return self._own


def _written(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place; None where there is none."""
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def _logits(
    session: onnxruntime.InferenceSession, ids: NDArray[np.int64], mask: NDArray[np.int64]
) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    return logits
