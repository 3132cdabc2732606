"""Numbers formatted for people, in the same way on pages, in cards and in tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from insula.evaluation.result import Interval

LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "pt": "Portuguese", "ru": "Russian", "zh": "Chinese",
}  # fmt: skip


def format_score(value: float | None) -> str:
    """Return a score with three decimals, an en dash if unknown."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def format_signed(value: float | None) -> str:
    """Return a difference with its sign."""
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def format_span(interval: Interval, number: Callable[[float], str] = format_score) -> str:
    """Return an interval as `low to high`, an empty string if there is none."""
    low, high = interval.low, interval.high
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def format_count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return "–" if value is None else f"{round(value):,}"


def format_percent(value: float | None) -> str:
    """Return a share as a percentage with at most one decimal; only 0 is shown as 0%, only 1 as 100%."""
    if value is None:
        return "–"
    shown = f"{100 * value:.1f}".removesuffix(".0")
    if shown == "0" and value > 0:
        return "under 0.1%"
    return "over 99.9%" if shown == "100" and value < 1 else f"{shown}%"


def format_large(value: float | None) -> str:
    """Return a count in words: `22.7 million`, `4,096`."""
    if value is None:
        return "–"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.1f} {word}"
    return format_count(value)


def format_file_size(value: float | None) -> str:
    """Return bytes as kB, MB or GB (powers of 1,000)."""
    if value is None:
        return "–"
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{round(value)} bytes"


def format_duration(seconds: float | None) -> str:
    """Return seconds as `0.4 s`, `42 s`, `5 min 0 s`, `2 h 5 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def name_language(code: str) -> str:
    """Return the English name of a language, or its code if unknown."""
    return LANGUAGES.get(code, code)


def format_languages(shares: Mapping[str, float]) -> str:
    """Return `English 99%, Chinese 1%`, at most six, largest first."""
    largest = sorted(shares.items(), key=lambda item: -item[1])[:6]
    return ", ".join(f"{name_language(code)} {format_percent(share)}" for code, share in largest)


def format_plain(value: Any) -> str:
    """Return a recipe value as text: yes, no, none, short numbers, lists with commas."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(format_plain(item) for item in value) or "none"
    return str(value)


def flatten_values(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested plain values as (dotted name, text), in order."""
    rows: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        rows.extend(flatten_values(value, f"{name}.") if isinstance(value, Mapping) else [(name, format_plain(value))])
    return rows
