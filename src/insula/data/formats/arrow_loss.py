"""What Arrow drops in silence where a value does not fit a type: the decimals of a number, the keys of an object."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

Loses = Callable[[Any], bool]


def losses(schema: pa.Schema) -> dict[str, Loses]:
    """Return, for each column that may lose a part of a value, what tells whether it would; Arrow refuses the rest."""
    checks = ((field.name, _loss(field.type)) for field in schema)
    return {name: check for name, check in checks if check is not None}


def _loss(kind: Any) -> Loses | None:
    if pa.types.is_integer(kind):
        return lambda value: isinstance(value, float) and math.isfinite(value) and not value.is_integer()
    if pa.types.is_struct(kind):
        names, parts = frozenset(field.name for field in kind), losses(pa.schema(list(kind)))
        return lambda value: (
            isinstance(value, Mapping)
            and (not names.issuperset(value) or any(check(value.get(name)) for name, check in parts.items()))
        )
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _loss(kind.value_type)
        return None if inner is None else lambda value: isinstance(value, list | tuple) and any(map(inner, value))
    return None
