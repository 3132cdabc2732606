"""Is one system better than another on the same rows? Paired differences and McNemar's test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy import stats

from insula.core.scheme import LabelScheme
from insula.evaluation.checked_arrays import as_column, as_indicators, as_matrix
from insula.evaluation.intervals import Interval, count_intervals, moment_intervals

_COMPARED = {
    "multi": ("accuracy", "macro_f1", "micro_f1"),
    "dimensional": ("pearson", "ccc", "mae"),
}
_CLASSES = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class McNemar:
    """McNemar's test on rows that exactly one of two systems has right; p is the mid-p value, two-sided."""

    only_a: int
    only_b: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same rows.

    differences   metric to b - a with its 95 % interval; for mae below 0 is better, else above 0
    mcnemar       of the rows that are right altogether; None for dimensional schemes
    """

    rows: int
    differences: dict[str, Interval]
    mcnemar: McNemar | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        test = self.mcnemar
        return {
            "rows": self.rows,
            "differences": {name: interval.to_dict() for name, interval in self.differences.items()},
            "mcnemar": None if test is None else {"only_a": test.only_a, "only_b": test.only_b, "p": test.p},
        }


def compare(scheme: LabelScheme, gold: Any, a: Any, b: Any, *, resamples: int = 1000, seed: int = 0) -> Comparison:
    """Compare two systems on the same rows.

    a, b   their decisions, 0/1 (rows, labels); their scores (rows, dimensions) for dimensional schemes
    """
    names = _COMPARED.get(scheme.kind, _CLASSES)
    if scheme.kind == "dimensional":
        values = as_matrix("gold", gold, len(scheme.names))
        differences = moment_intervals(values, a, b, resamples=resamples, seed=seed)
        return Comparison(len(values), {name: differences[name] for name in names}, None)
    one_hot = scheme.kind != "multi"
    truth = as_indicators("gold", gold, len(scheme.names), one_hot=one_hot)
    first = as_indicators("decisions of a", a, len(scheme.names), len(truth), one_hot)
    second = as_indicators("decisions of b", b, len(scheme.names), len(truth), one_hot)
    differences = count_intervals(truth, first, second, resamples=resamples, seed=seed)
    test = mcnemar((first == truth).all(axis=1), (second == truth).all(axis=1))
    return Comparison(len(truth), {name: differences[name] for name in names}, test)


def mcnemar(correct_a: Any, correct_b: Any) -> McNemar:
    """Test whether two systems are right equally often on the same rows.

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
    # At only_a = only_b the two tails share their middle term, and the general formula would count it twice.
    p = 1 - float(binomial.pmf(only_a)) / 2 if only_a == only_b else exact - float(binomial.pmf(only_a))
    return McNemar(only_a, only_b, max(0.0, p))
