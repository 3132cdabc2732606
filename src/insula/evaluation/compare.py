"""Compare two systems on the same rows: paired differences with intervals, and McNemar's test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from insula.core.arrays import Float64Array
from insula.core.scheme import LabelScheme
from insula.evaluation.metrics import regression
from insula.evaluation.metrics.checked_arrays import as_column, as_indicators, as_matrix
from insula.evaluation.metrics.intervals import SumsToMetrics, compute_moment_differences, count_differences
from insula.evaluation.result import Difference, McNemar

_COMPARED = {
    "multi": ("accuracy", "macro_f1", "micro_f1"),
    "dimensional": ("pearson", "ccc", "mae"),
}
_CLASSES = ("accuracy", "macro_f1")
_NAME_PREFIX = "name:"  # a label may be called accuracy, like the metric


@dataclass(frozen=True)
class Comparison:
    """Two sides on the same rows. A side is one system or several (seeds), whose metrics are averaged.

    metrics     name to the value of a, of b, and b - a with its 95% interval; above 0 b is better (mae: below 0)
    by_name     the same for the F1 of each label or the Pearson correlation of each dimension
    mcnemar     test on the rows that are entirely correct; None for dimensional schemes and several systems on a side
    """

    rows: int
    metrics: dict[str, Difference]
    by_name: dict[str, Difference]
    mcnemar: McNemar | None


def compare(
    scheme: LabelScheme, gold: Any, a: Sequence[Any], b: Sequence[Any], *, resamples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare two sides on the same rows by a paired bootstrap.

    a, b   the systems of each side: 0/1 decisions (rows, labels); dimensional: scores (rows, dimensions)
    """
    count, metrics = len(scheme.names), _COMPARED.get(scheme.kind, _CLASSES)
    if not scheme.is_categorical:
        values = as_matrix("gold", gold, count)
        first, second = (
            [as_matrix(f"scores of {name}", one, count, len(values)) for one in side]
            for name, side in (("a", a), ("b", b))
        )
        found = compute_moment_differences(
            values, first, second, _build_metric_function(scheme), resamples=resamples, seed=seed
        )
        return Comparison(len(values), *_split_by_name(scheme, found, metrics), None)
    one_hot = scheme.has_one_label
    truth = as_indicators("gold", gold, count, one_hot=one_hot)
    decided_a, decided_b = (
        [as_indicators(f"decisions of {name}", one, count, len(truth), one_hot) for one in side]
        for name, side in (("a", a), ("b", b))
    )
    labels = [_NAME_PREFIX + name for name in scheme.names]
    found = count_differences(truth, decided_a, decided_b, by_label=labels, resamples=resamples, seed=seed)
    test = None
    if len(decided_a) == len(decided_b) == 1:
        test = compute_mcnemar((decided_a[0] == truth).all(axis=1), (decided_b[0] == truth).all(axis=1))
    return Comparison(len(truth), *_split_by_name(scheme, found, metrics), test)


def _build_metric_function(scheme: LabelScheme) -> SumsToMetrics:
    def to_metrics(sums: Float64Array) -> Mapping[str, Float64Array]:
        each = regression.compute_by_dimension(sums)["pearson"]
        named = {_NAME_PREFIX + name: each[..., i] for i, name in enumerate(scheme.names)}
        return {**regression.from_sums(sums), **named}

    return to_metrics


def _split_by_name(
    scheme: LabelScheme, found: Mapping[str, Difference], metrics: Sequence[str]
) -> tuple[dict[str, Difference], dict[str, Difference]]:
    return {name: found[name] for name in metrics}, {name: found[_NAME_PREFIX + name] for name in scheme.names}


def compute_mcnemar(correct_a: Any, correct_b: Any) -> McNemar:
    """Test whether two systems are correct equally often on the same rows.

    The mid-p variant of the exact binomial test (Fagerland et al. 2013, BMC Med Res Methodol 13:91):
    p = exact two-sided p - P(X = only_a), X binomial(only_a + only_b, 1/2); 1 where the systems never differ.
    """
    first = as_column("correct_a", correct_a, len(correct_a), bool)
    second = as_column("correct_b", correct_b, len(first), bool)
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_a + only_b
    if differing == 0:
        return McNemar(0, 0, 1.0)
    binomial = stats.binom(differing, 0.5)
    exact = min(1.0, 2 * float(binomial.cdf(min(only_a, only_b))))
    # With only_a = only_b both tails contain the middle term, which the general formula would count twice.
    p = 1 - float(binomial.pmf(only_a)) / 2 if only_a == only_b else exact - float(binomial.pmf(only_a))
    return McNemar(only_a, only_b, max(0.0, p))
