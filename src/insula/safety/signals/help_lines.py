"""`find_help`: where people in danger find help, by country; read from `help_lines.toml`."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from insula.core.errors import DataError, suggest

DEFAULT = "default"
_SENTENCES = {
    "en": "If somebody is in danger now, contact {service}{number}.",
    "zh": "如果有人正处在危险中，请马上联系{service}{number}。",
}


@dataclass(frozen=True)
class HelpLine:
    """Help in a country.

    service     name of the service by language: `en`, `zh`
    checked_on  when the entry was last looked at
    number      its number, only with an official `source` that was read on the day `read_on`; else None
    """

    country: str
    service: dict[str, str]
    checked_on: date
    number: str | None = None
    source: str | None = None
    read_on: date | None = None

    def sentence(self, language: str = "en") -> str:
        """Return the sentence to tell a person, in English or Chinese."""
        number = f" ({self.number})" if self.number else ""
        return _SENTENCES[language].format(service=self.service[language], number=number)


@functools.cache
def load_help_lines() -> dict[str, HelpLine]:
    """Return the entries by country code; `default` is for all other countries."""
    table: dict[str, dict[str, Any]] = tomllib.loads(
        (files(__package__) / "help_lines.toml").read_text(encoding="utf-8")
    )
    return {
        country: HelpLine(
            country,
            {language: entry[language] for language in _SENTENCES},
            entry["checked_on"],
            entry.get("number"),
            entry.get("source"),
            entry.get("read_on"),
        )
        for country, entry in table.items()
    }


def find_help(country: str | None = None) -> HelpLine:
    """Return the entry of a country by its ISO 3166 code, such as `CN`; without one, that for any country.

    Raises `DataError` for a country without an entry.
    """
    lines = load_help_lines()
    if country is None:
        return lines[DEFAULT]
    if (found := lines.get(country.upper())) is None:
        known = [code for code in lines if code != DEFAULT]
        raise DataError(
            f"The country must be one of {', '.join(known)}. Got {country!r}.{suggest(country.upper(), known)} "
            "Omit the country to get help that applies anywhere."
        )
    return found
