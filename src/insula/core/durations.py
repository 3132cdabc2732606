"""Durations as people write and read them: `90d`, `12h`, `30m`, `45s`."""

from __future__ import annotations

import re

from insula.core.errors import DataError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FORM = re.compile(r"(\d{1,9})([smhdw])")
MAX_SECONDS = 36525 * _UNITS["d"]  # a century: dates further away overflow `datetime`


def parse_duration(span: str, *, name: str = "duration") -> int:
    """Return the seconds of a duration such as `90d` (units: w, d, h, m, s).

    Raises `DataError` for anything else; its message calls the parameter `name`.
    """
    found = _FORM.fullmatch(span.strip().lower())
    value = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < value <= MAX_SECONDS:
        raise DataError(
            f"The {name} must be a whole number with a unit of w, d, h, m or s, at most a century. Got {span!r}. "
            "Write for example 90d."
        )
    return value


def format_duration(seconds: float) -> str:
    """Return a duration in its largest whole unit, rounded down: 5400 seconds are `1h`."""
    whole = max(0, int(seconds))
    unit = max((unit for unit in "smhd" if _UNITS[unit] <= whole), key=lambda unit: _UNITS[unit], default="s")
    return f"{whole // _UNITS[unit]}{unit}"
