"""Calibration: make probabilities match observed frequencies by a transform of the logits, fitted on validation rows.

Temperature scaling divides all logits by one number (Guo et al. 2017, ICML, section 4.2). Vector scaling gives each
label a slope and an offset (section 4.2 too); for one sigmoid it is Platt scaling (Platt 1999). `isotonic` fits curves,
`linear_calibration` the lines of dimensional schemes. `core.decision.Calibration` applies the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, softmax

from insula.core.arrays import Float64Array, Int64Array
from insula.core.decision import Calibration
from insula.core.errors import DataError
from insula.core.scheme import Kind, uses_softmax
from insula.evaluation.decisions import held_out
from insula.evaluation.decisions.isotonic import fit_isotonic
from insula.evaluation.decisions.linear_calibration import fit_lines
from insula.evaluation.metrics.checked_arrays import as_column, as_indicators, as_matrix
from insula.evaluation.metrics.intervals import count_differences

Method = Literal["auto", "none", "temperature", "vector", "isotonic"]
FOLDS = 5
MIN_ROWS = 20
MAX_F1_LOSS = 0.002
# Separable rows have their optimum at an infinite slope; temperatures in practice are between 1/20 and 20.
_LOG_LIMIT = float(np.log(20.0))
# In rows: about ten informative rows move a label half way from the shared temperature to its own optimum.
_PENALTY = 10.0


def fit_calibration(
    logits: Any, gold: Any, kind: Kind, *, method: Method = "auto", weights: Any = None, seed: int = 0
) -> Calibration:
    """Return a calibration fitted on validation rows; `auto` chooses it by cross-validated negative log-likelihood.

    logits    (rows, labels); binary: (rows, 1), the positive class
    gold      0/1 (rows, labels); binary: two columns in the scheme's order, or the positive one alone; dimensional:
              the values
    kind      of the label scheme; dimensional: lines (`linear_calibration.fit_lines`), whatever the method but `none`
    method    none, temperature, vector, isotonic, or auto
    weights   (rows,), default 1

    `auto` tries none, temperature, vector and isotonic in this order on five folds. A later method replaces an earlier
    one only if its loss on held-out rows is lower; isotonic, and vector with one label per row, only if it is lower by
    more than one standard error of the difference (Breiman et al. 1984), since they can change which label has the
    highest score. For binary schemes, whose threshold is chosen afterwards, they must not lower macro-F1 on held-out
    rows; for single and ordinal schemes the 95% interval of the difference (paired bootstrap) must not go below -0.002.
    With fewer than 20 rows the identity is returned.
    """
    if method == "none":
        return Calibration()
    values = as_matrix("logits", logits)
    if kind == "dimensional":
        return fit_lines(values, as_matrix("gold", gold, values.shape[1], len(values)), seed=seed)
    truth = as_indicators("gold", gold, rows=len(values))
    if kind == "binary":
        truth = truth[:, -1:]
    if truth.shape != values.shape:
        raise DataError(
            f"The logits must have the shape of gold, {truth.shape}. Got {values.shape}. Pass one logit for each "
            "entry of gold."
        )
    target = truth.astype(np.float64)
    weight = np.ones(len(values)) if weights is None else as_column("weights", weights, len(values))
    if len(values) < MIN_ROWS or weight.sum() <= 0:
        return Calibration()
    if method != "auto":
        return _fit(method, values, target, weight, kind)
    folds = np.random.default_rng(seed).permutation(len(values)) % FOLDS
    return _fit(_choose_method(values, target, weight, kind, folds), values, target, weight, kind)


def _fit(method: str, logits: Float64Array, gold: Float64Array, weights: Float64Array, kind: Kind) -> Calibration:
    if method == "none":
        return Calibration()
    shared = _fit_temperature(logits, gold, weights, kind)
    if method == "vector":
        return _fit_vector(logits, gold, weights, kind, shared.scale[0])
    return shared if method == "temperature" else fit_isotonic(logits, gold, weights, kind, shared)


def _choose_method(
    logits: Float64Array, gold: Float64Array, weights: Float64Array, kind: Kind, folds: Int64Array
) -> str:
    best, best_loss, best_logits = "none", compute_negative_log_likelihood(logits, gold, kind), logits
    for method in ("temperature", "vector", "isotonic"):
        tried = np.empty_like(logits)
        for number in range(FOLDS):
            out, rest = folds == number, folds != number
            tried[out] = _fit(method, logits[rest], gold[rest], weights[rest], kind).apply(logits[out], kind)
        loss = compute_negative_log_likelihood(tried, gold, kind)
        gain = weights * (best_loss - loss)
        moves_decisions = method == "isotonic" or (method == "vector" and kind != "multi")
        needed = held_out.LOSS_ERRORS * float(gain.std() * np.sqrt(len(gain))) if moves_decisions else 0.0
        if gain.sum() > needed and _is_as_good(best_logits, tried, gold, kind, method):
            best, best_loss, best_logits = method, loss, tried
    return best


def compute_negative_log_likelihood(logits: Float64Array, gold: Float64Array, kind: Kind) -> Float64Array:
    """Return the negative log-likelihood of each row (rows,); for sigmoids the sum over labels."""
    if uses_softmax(kind):
        # By hand: a minimum asks for hundreds of these, and scipy's takes a millisecond for whatever size.
        highest = logits.max(axis=1)
        loss: Float64Array = np.log(np.exp(logits - highest[:, None]).sum(axis=1)) + highest
        loss = loss - (logits * gold).sum(axis=1)
    else:
        loss = (np.logaddexp(0, logits) - logits * gold).sum(axis=1)
    return loss


def _is_as_good(before: Float64Array, after: Float64Array, gold: Float64Array, kind: Kind, method: str) -> bool:
    """Return whether the labels of `after` are as good as `fit_calibration` requires of a method."""
    if kind == "multi" or method == "temperature":  # thresholds are chosen afterwards; a temperature keeps the order
        return True
    if kind == "binary":
        before, after = (np.hstack([-logits, logits]) for logits in (before, after))
        gold = np.hstack([1 - gold, gold])
    highest = [np.eye(gold.shape[1], dtype=bool)[logits.argmax(axis=1)] for logits in (before, after)]
    # Without the wider intervals at the edge, which would reject every method that hardly changes a label.
    difference = count_differences(gold > 0, [highest[0]], [highest[1]], edge_rows=0)["macro_f1"].difference
    if kind == "binary":
        return difference.value is None or difference.value >= 0
    return difference.low is not None and difference.low >= -MAX_F1_LOSS


def _fit_temperature(logits: Float64Array, gold: Float64Array, weights: Float64Array, kind: Kind) -> Calibration:
    """Minimise the loss over log(1 / T): convex in 1 / T, so one minimum."""
    result = minimize_scalar(
        lambda log_scale: float(compute_negative_log_likelihood(np.exp(log_scale) * logits, gold, kind) @ weights),
        bounds=(-_LOG_LIMIT, _LOG_LIMIT),
        method="bounded",
        options={"xatol": 1e-5},
    )
    return Calibration("temperature", (float(np.exp(result.x)),), (0.0,))


def _fit_vector(
    logits: Float64Array, gold: Float64Array, weights: Float64Array, kind: Kind, shared: float
) -> Calibration:
    """Minimise loss + penalty/2 * ((a - 1)^2 + b^2) on logits that already have the shared temperature.

    A label with few positive rows thus stays close to the shared temperature.
    """
    scaled, labels = logits * shared, logits.shape[1]
    probabilities: Callable[[Float64Array], Float64Array] = (
        (lambda moved: softmax(moved, axis=1)) if uses_softmax(kind) else expit
    )

    def objective(parameters: Float64Array) -> tuple[float, Float64Array]:
        slope, offset = parameters[:labels], parameters[labels:]
        moved = scaled * slope + offset
        residual = (probabilities(moved) - gold) * weights[:, None]
        penalty = _PENALTY / 2 * (((slope - 1) ** 2).sum() + (offset**2).sum())
        value = compute_negative_log_likelihood(moved, gold, kind) @ weights + penalty
        gradient = np.concatenate(
            [(residual * scaled).sum(axis=0) + _PENALTY * (slope - 1), residual.sum(axis=0) + _PENALTY * offset]
        )
        return float(value), gradient

    start = np.concatenate([np.ones(labels), np.zeros(labels)])
    # A negative slope would reverse the ranking of a label.
    bounds = [(0.05, 20.0)] * labels + [(None, None)] * labels
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration("vector", tuple((found[:labels] * shared).tolist()), tuple(found[labels:].tolist()))
