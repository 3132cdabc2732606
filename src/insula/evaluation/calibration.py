"""Calibration: make probabilities true by a small transform of the logits, fitted on validation rows.

Temperature scaling divides all logits by one number (Guo et al. 2017, ICML, section 4.2). Vector scaling gives each
label its own slope and offset; for one sigmoid it is Platt scaling (Platt 1999). What is fitted here is applied by
`core.decision.Calibration`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logsumexp

from insula.core.decision import Calibration
from insula.core.errors import DataError
from insula.core.scheme import Kind
from insula.evaluation.checked_arrays import Floats, as_column, as_indicators, as_matrix

FOLDS = 5
MINIMUM_ROWS = 20
# Separable rows would ask for an infinite slope; between 1/20 and 20 lies every temperature seen in practice.
_LOG_LIMIT = float(np.log(20.0))
# In rows: about ten informative rows move a label half way from the shared temperature to its own fit.
_PENALTY = 10.0


def fit_calibration(logits: Any, gold: Any, kind: Kind, *, weights: Any = None, seed: int = 0) -> Calibration:
    """Return the calibration with the lowest cross-validated negative log-likelihood on validation rows.

    logits    (rows, labels); binary: (rows, 1), the positive class
    gold      0/1 (rows, labels); binary: two columns in the scheme's order, or the positive one alone
    kind      single and ordinal: softmax, temperature; binary and multi: sigmoid, temperature or vector; dimensional:
              always the identity
    weights   (rows,), default 1

    Five folds; of equal methods the simpler wins. Below 20 rows nothing can be told, and the identity is returned.
    """
    if kind == "dimensional":
        return Calibration()
    values = as_matrix("logits", logits)
    truth = as_indicators("gold", gold, rows=len(values))
    if kind == "binary":
        truth = truth[:, -1:]
    if truth.shape != values.shape:
        raise DataError(f"The logits must have the shape of gold, {truth.shape}. Got {values.shape}.")
    target = truth.astype(np.float64)
    weight = np.ones(len(values)) if weights is None else as_column("weights", weights, len(values))
    if len(values) < MINIMUM_ROWS or weight.sum() <= 0:
        return Calibration()
    loss = _sigmoid_loss if kind in ("binary", "multi") else _softmax_loss
    methods: list[Callable[[Floats, Floats, Floats], Calibration]] = [
        lambda z, y, w: Calibration(),
        lambda z, y, w: _fit_temperature(z, y, w, loss),
    ]
    if kind in ("binary", "multi"):
        methods.append(_fit_vector)
    fold = np.random.default_rng(seed).permutation(len(values)) % FOLDS
    held_out = np.zeros(len(methods))
    for number in range(FOLDS):
        out, rest = fold == number, fold != number
        for position, fit in enumerate(methods):
            fitted = fit(values[rest], target[rest], weight[rest])
            calibrated = np.asarray(fitted.apply(values[out]), dtype=np.float64)
            held_out[position] += loss(calibrated, target[out]) @ weight[out]
    return methods[int(held_out.argmin())](values, target, weight)


def _softmax_loss(logits: Floats, gold: Floats) -> Floats:
    """Return -log softmax of the gold class (rows,)."""
    loss: Floats = logsumexp(logits, axis=1) - (logits * gold).sum(axis=1)
    return loss


def _sigmoid_loss(logits: Floats, gold: Floats) -> Floats:
    """Return the binary cross-entropy summed over labels (rows,)."""
    loss: Floats = (np.logaddexp(0, logits) - logits * gold).sum(axis=1)
    return loss


def _fit_temperature(
    logits: Floats, gold: Floats, weights: Floats, loss: Callable[[Floats, Floats], Floats]
) -> Calibration:
    """Minimise the loss over log(1 / T): convex in 1 / T, so one minimum."""
    result = minimize_scalar(
        lambda log_scale: float(loss(np.exp(log_scale) * logits, gold) @ weights),
        bounds=(-_LOG_LIMIT, _LOG_LIMIT),
        method="bounded",
        options={"xatol": 1e-5},
    )
    return Calibration("temperature", (float(np.exp(result.x)),), (0.0,))


def _fit_vector(logits: Floats, gold: Floats, weights: Floats) -> Calibration:
    """Minimise loss + penalty/2 * ((a - 1)^2 + b^2) on logits that already have the shared temperature.

    So a label with few positive rows falls back to the temperature of all labels.
    """
    shared = _fit_temperature(logits, gold, weights, _sigmoid_loss).scale[0]
    scaled, labels = logits * shared, logits.shape[1]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        slope, offset = parameters[:labels], parameters[labels:]
        moved = scaled * slope + offset
        residual = (expit(moved) - gold) * weights[:, None]
        value = _sigmoid_loss(moved, gold) @ weights + _PENALTY / 2 * (((slope - 1) ** 2).sum() + (offset**2).sum())
        gradient = np.concatenate(
            [(residual * scaled).sum(axis=0) + _PENALTY * (slope - 1), residual.sum(axis=0) + _PENALTY * offset]
        )
        return float(value), gradient

    start = np.concatenate([np.ones(labels), np.zeros(labels)])
    # A negative slope would turn a label's ranking around.
    bounds = [(0.05, 20.0)] * labels + [(None, None)] * labels
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration("vector", tuple((found[:labels] * shared).tolist()), tuple(found[labels:].tolist()))
