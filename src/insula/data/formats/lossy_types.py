"""Find values that Arrow would truncate silently: decimals in an integer column, unknown keys of an object."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

IsLossy = Callable[[Any], bool]


def build_lossy_checks(schema: pa.Schema) -> dict[str, IsLossy]:
    """Return a check for each column, true for values that would be truncated; Arrow raises for other mismatches."""
    checks = ((field.name, _build_check(field.type)) for field in schema)
    return {name: check for name, check in checks if check is not None}


def _build_check(kind: Any) -> IsLossy | None:
    if pa.types.is_integer(kind):
        return lambda value: isinstance(value, float) and math.isfinite(value) and not value.is_integer()
    if pa.types.is_struct(kind):
        names, inner_checks = frozenset(field.name for field in kind), build_lossy_checks(pa.schema(list(kind)))
        return lambda value: (
            isinstance(value, Mapping)
            and (not names.issuperset(value) or any(check(value.get(name)) for name, check in inner_checks.items()))
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _build_check(kind.value_type)
        return None if inner is None else lambda value: isinstance(value, list | tuple) and any(map(inner, value))
    return None
