"""Spans of time that end, a deadline or a lease, even if the clock is set back meanwhile.

A clock that was a year ahead gives a lease that ends in a year. When the clock is corrected, such a case would be held,
or not late, for all that time. So each span has two columns: its end, and a start that lies its length before now. An
earlier time than the start means that the clock was set back by more than the length: then the span is over, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from insula.operations.store.tables import CASES

Span = Literal["due", "lease_until"]
_STARTS: dict[Span, str] = {"due": "due_from", "lease_until": "lease_from"}


def build_span_columns(end: Span, now: datetime, seconds: int) -> dict[str, datetime]:
    """Return the two columns of a span that ends `seconds` from now."""
    length = timedelta(seconds=seconds)
    return {end: now + length, _STARTS[end]: now - length}


def has_ended(row: Any, end: Span, now: datetime) -> bool:
    """Whether the span of a row is over."""
    return bool(row[end] <= now or row[_STARTS[end]] > now)


def build_has_ended(end: Span, now: datetime) -> sa.ColumnElement[bool]:
    """Return `has_ended` as a condition of SQL."""
    return (CASES.c[end] <= now) | (CASES.c[_STARTS[end]] > now)
