"""Pieces of the sentences that people read: how many of what, long texts cut short."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shortened(text: str, most: int) -> str:
    """Return the text, cut to `most` characters of which the last is then an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"
