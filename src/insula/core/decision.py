"""`DecisionRule`: turns a model's logits into scores, labels and abstentions ("I don't know")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from insula.core.arrays import BoolArray, FloatArray, Int64Array
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.scheme import Kind, LabelScheme, uses_softmax

MAX_LOGIT = 1e30  # larger logits are clipped: infinity minus infinity would be NaN


@dataclass(frozen=True)
class Calibration:
    """A calibration of logits, fitted on validation rows: `z -> z * scale + bias`, then a curve per output (isotonic).

    method   identity; temperature (Guo et al. 2017: one scale for all outputs); vector (a scale and a bias per output);
             isotonic (Zadrozny and Elkan 2002); linear (dimensional schemes: a linear map per dimension)
    scale    one number, or one per output
    bias     one number, or one per output
    knots    isotonic only, one curve per output: ((x, ...), (y, ...)) with increasing x and non-decreasing y. The curve
             interpolates linearly from log-odds to calibrated log-odds. For mutually exclusive labels these are the
             log-odds of each label against the rest, and the scores are normalised to sum to 1
    """

    method: str = "identity"
    scale: tuple[float, ...] = (1.0,)
    bias: tuple[float, ...] = (0.0,)
    knots: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    def apply(self, logits: FloatArray, kind: Kind) -> FloatArray:
        """Return calibrated logits of the same shape (rows, outputs)."""
        scaled = self.rescale(logits)
        if not self.knots:
            return scaled
        exclusive = uses_softmax(kind)
        odds = compute_log_odds(scaled) if exclusive else scaled
        curved = np.stack([np.interp(z, *curve) for z, curve in zip(odds.T, self.knots, strict=True)], axis=1)
        # A softmax of log-probabilities divides the probabilities by their sum.
        return -np.logaddexp(0.0, -curved) if exclusive else curved

    def rescale(self, logits: FloatArray) -> FloatArray:
        """Return the logits after scale and bias, before the isotonic curves."""
        if self.method == "identity":
            return logits
        scaled: FloatArray = logits * np.asarray(self.scale, logits.dtype) + np.asarray(self.bias, logits.dtype)
        return scaled

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types for `from_dict`."""
        row: dict[str, Any] = {"method": self.method, "scale": list(self.scale), "bias": list(self.bias)}
        if self.knots:
            row["knots"] = [[list(x), list(y)] for x, y in self.knots]
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Calibration:
        """Build a calibration from the result of `to_dict`."""
        return cls(
            method=row["method"],
            scale=tuple(row["scale"]),
            bias=tuple(row["bias"]),
            knots=tuple((tuple(x), tuple(y)) for x, y in row.get("knots", ())),
        )


