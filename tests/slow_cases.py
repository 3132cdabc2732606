"""Products of parameters: the default run takes each value of each parameter, `make test-slow` every case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_unless(wanted: Callable[..., bool], cases: Iterable[Any]) -> list[Any]:
    """Return the cases for `pytest.mark.parametrize`; those that are not wanted in the default run are slow.

    A case is a tuple of the arguments of `wanted`, or the only argument.

    Raises:
        ValueError: A value of one of the parameters is in no case of the default run.
    """
    rows = [case if isinstance(case, tuple) else (case,) for case in cases]
    kept = [wanted(*row) for row in rows]
    for place, values in enumerate(zip(*rows, strict=True)):
        lost = {repr(value) for value in values} - {
            repr(row[place]) for row, keep in zip(rows, kept, strict=True) if keep
        }
        if lost and len(rows[0]) > 1:
            raise ValueError(f"no case of the default run has {', '.join(sorted(lost))}")
    return [
        pytest.param(*row) if keep else pytest.param(*row, marks=pytest.mark.slow)
        for row, keep in zip(rows, kept, strict=True)
    ]
