"""`DecisionRule`: from a model's raw outputs (logits) to scores, labels and "I don't know"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, FloatArray, Int64Array
from insula.core.scheme import Kind, LabelScheme, uses_softmax

LARGEST = 1e30  # beyond it a logit says nothing more, and twice infinity minus infinity would be no number


@dataclass(frozen=True)
class Calibration:
    """A map of logits chosen on validation: `z -> z * scale + bias`, then for `isotonic` a curve an output.

    method   identity; temperature (Guo et al. 2017: one scale for all outputs); vector (a scale and bias an output);
             isotonic (Zadrozny and Elkan 2002); linear (dimensional schemes: a line a dimension)
    scale    one number, or one an output
    bias     the same
    knots    isotonic only, one curve an output: ((x, ...), (y, ...)), x rising, y not falling. Between the knots
             straight lines lead from log-odds to calibrated log-odds; where labels exclude each other these are the
             log-odds of each label against the rest, and the scores are divided by their sum
    """

    method: str = "identity"
    scale: tuple[float, ...] = (1.0,)
    bias: tuple[float, ...] = (0.0,)
    knots: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    def apply(self, logits: FloatArray, kind: Kind) -> FloatArray:
        """Return calibrated logits of the same shape (rows, outputs)."""
        if self.method == "identity":
            return logits
        scaled: FloatArray = logits * np.asarray(self.scale, logits.dtype) + np.asarray(self.bias, logits.dtype)
        if not self.knots:
            return scaled
        exclusive = uses_softmax(kind)
        odds = log_odds(scaled) if exclusive else scaled
        curved = np.stack([np.interp(z, *curve) for z, curve in zip(odds.T, self.knots, strict=True)], axis=1)
        # The logarithm of the probability: a softmax of it divides the probabilities by their sum.
        return -np.logaddexp(0.0, -curved) if exclusive else curved

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `from_dict` reads them back."""
        row: dict[str, Any] = {"method": self.method, "scale": list(self.scale), "bias": list(self.bias)}
        if self.knots:
            row["knots"] = [[list(x), list(y)] for x, y in self.knots]
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Calibration:
        """Read what `to_dict` wrote."""
        return cls(
            method=row["method"],
            scale=tuple(row["scale"]),
            bias=tuple(row["bias"]),
            knots=tuple((tuple(x), tuple(y)) for x, y in row.get("knots", ())),
        )


@dataclass(frozen=True)
class Decisions:
    """What a rule says of rows.

    scores      (rows, labels) probabilities, or values in the dimensions' units
    chosen      (rows, labels) bool: the decided labels; all False for dimensional schemes
    confidence  (rows,) probability that the model gives to its own decision; None for dimensional schemes
    abstained   (rows,) bool
    """

    scores: FloatArray
    chosen: BoolArray
    confidence: FloatArray | None
    abstained: BoolArray

    def top_labels(self) -> Int64Array:
        """Return (rows,) the position of the chosen label with the highest score; -1 where no label is chosen."""
        best = np.where(self.chosen, self.scores, -np.inf).argmax(axis=1)
        return np.where(self.chosen.any(axis=1), best, -1).astype(np.int64)

    def answers(self, scheme: LabelScheme) -> BoolArray | FloatArray:
        """Return what is compared with gold (rows, labels): the decided labels, of dimensional schemes the values."""
        return self.chosen if scheme.is_categorical else self.scores


@dataclass(frozen=True)
class DecisionRule:
    """How logits become decisions. Everything in it is chosen on validation rows only.

    calibration  the map of logits
    thresholds   multi and binary: lowest score at which a label is given; one a label (binary: one, for the positive
                 label); empty means 0.5
    offsets      single and ordinal: added to each label's log score before the highest is taken; empty means none
    abstention   rows whose confidence is below it are marked as abstained; 0 never abstains
    """

    calibration: Calibration = Calibration()
    thresholds: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    abstention: float = 0.0

    def scores(self, scheme: LabelScheme, logits: FloatArray) -> FloatArray:
        """Return (rows, labels) scores of (rows, outputs) logits: sigmoid, softmax or the values clipped to range."""
        logits = np.clip(np.asarray(logits, dtype=np.float64), -LARGEST, LARGEST)
        logits = self.calibration.apply(logits, scheme.kind)
        if scheme.kind == "dimensional":
            low, high = np.array([scheme.ranges[name] for name in scheme.names]).T
            return np.clip(logits, low, high)
        if scheme.kind == "binary":
            positive = _sigmoid(logits[:, 0])
            return np.stack([1.0 - positive, positive], axis=1)
        return _sigmoid(logits) if scheme.kind == "multi" else _softmax(logits)

    def decide(self, scheme: LabelScheme, logits: FloatArray) -> Decisions:
        """Return scores, decided labels, confidence and abstention for (rows, outputs) logits."""
        scores = self.scores(scheme, logits)
        rows = len(scores)
        if scheme.kind == "dimensional":
            nothing = np.zeros(scores.shape, dtype=bool)
            return Decisions(scores, nothing, None, np.zeros(rows, dtype=bool))
        if scheme.kind == "multi":
            chosen = scores >= np.asarray(self.thresholds or (0.5,))
        else:
            if scheme.kind == "binary":
                best = (scores[:, 1] >= (self.thresholds or (0.5,))[0]).astype(np.intp)
            else:
                # Scaling by exp(offset) is adding to the log, without the log of a zero.
                ranked = scores * np.exp(np.asarray(self.offsets)) if self.offsets else scores
                best = ranked.argmax(axis=1) if rows else np.zeros(0, dtype=np.intp)
            chosen = np.zeros(scores.shape, dtype=bool)
            chosen[np.arange(rows), best] = True
        confidence = decision_confidence(scheme.kind, scores, chosen)
        return Decisions(scores, chosen, confidence, confidence < self.abstention)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; `from_dict` reads them back."""
        return {
            "calibration": self.calibration.to_dict(),
            "thresholds": list(self.thresholds),
            "offsets": list(self.offsets),
            "abstention": self.abstention,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> DecisionRule:
        """Read what `to_dict` wrote."""
        return cls(
            calibration=Calibration.from_dict(row["calibration"]),
            thresholds=tuple(row["thresholds"]),
            offsets=tuple(row.get("offsets", ())),
            abstention=row["abstention"],
        )


def decision_confidence(kind: Kind, scores: FloatArray, chosen: BoolArray) -> FloatArray:
    """Return the probability (rows,) that (rows, labels) scores of a categorical scheme give to the chosen labels.

    single, binary, ordinal: the chosen label's score; multi: the product over labels of p for a chosen label and
    1 - p for another, the probability of exactly this set where labels are independent, as the sigmoid model has it.
    """
    if kind == "multi":
        product: FloatArray = np.where(chosen, scores, 1.0 - scores).prod(axis=1)
        return product
    return scores[chosen]


def log_odds(logits: FloatArray) -> FloatArray:
    """Return the log-odds of each label against the rest under a softmax: (rows, labels), finite for finite logits."""
    others = np.stack(
        [np.logaddexp.reduce(np.delete(logits, label, axis=1), axis=1) for label in range(logits.shape[1])], axis=1
    )
    odds: FloatArray = logits - others
    return odds


def _sigmoid(logits: FloatArray) -> FloatArray:
    # exp of a large positive number would overflow: each sign has its own form.
    small = np.exp(-np.abs(logits))
    value: FloatArray = np.where(logits >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    return value


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    value: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return value