@dataclass(frozen=True)
class Decisions:
    """The decisions of a rule for some rows.

    scores      (rows, labels) probabilities, or values in the units of the dimensions
    chosen      (rows, labels) bool: the predicted labels; all False for dimensional schemes
    confidence  (rows,) probability that the model assigns to its own decision; None for dimensional schemes
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

    def of_rows(self, rows: Sequence[int] | Int64Array) -> Decisions:
        """Return the decisions on some rows."""
        places = np.asarray(rows, dtype=np.int64)
        confidence = None if self.confidence is None else self.confidence[places]
        return Decisions(self.scores[places], self.chosen[places], confidence, self.abstained[places])

    def answers(self, scheme: LabelScheme) -> BoolArray | FloatArray:
        """Return the (rows, labels) array to compare with gold: predicted labels, or values for dimensional schemes."""
        return self.chosen if scheme.is_categorical else self.scores


@dataclass(frozen=True)
class DecisionRule:
    """The rule that turns logits into decisions. All of it is chosen on validation rows only.

    calibration  the calibration of the logits
    thresholds   multi and binary: the lowest score at which a label is predicted, one per label (binary: one, for the
                 positive label); empty means 0.5
    offsets      single and ordinal: added to the log score of each label before the argmax; empty means none
    abstention   rows with a lower confidence are marked as abstained; 0 never abstains
    energy       single and ordinal: so are rows with a higher energy (`energies`), whose text is unlike the training
                 texts; None does not use it
    """

    calibration: Calibration = Calibration()
    thresholds: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    abstention: float = 0.0
    energy: float | None = None

    def scores(self, scheme: LabelScheme, logits: FloatArray) -> FloatArray:
        """Return (rows, labels) scores for (rows, outputs) logits: sigmoid, softmax, or values clipped to range."""
        logits = np.clip(np.asarray(logits, dtype=np.float64), -MAX_LOGIT, MAX_LOGIT)
        logits = self.calibration.apply(logits, scheme.kind)
        if scheme.kind == "dimensional":
            low, high = np.array([scheme.ranges[name] for name in scheme.names]).T
            return np.clip(logits, low, high)
        if scheme.kind == "binary":
            positive = _apply_sigmoid(logits[:, 0])
            return np.stack([1.0 - positive, positive], axis=1)
        return _apply_sigmoid(logits) if scheme.kind == "multi" else _apply_softmax(logits)

    def decide(self, scheme: LabelScheme, logits: FloatArray) -> Decisions:
        """Return scores, predicted labels, confidence and abstention for (rows, outputs) logits."""
        scores = self.scores(scheme, logits)
        rows = len(scores)
        if scheme.kind == "dimensional":
            nothing = np.zeros(scores.shape, dtype=bool)
            return Decisions(scores, nothing, None, np.zeros(rows, dtype=bool))
        chosen = self.choose(scheme, scores)
        confidence = compute_confidence(scheme.kind, scores, chosen)
        abstained = confidence < self.abstention
        if self.energy is not None:
            abstained |= self.energies(logits) > self.energy
        return Decisions(scores, chosen, confidence, abstained)

    def choose(self, scheme: LabelScheme, scores: FloatArray, allowed: BoolArray | None = None) -> BoolArray:
        """Return (rows, labels): the labels decided from scores; none for dimensional schemes.

        allowed  (rows, labels): other labels are never decided. A row that allows none has none
        """
        chosen = np.zeros(scores.shape, dtype=bool)
        if scheme.kind == "multi":
            chosen = scores >= np.asarray(self.thresholds or (0.5,))
        elif scheme.kind == "binary":
            positive = scores[:, 1] >= (self.thresholds or (0.5,))[0]
            if allowed is not None:
                positive = (positive & allowed[:, 1]) | ~allowed[:, 0]
            chosen = np.stack([~positive, positive], axis=1)
        elif scheme.kind != "dimensional" and len(scores):
            # Multiplying by exp(offset) adds to the log score without taking the log of zero.
            ranked = scores * np.exp(np.asarray(self.offsets)) if self.offsets else scores
            best = (ranked if allowed is None else np.where(allowed, ranked, -1.0)).argmax(axis=1)
            chosen[np.arange(len(scores)), best] = True
        return chosen if allowed is None else chosen & allowed

    def energies(self, logits: FloatArray) -> FloatArray:
        """Return the (rows,) energy of (rows, labels) logits: minus the log-sum-exp of the rescaled logits.

        It is high where no label has a high logit, even if one of them is far above the others and the softmax is sure
        (Liu et al. 2020, NeurIPS: Energy-based out-of-distribution detection).
        """
        clipped = np.clip(np.asarray(logits, dtype=np.float64), -MAX_LOGIT, MAX_LOGIT)
        value: FloatArray = -np.logaddexp.reduce(self.calibration.rescale(clipped), axis=1)
        return value

    def replaced(
        self,
        scheme: LabelScheme,
        *,
        threshold: float | Mapping[str, float] | None = None,
        abstention: float | None = None,
    ) -> DecisionRule:
        """Return the rule with other limits; None keeps a limit.

        threshold   lowest score at which a label is predicted: a number for all labels, or label names to numbers
                    (others keep theirs). In binary schemes it is that of the positive, second label
        abstention  confidence below which the model abstains

        Raises `DataError` for a label or scheme without a threshold, or a number outside 0 to 1.
        """
        limits = dict(threshold) if isinstance(threshold, Mapping) else {} if threshold is None else {"": threshold}
        for number in (*limits.values(), *(() if abstention is None else (abstention,))):
            if not isinstance(number, Real) or not 0 <= float(number) <= 1:
                raise DataError(
                    f"A threshold must be a number from 0 to 1. Got {number!r}. Use a number in this range."
                )
        rule = self if abstention is None else replace(self, abstention=float(abstention))
        if not limits:
            return rule
        labels = {"binary": scheme.names[1:], "multi": scheme.names}.get(scheme.kind, ())
        if not labels:
            raise DataError(
                "A threshold needs a binary or multi-label model. Got a model of kind "
                f"{scheme.kind!r}. Leave it out, or set the abstention limit."
            )
        unknown = next((name for name in limits if name and name not in labels), None)
        if unknown is not None:
            raise DataError(
                f"A threshold must be for one of {', '.join(labels)}. Got "
                f"{unknown!r}.{suggest(unknown, labels, CHOOSE)}"
            )
        before = self.thresholds or (0.5,)
        before = before if len(before) == len(labels) else before * len(labels)
        return replace(
            rule,
            thresholds=tuple(
                float(limits.get(name, limits.get("", old))) for name, old in zip(labels, before, strict=True)
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types for `from_dict`."""
        row: dict[str, Any] = {
            "calibration": self.calibration.to_dict(),
            "thresholds": list(self.thresholds),
            "offsets": list(self.offsets),
            "abstention": self.abstention,
        }
        if self.energy is not None:
            row["energy"] = self.energy
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> DecisionRule:
        """Build a rule from the result of `to_dict`."""
        return cls(
            calibration=Calibration.from_dict(row["calibration"]),
            thresholds=tuple(row["thresholds"]),
            offsets=tuple(row.get("offsets", ())),
            abstention=row["abstention"],
            energy=row.get("energy"),
        )


def compute_confidence(kind: Kind, scores: FloatArray, chosen: BoolArray) -> FloatArray:
    """Return the (rows,) probability that (rows, labels) scores of a categorical scheme assign to the chosen labels.

    single, binary, ordinal: the score of the chosen label. multi: the product over labels of p if chosen, else 1 - p,
    which is the probability of exactly this set for independent labels, as a sigmoid model assumes.
    """
    if kind == "multi":
        product: FloatArray = np.where(chosen, scores, 1.0 - scores).prod(axis=1)
        return product
    return scores[chosen]


def compute_log_odds(logits: FloatArray) -> FloatArray:
    """Return the log-odds of each label against the rest under a softmax: (rows, labels), finite for finite logits."""
    others = np.stack(
        [np.logaddexp.reduce(np.delete(logits, label, axis=1), axis=1) for label in range(logits.shape[1])], axis=1
    )
    odds: FloatArray = logits - others
    return odds


def _apply_sigmoid(logits: FloatArray) -> FloatArray:
    # exp of a large positive number would overflow, so each sign has its own formula.
    small = np.exp(-np.abs(logits))
    value: FloatArray = np.where(logits >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    return value


def _apply_softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    value: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
    return value
