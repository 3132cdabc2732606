"""`ThompsonPolicy`: linear Thompson sampling with exact propensities and limited exploration.

Each strategy has a Bayesian linear regression of the reward on the features of the context (Agrawal and Goyal, 2013,
Thompson Sampling for Contextual Bandits with Linear Payoffs). Thompson sampling puts a strategy first as often as it is
the best one under the posterior. That probability is computed first, then limited, and then drawn from: the logged
propensity is therefore exactly the probability of the draw, and no Monte Carlo estimate of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from insula.core.arrays import Float64Array
from insula.empathy.policy.context import FEATURES, DraftContext, encode
from insula.empathy.policy.limits import ExplorationLimits
from insula.empathy.strategies import STRATEGIES, Strategy

PRIOR_REWARD = 0.5  # mean of the reward of any strategy before the first row
PRIOR_SPREAD = 0.25  # standard deviation of each coefficient before the first row
NOISE = 0.25  # variance of a reward in one context: the largest that a reward from 0 to 1 can have
NODES = 48  # of the quadrature; more change the probabilities by less than a thousandth
_CACHED = 4096


@dataclass(frozen=True)
class Arm:
    """The posterior of one strategy.

    rows        number of rows in which it came first
    mean        of the coefficients of `FEATURES`
    covariance  of the coefficients
    """

    rows: int
    mean: Float64Array
    covariance: Float64Array


def fit_arms(rows: Iterable[tuple[Strategy, Sequence[float], float]]) -> dict[Strategy, Arm]:
    """Return the posterior of every strategy.

    rows  strategy, features, reward
    """
    size = len(FEATURES)
    by_strategy: dict[Strategy, list[tuple[Sequence[float], float]]] = {name: [] for name in STRATEGIES}
    for strategy, features, reward in rows:
        by_strategy[strategy].append((features, reward))
    prior = np.zeros(size)
    prior[FEATURES.index("base")] = PRIOR_REWARD
    found = {}
    for strategy, seen in by_strategy.items():
        x = np.array([features for features, _ in seen], dtype=np.float64).reshape(len(seen), size)
        rest = np.array([reward for _, reward in seen], dtype=np.float64) - x @ prior
        covariance = np.asarray(np.linalg.inv(np.eye(size) / PRIOR_SPREAD**2 + x.T @ x / NOISE), dtype=np.float64)
        found[strategy] = Arm(len(seen), prior + covariance @ (x.T @ rest) / NOISE, covariance)
    return found


class ThompsonPolicy:
    """Puts strategies first by the posterior of their rewards, within limits; ties go to the rules.

    arms     the posterior of every strategy
    limits   of exploration
    version  of the file that holds it
    """

    name = "thompson"

    def __init__(self, arms: Mapping[Strategy, Arm], limits: ExplorationLimits, version: str) -> None:
        self.arms = dict(arms)
        self.limits = limits
        self.version = version
        self._weigh = functools.lru_cache(_CACHED)(self._compute)

    def weigh(self, context: DraftContext, candidates: Sequence[Strategy]) -> Sequence[float]:
        """Return the probability of each candidate."""
        return self._weigh(context, tuple(candidates))

    def predict(self, context: DraftContext, candidates: Sequence[Strategy]) -> tuple[list[float], list[float]]:
        """Return the mean and the standard deviation of the reward of each candidate."""
        return predict_rewards(self.arms, context, candidates)

    def _compute(self, context: DraftContext, candidates: tuple[Strategy, ...]) -> tuple[float, ...]:
        means, spreads = self.predict(context, candidates)
        best = max(range(len(candidates)), key=lambda place: (round(means[place], 9), -place))
        return tuple(self.limits.apply(compute_best_probabilities(means, spreads), best))


def predict_rewards(
    arms: Mapping[Strategy, Arm], context: DraftContext, candidates: Sequence[Strategy]
) -> tuple[list[float], list[float]]:
    """Return the mean and the standard deviation of the expected reward of each candidate."""
    means, spreads = [], []
    for place, strategy in enumerate(candidates):
        features = np.array(encode(context, leads=place == 0))
        arm = arms[strategy]
        means.append(float(features @ arm.mean))
        spreads.append(math.sqrt(max(float(features @ arm.covariance @ features), 1e-12)))
    return means, spreads


def compute_best_probabilities(means: Sequence[float], spreads: Sequence[float]) -> list[float]:
    """Return the probability that each of several independent normal variables is the largest one.

    The integral over each variable is a Gauss-Hermite sum of `NODES` terms; for two variables it has a closed form.
    """
    if len(means) == 1:
        return [1.0]
    if len(means) == 2:
        first = _compute_normal((means[0] - means[1]) / math.hypot(*spreads))
        return [first, 1 - first]
    nodes, weights = _list_nodes()
    found = []
    for place, (mean, spread) in enumerate(zip(means, spreads, strict=True)):
        total = 0.0
        for node, weight in zip(nodes, weights, strict=True):
            value = mean + spread * node
            for other in range(len(means)):
                if other != place:
                    weight *= _compute_normal((value - means[other]) / spreads[other])
            total += weight
        found.append(total)
    return [one / sum(found) for one in found]


def _compute_normal(value: float) -> float:
    """Return the distribution function of the standard normal distribution."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


@functools.cache
def _list_nodes() -> tuple[list[float], list[float]]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes.tolist(), (weights / weights.sum()).tolist()


def describe_arms(arms: Mapping[Strategy, Arm]) -> dict[str, Any]:
    """Return plain JSON types; strategies without a row have the prior and are left out."""
    return {
        name: {
            "rows": arm.rows,
            "mean": {feature: round(float(value), 9) for feature, value in zip(FEATURES, arm.mean, strict=True)},
            "covariance": [[round(float(value), 12) for value in row] for row in arm.covariance],
        }
        for name, arm in arms.items()
        if arm.rows
    }


def parse_arms(described: Mapping[str, Any]) -> dict[Strategy, Arm]:
    """Return the arms that `describe_arms` describes; raise `ValueError` or `KeyError` if they cannot be."""
    arms = fit_arms(())
    for name in STRATEGIES:
        if name not in described:
            continue
        row = described[name]
        if list(row["mean"]) != list(FEATURES):
            raise ValueError(f"the features must be {', '.join(FEATURES)}")
        mean = np.array(list(row["mean"].values()), dtype=np.float64)
        covariance = np.array(row["covariance"], dtype=np.float64)
        if covariance.shape != (len(FEATURES), len(FEATURES)) or not np.isfinite([*mean, *covariance.ravel()]).all():
            raise ValueError(f"the coefficients of {name!r} are incomplete")
        arms[name] = Arm(int(row["rows"]), mean, covariance)
    return arms
