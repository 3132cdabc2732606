"""The `onnx` backend: ONNX Runtime on the CPU, the default for neural models.

All threads share a single batch, for the lowest latency. With several batches, each thread computes whole batches, so
that threads do not wait for each other between operators.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from insula.core.environment import count_usable_threads
from insula.core.errors import ModelFolderError
from insula.inference.backends import ChooseRows
from insula.inference.batching import fits_one_batch
from insula.inference.engine import DEFAULT, EngineSettings
from insula.inference.token_backend import TokenBackend, run_in_batches
from insula.models.onnx.outputs import FEATURES, add_output
from insula.models.risk.head import RiskHead, find_risk_head
from insula.models.tokens.windows import TextTokens
from insula.text.context import Segments

RunSession = Callable[[onnxruntime.InferenceSession, NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
# This fused kernel sums a row sequentially, and is slower than the sum and the normalisation that it replaces.
DISABLED_OPTIMIZERS = ["SkipLayerNormFusion"]


def open_session(model: Path | bytes, *, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Return a CPU session for a file or its content."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or count_usable_threads()
    open_model = partial(
        onnxruntime.InferenceSession,
        sess_options=options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=DISABLED_OPTIMIZERS,
    )
    if isinstance(model, Path):
        return open_model(str(model))
    # A session keeps a copy of content that it is given, but none of a file.
    with _write_temporary_file(model) as file:
        return open_model(model if file is None else str(file))


@contextlib.contextmanager
def _write_temporary_file(content: bytes) -> Iterator[Path | None]:
    """Yield a file with this content that is deleted afterwards; None where no file can be written."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="insula-"))
            file = Path(folder) / "model.onnx"
            file.write_bytes(content)
        except OSError:  # a read-only or full disk
            yield None
        else:
            yield file


class OnnxBackend(TokenBackend):
    """Runs the `model.onnx` of a model folder, without torch.

    risk_head  scores the risk of texts in the same run, if the folder has the files that it was trained on
    """

    def __init__(self, folder: Path, engine: EngineSettings = DEFAULT) -> None:
        super().__init__(folder, engine)
        self._file = folder / "model.onnx"
        self.risk_head = find_risk_head(folder)
        self._threads = engine.threads or count_usable_threads()
        self._lock = threading.Lock()
        self._single: onnxruntime.InferenceSession | None = None
        self._state = _read_file_state(self._file)
        try:
            self._shared = self._open_session(self._threads)
        except Exception as error:  # the exceptions of ONNX Runtime have no public base class
            raise ModelFolderError(
                f"The model.onnx of {str(folder)!r} cannot be opened: {error}. Copy the folder again, or train again."
            ) from error

    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of one batch."""
        return _compute_logits(self._shared, ids, mask)

    def compute(self, tokens: Sequence[TextTokens]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of token ids, in their order; several batches run in parallel."""
        return self._compute(tokens, self.outputs, _compute_logits)

    def embed(self, texts: Sequence[Segments]) -> NDArray[np.float32] | None:
        """Return the (rows, width) pooled vectors of texts; None for a network that was exported without them."""
        width = next((one.shape[-1] for one in self._shared.get_outputs() if one.name == FEATURES), None)
        if not isinstance(width, int):
            return None
        return self._compute(self.encode(texts), width, _compute_features)

    def run_with_risk(self, ids: NDArray[np.int64], mask: NDArray[np.int64], needed: ChooseRows) -> NDArray[np.float32]:
        """Return the logits of a batch and a last column with risk logits for the rows that need them."""
        return self._compute_with_risk(needed, self._shared, ids, mask)

    def compute_with_risk(self, tokens: Sequence[TextTokens], needed: ChooseRows) -> NDArray[np.float32]:
        """Return the logits of `compute` and a last column with risk logits for the rows that need them, else NaN."""
        return self._compute(tokens, self.outputs + 1, partial(self._compute_with_risk, needed))

    def _compute(self, tokens: Sequence[TextTokens], outputs: int, run: RunSession) -> NDArray[np.float32]:
        if self._threads == 1 or fits_one_batch([len(row) for row in tokens], tokens=self.budget):
            return run_in_batches(tokens, outputs, partial(run, self._shared), budget=self.budget)
        session = self._open_single_thread_session()
        return run_in_batches(tokens, outputs, partial(run, session), budget=self.budget, at_once=self._threads)

    def _compute_with_risk(
        self,
        needed: ChooseRows,
        session: onnxruntime.InferenceSession,
        ids: NDArray[np.int64],
        mask: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        head = cast(RiskHead, self.risk_head)
        logits, states = session.run(["logits", head.tensor], {"input_ids": ids, "attention_mask": mask})
        risk = np.full((len(logits), 1), np.nan, dtype=np.float32)
        rows = needed(logits)
        if rows.any():
            risk[rows] = head.logits(states[rows], mask[rows])[:, :1]
        return np.concatenate([logits, risk], axis=1)

    def _open_session(self, threads: int) -> onnxruntime.InferenceSession:
        if self.risk_head is None:
            return open_session(self._file, threads=threads)
        return open_session(add_output(self._file.read_bytes(), self.risk_head.tensor), threads=threads)

    def _open_single_thread_session(self) -> onnxruntime.InferenceSession:
        """Return the session that computes in the calling thread; it is opened on first use."""
        with self._lock:
            if self._single is None:
                # A folder that was replaced in the meantime contains another model.
                same = self._state is not None and _read_file_state(self._file) == self._state
                self._single = self._open_session(1) if same else self._shared
            return self._single


def _read_file_state(file: Path) -> tuple[int, int] | None:
    """Return inode and modification time, which change when a file is replaced; None if it does not exist."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _compute_logits(
    session: onnxruntime.InferenceSession, ids: NDArray[np.int64], mask: NDArray[np.int64]
) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    return logits


def _compute_features(
    session: onnxruntime.InferenceSession, ids: NDArray[np.int64], mask: NDArray[np.int64]
) -> NDArray[np.float32]:
    features: NDArray[np.float32] = session.run([FEATURES], {"input_ids": ids, "attention_mask": mask})[0]
    return features
