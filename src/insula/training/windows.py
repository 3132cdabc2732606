"""Chooses on validation rows whether texts that are longer than a model reads are read in windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.scheme import LabelScheme
from insula.evaluation.decisions import held_out
from insula.evaluation.decisions.calibration import MIN_ROWS, compute_negative_log_likelihood, fit_calibration
from insula.inference.backends import Backend, WindowedBackend, compute, encode, has_windows, truncated
from insula.models.tokens.windows import Windows
from insula.training.options.sections import ModelOptions, WindowedOptions

MIN_TRUNCATED = MIN_ROWS
"""Validation rows that must be longer than the model reads for windows to be chosen by them."""


@dataclass(frozen=True)
class WindowChoice:
    """The way in which long texts are read, and the validation rows from which it was chosen.

    windows    None for families that read whole texts
    logits     (rows, outputs) of the validation rows, read in this way; None without validation rows
    truncated  number of validation rows that are longer than the model reads at once
    """

    windows: Windows | None
    logits: NDArray[np.floating[Any]] | None
    truncated: int = 0


def choose_windows(
    backend: Backend,
    scheme: LabelScheme,
    texts: Sequence[Any],
    gold: NDArray[np.float64] | None,
    options: ModelOptions,
) -> WindowChoice:
    """Set the windows of a backend as the options say, and return them with the logits of validation rows.

    texts  prepared validation texts; gold (rows, labels), None without validation rows

    `auto` takes the mean over windows if at least `MIN_TRUNCATED` validation rows are too long, and the loss of the
    calibrated logits falls by more than its standard error (Breiman et al. 1984), as for a calibration.
    """
    if not (has_windows(backend) and isinstance(options, WindowedOptions)):
        return WindowChoice(None, None if gold is None else np.asarray(backend.logits(texts)))
    if options.windows != "auto":
        backend.windows = options.windows
    if gold is None:
        return WindowChoice(backend.windows, None)
    asked = backend.windows
    backend.windows = "none"
    encoded = encode(backend, texts)
    longer = truncated(backend, encoded, len(texts))
    backend.windows = asked
    if asked != "none":
        return WindowChoice(asked, np.asarray(backend.logits(texts)), int(longer.sum()))
    logits = np.asarray(compute(backend, encoded))
    if options.windows == "none" or longer.sum() < MIN_TRUNCATED:
        return WindowChoice("none", logits, int(longer.sum()))
    pooled = _compute_windowed(backend, texts, logits, np.flatnonzero(longer))
    if _lowers_loss(logits, pooled, gold, scheme):
        return WindowChoice("mean", pooled, int(longer.sum()))
    backend.windows = "none"
    return WindowChoice("none", logits, int(longer.sum()))


def list_length_notes(facts: Mapping[str, Any], choice: WindowChoice, options: ModelOptions) -> list[str]:
    """Return the notes of a run about texts longer than its model reads.

    facts  those of the fitter: `rows`, `truncated_rows`
    """
    notes, longer = [], int(facts.get("truncated_rows", 0))
    most = getattr(options, "max_tokens", 0)
    if longer:
        notes.append(
            f"{longer:,} of {facts['rows']:,} training texts ({longer / facts['rows']:.1%}) are longer than "
            f"model.max_tokens ({most:,}): the model was trained on their start."
        )
    if choice.windows in ("mean", "max"):
        notes.append(
            f"Texts of more than {most:,} tokens are predicted in overlapping windows; the {choice.windows} of their "
            "logits counts (model.windows)."
        )
    elif choice.truncated >= MIN_TRUNCATED and isinstance(options, WindowedOptions) and options.windows == "auto":
        notes.append(
            f"Reading {choice.truncated:,} long validation texts in windows did not lower the loss by more than luck, "
            "so that only the start of long texts is read (model.windows)."
        )
    return notes


def _compute_windowed(
    backend: WindowedBackend, texts: Sequence[Any], logits: NDArray[np.floating[Any]], rows: NDArray[np.intp]
) -> NDArray[np.floating[Any]]:
    backend.windows = "mean"
    pooled = logits.copy()
    pooled[rows] = backend.logits([texts[row] for row in rows])
    return pooled


def _lowers_loss(
    before: NDArray[np.floating[Any]],
    after: NDArray[np.floating[Any]],
    gold: NDArray[np.float64],
    scheme: LabelScheme,
) -> bool:
    losses = [_compute_losses(scheme, logits.astype(np.float64), gold) for logits in (before, after)]
    gain = losses[0] - losses[1]
    return bool(gain.mean() > held_out.LOSS_ERRORS * gain.std() / len(gain) ** 0.5)


def _compute_losses(scheme: LabelScheme, logits: NDArray[np.float64], gold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (rows,) loss of logits after their own temperature: a mean is less extreme than a single logit."""
    if scheme.kind == "dimensional":
        spread = gold.var(axis=0) + 1e-12
        squared: NDArray[np.float64] = ((logits - gold) ** 2 / spread).mean(axis=1)
        return squared
    truth = gold[:, -1:] if scheme.kind == "binary" else gold
    calibration = fit_calibration(logits, gold, scheme.kind, method="temperature")
    calibrated = np.asarray(calibration.apply(logits, scheme.kind), dtype=np.float64)
    return compute_negative_log_likelihood(calibrated, truth, scheme.kind)
