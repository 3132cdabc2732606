"""The help lines: an emergency service for every country, and no number without an official source."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from insula.core.errors import DataError
from insula.safety.signals.help_lines import DEFAULT, HelpLine, find_help, load_help_lines


@pytest.mark.parametrize("country", load_help_lines())
def test_an_entry_is_named_and_not_over_a_year_old(country: str) -> None:
    line = load_help_lines()[country]
    assert country == DEFAULT or (len(country) == 2 and country.isupper())
    assert set(line.service) == {"en", "zh"}
    assert date.today() - line.checked_on < timedelta(days=366)


@pytest.mark.parametrize("country", load_help_lines())
def test_a_number_has_a_source_and_the_day_it_was_read(country: str) -> None:
    line = load_help_lines()[country]
    assert (line.number is None) == (line.source is None) == (line.read_on is None)
    if line.number is None:
        assert not any(letter.isdigit() for letter in line.sentence("en") + line.sentence("zh"))


def test_help_is_found_by_country() -> None:
    assert find_help().country == DEFAULT
    assert find_help("cn").country == "CN"
    assert "公安机关" in find_help("CN").sentence("zh")
    with pytest.raises(DataError, match=r"must be one of .*CN.* Got 'XX'"):
        find_help("XX")


def test_a_number_is_in_the_sentence() -> None:
    line = HelpLine(
        "XX", {"en": "the police", "zh": "警察"}, date(2026, 1, 1), "999", "https://x.example", date(2026, 1, 1)
    )
    assert line.sentence() == "If somebody is in danger now, contact the police (999)."
