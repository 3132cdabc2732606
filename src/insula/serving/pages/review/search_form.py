"""`SearchForm`: the conditions that a visitor of the page of stored predictions has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

ANSWERED, UNSURE = "given", "unsure"
SEARCH_FIELDS = (
    "text", "label", "low", "high", "decision", "language", "model", "caller", "since", "until", "after"
)  # fmt: skip


@dataclass(frozen=True)
class SearchForm:
    """The fields of the form as typed, empty without a condition.

    low, high     percentages of confidence
    decision      `given` or `unsure`
    since, until  days, both inclusive
    after         where the part starts that is shown
    """

    text: str = ""
    label: str = ""
    low: str = ""
    high: str = ""
    decision: str = ""
    language: str = ""
    model: str = ""
    caller: str = ""
    since: str = ""
    until: str = ""
    after: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Return the form of a query."""
        return cls(**{name: query[name].strip() for name in SEARCH_FIELDS if name in query})

    @classmethod
    def parse(cls, query: str) -> Self:
        """Return the form that `urlencode` of its query made; an empty one for anything else."""
        try:
            return cls.read(dict(parse_qsl(query, max_num_fields=len(SEARCH_FIELDS))))
        except ValueError:
            return cls()

    def to_query(self, **changed: str) -> dict[str, str]:
        """Return the query of an address that leads to the same search, or to one with some changes."""
        return {name: value for name, value in (asdict(self) | changed).items() if value}

    def encode(self) -> str:
        """Return the query as one text."""
        return urlencode(self.to_query())

    @property
    def count_conditions(self) -> int:
        """The number of conditions besides the text."""
        return len(self.to_query(text="", after=""))

    def to_conditions(self, zone: timezone) -> dict[str, Any]:
        """Return the conditions as the API takes them; raise `ValueError` for a number or a day that is none.

        zone  the time zone of the days
        """
        found: dict[str, Any] = {
            name: value
            for name in ("text", "label", "language", "model", "caller", "after")
            if (value := getattr(self, name))
        }
        for name, percent in (("min_confidence", self.low), ("max_confidence", self.high)):
            if percent:
                found[name] = float(percent) / 100
        if self.decision in (ANSWERED, UNSURE):
            found["abstained"] = self.decision == UNSURE
        for name, day, more in (("since", self.since, 0), ("until", self.until, 1)):
            if day:
                first = datetime.combine(date.fromisoformat(day), time.min, zone)
                found[name] = (first + timedelta(days=more)).isoformat()
        return found
