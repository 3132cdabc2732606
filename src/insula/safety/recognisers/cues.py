"""Cues: words that say what the value after them is."""

from __future__ import annotations


def build_cue_pattern(latin: str, chinese: str = "") -> str:
    """Return a pattern of alternatives: Latin words only on their own ("iPhone" is not "phone"), Chinese ones anywhere.

    Both arguments are patterns with `|` between the alternatives.
    """
    words = rf"(?<![A-Za-z])(?:{latin})(?![A-Za-z])"
    return f"(?:{words}|{chinese})" if chinese else words
