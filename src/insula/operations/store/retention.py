"""How long things are kept, and what of a text is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from insula.core.errors import DataError


@dataclass(frozen=True)
class Retention:
    """What the store keeps of a text, and for how long.

    days   after which rows are deleted
    mask   makes a text fit to be kept; it is called before anything is written. None keeps no text at all
    """

    days: float
    mask: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.days <= 36525:
            raise DataError(f"The retention must be above 0 days, at most a century. Got {self.days}. Choose another.")

    @property
    def span(self) -> timedelta:
        """How long a row is kept."""
        return timedelta(days=self.days)

    def kept(self, text: str | None) -> str | None:
        """Return what is stored of a text."""
        if text is None or self.mask is None:
            return None
        # PostgreSQL refuses the NUL character, and half a surrogate pair has no UTF-8 form.
        masked = self.mask(text).replace("\x00", "")
        return masked.encode("utf-8", "replace").decode("utf-8")
