"""The page of a trend: how the emotions in a stream developed, and its alerts, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from insula.core.files import write_text
from insula.evaluation.reports.page import render_page
from insula.operations.monitoring.trend import Trend
from insula.operations.monitoring.trend_view import build_trend_view


def write_trend(path: str | Path, trend: Trend, *, language: Literal["en", "zh"] = "en") -> None:
    """Write a trend as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_trend(trend, language=language))


def render_trend(trend: Trend, *, language: Literal["en", "zh"] = "en") -> str:
    """Return the page that `write_trend` writes."""
    return render_page(
        "trend.html.j2",
        language="zh-CN" if language == "zh" else "en",
        trend=build_trend_view(trend, language=language),
    )
