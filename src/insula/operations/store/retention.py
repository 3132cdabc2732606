"""Retention: how long rows are kept, and what is stored of a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from insula.core.errors import DataError


@dataclass(frozen=True)
class Retention:
    """The rule for storing texts: whether masked or not at all, and for how long.

    days   days after which rows are deleted
    mask   masks a text before it is written; None stores no text
    """

    days: float
    mask: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.days <= 36525:
            raise DataError(
                f"The retention must be above 0 and at most 36525 days. Got {self.days}. Choose another value."
            )

    @property
    def span(self) -> timedelta:
        """The time for which a row is kept."""
        return timedelta(days=self.days)

    def keep(self, text: str | None) -> str | None:
        """Return the stored form of a text."""
        if text is None or self.mask is None:
            return None
        # PostgreSQL rejects the NUL character, and a lone surrogate cannot be encoded as UTF-8.
        masked = self.mask(text).replace("\x00", "")
        return masked.encode("utf-8", "replace").decode("utf-8")
