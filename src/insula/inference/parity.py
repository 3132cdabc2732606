"""Checks that the scores of a text are the same alone, in any batch, and with another backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.arrays import FloatArray
from insula.core.decision import DecisionRule
from insula.core.errors import ParityError
from insula.core.scheme import LabelScheme
from insula.inference.backends import Backend, has_token_stages, open_backend
from insula.models.layers.padding import pad
from insula.models.tokens.windows import TextTokens
from insula.text.context import Segments

PARITY = "parity.json"
PARITY_VERSION = 1
FLOAT_TOLERANCE = 1e-5  # of scores; for dimensions relative to their range
BATCHES = 50
MAX_BATCH_ROWS = 8
ROWS = 32


@dataclass(frozen=True)
class BatchComparison:
    """Logits of the same texts alone and in random batches.

    alone    (texts, outputs) logits of batches of one text
    rows     (batch rows,) the index of the text of each batch row
    batched  (batch rows, outputs) logits of the batch rows
    """

    alone: FloatArray
    rows: NDArray[np.intp]
    batched: FloatArray

    def compute_max_difference(self, scores: Callable[[FloatArray], FloatArray]) -> float:
        """Return the largest difference between the scores of a text alone and in a batch."""
        return float(np.abs(scores(self.batched) - scores(self.alone)[self.rows]).max(initial=0.0))


def compare_batches(
    backend: Backend, texts: Sequence[Segments], *, batches: int = BATCHES, most: int = MAX_BATCH_ROWS, seed: int = 0
) -> BatchComparison:
    """Run prepared texts alone and in `batches` random batches of 2 to `most` rows.

    A token backend gets each of them as one padded batch; other backends form their own batches.
    """
    run = _build_batch_runner(backend, texts)
    random = np.random.default_rng(seed)
    drawn = [random.integers(0, len(texts), size=int(random.integers(2, most + 1))) for _ in range(batches)]
    alone = [run([row]) for row in range(len(texts))]
    batched = [run(rows.tolist()) for rows in drawn]
    return BatchComparison(np.concatenate(alone), np.concatenate(drawn), np.concatenate(batched))


def _build_batch_runner(backend: Backend, texts: Sequence[Segments]) -> Callable[[Sequence[int]], FloatArray]:
    if not has_token_stages(backend):
        return lambda rows: backend.logits([texts[row] for row in rows])
    run = backend.run
    # A text in windows is compared by its first one.
    tokens = [row.windows[0] if isinstance(row, TextTokens) else row for row in backend.encode(texts)]
    return lambda rows: run(*pad([tokens[row] for row in rows]))


def build_score_function(scheme: LabelScheme, rule: DecisionRule) -> Callable[[FloatArray], FloatArray]:
    """Return a function from logits to scores; the values of a dimension are divided by the width of its range."""

    def compute_scores(logits: FloatArray) -> FloatArray:
        found = rule.scores(scheme, logits)
        if scheme.kind != "dimensional":
            return found
        widths = np.array([scheme.ranges[name][1] - scheme.ranges[name][0] for name in scheme.names])
        return found / np.where(widths > 0, widths, 1.0)

    return compute_scores


def check_export(
    folder: Path, scheme: LabelScheme, texts: Sequence[Segments], *, seed: int = 0, backend: str = "onnx"
) -> dict[str, Any]:
    """Compare the exports in a folder with its trained weights on prepared texts; return the differences.

    Compares uncalibrated scores of at most 32 texts, alone and in 50 random batches, for `model.onnx` and for
    `backend`. Raises `ParityError` if a score differs by more than 1e-5.
    """
    some = list(texts[:ROWS])
    scores = build_score_function(scheme, DecisionRule())
    run = _build_batch_runner(open_backend("torch", folder), some)
    wanted = scores(np.concatenate([run([row]) for row in range(len(some))]))
    differences: dict[str, float] = {}
    for name in dict.fromkeys(("onnx", backend)):
        if name != backend and not (folder / "model.onnx").exists():  # a backend with its own format
            continue
        comparison = compare_batches(open_backend(name, folder), some, seed=seed)
        prefix = "" if name == "onnx" else f"{name}_"
        differences[f"{prefix}alone_and_in_batches"] = comparison.compute_max_difference(scores)
        differences[f"{name}_and_torch"] = float(np.abs(scores(comparison.alone) - wanted).max(initial=0.0))
    for what, found in differences.items():
        if not found <= FLOAT_TOLERANCE:
            raise ParityError(
                f"The exported model's scores must match the trained model's within {FLOAT_TOLERANCE}, alone and in "
                f"any batch. Got a difference of {found:.2g} ({what.replace('_', ' ')}). Install other versions of "
                "torch and onnxruntime, and train or export again; an interrupted run resumes from its checkpoint."
            )
    return {
        "format_version": PARITY_VERSION,
        "kind": "float32",
        "rows": len(some),
        "batches": BATCHES,
        "tolerance": FLOAT_TOLERANCE,
        "scores": differences,
    }
