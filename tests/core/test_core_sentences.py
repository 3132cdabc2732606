"""Pieces of sentences."""

from __future__ import annotations

from insula.core.sentences import counted, shortened


def test_one_has_no_plural_and_thousands_have_a_comma() -> None:
    assert [counted(count, "row") for count in (0, 1, 2, 2000)] == ["0 rows", "1 row", "2 rows", "2,000 rows"]


def test_a_text_is_cut_only_where_it_is_too_long() -> None:
    assert shortened("x" * 300, 300) == "x" * 300
    assert shortened("x" * 301, 300) == "x" * 299 + "…"
