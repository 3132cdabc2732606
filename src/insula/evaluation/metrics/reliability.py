"""Quality of probabilities: reliability bins, expected calibration error, Brier score, negative log-likelihood."""

from __future__ import annotations

import numpy as np

from insula.core.arrays import BoolArray, Float64Array
from insula.core.scheme import Kind
from insula.evaluation.result import ReliabilityBin

BINS = 15
# Probabilities are clipped, so that a mistake with probability 1 costs 34.5 nats and not infinity.
MIN_PROBABILITY = 1e-15


def pair_confidence_with_outcome(kind: Kind, gold: BoolArray, scores: Float64Array) -> tuple[Float64Array, BoolArray]:
    """Return (confidence, outcome): highest score and whether its label is correct; multi: every score and its gold.

    Guo et al. 2017 (ICML) evaluate the top label; in multi-label schemes each label is a binary problem of its own.
    """
    if kind == "multi":
        return scores.ravel(), gold.ravel()
    top = scores.argmax(axis=1)
    rows = np.arange(len(scores))
    return scores[rows, top], gold[rows, top]


def compute_reliability_bins(confidence: Float64Array, outcome: BoolArray, bins: int = BINS) -> list[ReliabilityBin]:
    """Return equal-width bins of [0, 1], without empty ones."""
    edges = np.linspace(0, 1, bins + 1)
    table = []
    for position, (count, mean, accuracy) in enumerate(_fill_bins(edges, confidence, outcome)):
        if count:
            low, high = float(edges[position]), float(edges[position + 1])
            table.append(ReliabilityBin(low=low, high=high, confidence=mean, accuracy=accuracy, count=count))
    return table


def compute_expected_calibration_error(
    confidence: Float64Array, outcome: BoolArray, *, bins: int = BINS, equal_mass: bool = False
) -> float:
    """Return sum over bins of count/rows * |accuracy - mean confidence| (Naeini et al. 2015, AAAI), in [0, 1].

    equal_mass   bins with equally many rows instead of equal width; equal confidences are in the same bin
    """
    if equal_mass:
        edges = np.quantile(confidence, np.linspace(0, 1, bins + 1))
    else:
        edges = np.linspace(0, 1, bins + 1)
    return sum(n * abs(accuracy - mean) for n, mean, accuracy in _fill_bins(edges, confidence, outcome)) / len(
        confidence
    )


def compute_brier(kind: Kind, gold: BoolArray, scores: Float64Array) -> float:
    """Return the Brier score (Brier 1950): mean squared error of probabilities, 0 is best.

    binary: of the positive class, in [0, 1]; single and ordinal: summed over classes, in [0, 2]; multi: mean over
    labels, in [0, 1].
    """
    squared = (scores - gold) ** 2
    if kind == "binary":
        return float(squared[:, 1].mean())
    return float(squared.mean()) if kind == "multi" else float(squared.sum(axis=1).mean())


def compute_negative_log_likelihood(kind: Kind, gold: BoolArray, scores: Float64Array) -> float:
    """Return the mean -log probability of gold in nats; multi: the mean over rows and labels."""
    of_gold = np.where(gold, scores, 1 - scores) if kind == "multi" else scores[gold]
    return float(-np.log(np.clip(of_gold, MIN_PROBABILITY, 1)).mean())


def compute_reliability_metrics(kind: Kind, gold: BoolArray, scores: Float64Array) -> dict[str, float | None]:
    """Return brier, ece (equal width), ece_equal_mass and nll."""
    confidence, outcome = pair_confidence_with_outcome(kind, gold, scores)
    return {
        "brier": compute_brier(kind, gold, scores),
        "ece": compute_expected_calibration_error(confidence, outcome),
        "ece_equal_mass": compute_expected_calibration_error(confidence, outcome, equal_mass=True),
        "nll": compute_negative_log_likelihood(kind, gold, scores),
    }


def _fill_bins(edges: Float64Array, confidence: Float64Array, outcome: BoolArray) -> list[tuple[int, float, float]]:
    """Return (count, mean confidence, accuracy) of each bin [edge, next edge); the last includes its upper edge."""
    places = np.searchsorted(edges[1:-1], confidence, side="right")
    size = len(edges) - 1
    counts = np.bincount(places, minlength=size)
    sums = np.bincount(places, weights=confidence, minlength=size)
    hits = np.bincount(places, weights=outcome, minlength=size)
    return [
        (int(n), float(s / n), float(h / n)) if n else (0, 0.0, 0.0) for n, s, h in zip(counts, sums, hits, strict=True)
    ]
