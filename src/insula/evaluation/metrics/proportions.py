"""A share of rows with its interval."""

from __future__ import annotations

from math import sqrt

from insula.evaluation.result import Interval

_Z = 1.959964  # 97.5 % quantile of the normal distribution


def measure_share(count: int, rows: int) -> Interval:
    """Return count / rows with its 95% interval (Wilson 1927); undefined without rows."""
    if not rows:
        return Interval()
    share, square = count / rows, _Z * _Z
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = _Z * sqrt(share * (1 - share) / rows + square / (4 * rows * rows)) / (1 + square / rows)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))
