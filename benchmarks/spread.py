"""Figures of several rounds, in one line of JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median of the rounds with the lowest and the highest."""
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
