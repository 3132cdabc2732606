"""Shares of rows with their intervals."""

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


def measure_balance(positive: int, negative: int, rows: int) -> Interval:
    """Return (positive - negative) / rows with its 95% interval; undefined without rows.

    The interval is that of a difference of two shares of the same rows, with half a row added to each of the four cells
    of their table (Agresti & Min 2005): a single row is no certainty.
    """
    if not rows:
        return Interval()
    count, more, less = rows + 2, positive + 0.5, negative + 0.5
    middle = (more - less) / count
    half = _Z * sqrt(max(0.0, (more + less) / count - middle * middle) / count)
    value = (positive - negative) / rows
    return Interval(value, max(-1.0, min(value, middle - half)), min(1.0, max(value, middle + half)))
