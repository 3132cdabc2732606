"""Off-policy estimates: the mean reward that a policy would have had on the messages of a log.

With w = (probability under the new policy) / (logged propensity), r the reward and q a model of the reward:

- IPS, inverse propensity scoring: the mean of w r (Horvitz and Thompson, 1952)
- SNIPS, self-normalised: the sum of w r over the sum of w (Swaminathan and Joachims, 2015)
- DR, doubly robust: the mean of q under the new policy + w (r - q) (Dudik, Langford and Li, 2011)

Each has an asymptotic interval: the estimate plus and minus a normal quantile times its standard error, by the delta
method for SNIPS. The model of DR is fitted on other folds than the rows that it corrects.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.errors import DataError
from insula.empathy.policy.choice import StrategyPolicy
from insula.empathy.policy.context import encode
from insula.empathy.policy.outcomes import DEFAULT_REWARDS, DraftOutcome, Rewards
from insula.empathy.policy.thompson import fit_arms, predict_rewards

FOLDS = 5
MIN_ROWS = 200
MIN_EFFECTIVE = 50  # rows that the weights leave
MAX_UNSEEN = 0.01  # probability of the new policy on strategies that the logging policy could not choose
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """An estimate with the ends of its interval, to six digits."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON types."""
        return dict(vars(self))


@dataclass(frozen=True)
class OffPolicyEstimates:
    """Estimates of a policy from the log of another one.

    rows       number of choices among several candidates
    effective  number of rows that the weights leave: (sum of w)^2 / (sum of w^2)
    logging    mean reward of the policies that wrote the log
    ips, snips, dr  the estimates of the new policy's mean reward
    gain       DR minus `logging`, on the same rows, so that what both share cancels
    level      coverage of the intervals
    """

    rows: int
    effective: float
    logging: Estimate
    ips: Estimate
    snips: Estimate
    dr: Estimate
    gain: Estimate
    level: float = LEVEL

    @property
    def is_proven(self) -> bool:
        """Whether the new policy may be used: the lower end of its gain is not below 0."""
        return self.gain.low >= 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        intervals = {name: getattr(self, name).to_dict() for name in ("logging", "ips", "snips", "dr", "gain")}
        effective = round(self.effective, 1)
        return {"rows": self.rows, "effective": effective, "level": self.level, **intervals, "proven": self.is_proven}

    @classmethod
    def from_dict(cls, row: Any) -> Self:
        """Return the estimates that `to_dict` describes."""
        intervals = {name: Estimate(**row[name]) for name in ("logging", "ips", "snips", "dr", "gain")}
        return cls(row["rows"], row["effective"], level=row["level"], **intervals)


def estimate_policy(
    policy: StrategyPolicy,
    outcomes: Sequence[DraftOutcome],
    rewards: Rewards = DEFAULT_REWARDS,
    *,
    level: float = LEVEL,
) -> OffPolicyEstimates:
    """Return the estimates of a policy on choices that it was not learned from.

    outcomes  of choices that a policy made (`OutcomeLog.decisions`)

    Raises `DataError` if the log has too little support: too few rows, strategies that were never possible, or weights
    that leave too few rows.
    """
    if len(outcomes) < MIN_ROWS:
        raise DataError(
            f"The log has too little support: an evaluation needs {MIN_ROWS} choices among several strategies that "
            f"the policy was not learned from. Got {len(outcomes)}. Record more outcomes."
        )
    chosen = [one.choice for one in outcomes]
    weights = [np.array(policy.weigh(one.context, one.candidates), dtype=np.float64) for one in chosen]
    logged = [np.array(one.probabilities, dtype=np.float64) for one in chosen]
    unseen = float(np.mean([new[old <= 0].sum() for new, old in zip(weights, logged, strict=True)]))
    if unseen > MAX_UNSEEN:
        raise DataError(
            f"The log has too little support: the policy would choose strategies with a probability of {unseen:.2f} "
            "where the policy that wrote the log never chose them. Collect a log with the policy explore."
        )
    places = [one.candidates.index(one.strategy) for one in chosen]
    ratio = np.array([new[at] / old[at] for new, old, at in zip(weights, logged, places, strict=True)])
    effective = float(ratio.sum() ** 2 / (ratio**2).sum()) if ratio.any() else 0.0
    if effective < MIN_EFFECTIVE:
        raise DataError(
            f"The log has too little support: its {len(outcomes)} choices count as {effective:.0f} for this policy, "
            f"and an evaluation needs {MIN_EFFECTIVE}. Record more outcomes with the policy explore."
        )
    reward = np.array([rewards.compute(one) for one in outcomes])
    modelled = _model_rewards(outcomes, reward)
    direct = np.array([float(new @ q) for new, q in zip(weights, modelled, strict=True)])
    at_chosen = np.array([q[at] for q, at in zip(modelled, places, strict=True)])
    robust = direct + ratio * (reward - at_chosen)
    snips = float((ratio * reward).sum() / ratio.sum())
    error = math.sqrt(float((ratio**2 * (reward - snips) ** 2).sum())) / float(ratio.sum())
    return OffPolicyEstimates(
        rows=len(outcomes),
        effective=effective,
        logging=_estimate_mean(reward, level),
        ips=_estimate_mean(ratio * reward, level),
        snips=_build_interval(snips, error, level),
        dr=_estimate_mean(robust, level),
        gain=_estimate_mean(robust - reward, level),
        level=level,
    )


def hash_to_unit(id: str, purpose: str) -> float:
    """Return a number from 0 to 1 that depends on the id of a choice and on nothing else."""
    digest = hashlib.sha256(f"{purpose}\0{id}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _model_rewards(outcomes: Sequence[DraftOutcome], reward: Float64Array) -> list[Float64Array]:
    """Return the modelled reward of each candidate of each choice, by a model that has not seen the choice."""
    folds = np.array([int(hash_to_unit(one.choice.id, "fold") * FOLDS) for one in outcomes])
    seen = [
        (one.choice.strategy, encode(one.choice.context, leads=one.choice.strategy == one.choice.candidates[0]), value)
        for one, value in zip(outcomes, reward.tolist(), strict=True)
    ]
    arms = [
        fit_arms(row for row, at in zip(seen, folds, strict=True) if at != fold) for fold in range(FOLDS)
    ]  # fmt: skip
    known: dict[Any, Float64Array] = {}
    found = []
    for one, fold in zip(outcomes, folds, strict=True):
        key = (fold, one.choice.context, one.choice.candidates)
        if key not in known:
            known[key] = np.clip(predict_rewards(arms[fold], one.choice.context, one.choice.candidates)[0], 0, 1)
        found.append(known[key])
    return found


def _estimate_mean(values: Float64Array, level: float) -> Estimate:
    return _build_interval(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)), level)


def _build_interval(value: float, error: float, level: float) -> Estimate:
    width = NormalDist().inv_cdf((1 + level) / 2) * error
    return Estimate(*(round(one, 6) for one in (value, value - width, value + width)))
