"""The page of a trend: how the emotions in a stream developed, and its alerts, as one file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from insula.core.builtin_schemes import find_chinese_names
from insula.core.files import write_text
from insula.evaluation.charts.axes import format_percents
from insula.evaluation.charts.over_time import Point, draw_time_chart
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_percent
from insula.operations.monitoring.alerts import Alert
from insula.operations.monitoring.trend import Trend, TrendPoint
from insula.operations.monitoring.trend_words import WORDS

SHOWN = 6  # labels with a chart of their own
ROWS = 200  # of the table of windows


def write_trend(path: str | Path, trend: Trend, *, language: Literal["en", "zh"] = "en") -> None:
    """Write a trend as a single HTML file that needs no network; raises `OutputError`."""
    write_text(path, render_trend(trend, language=language))


def render_trend(trend: Trend, *, language: Literal["en", "zh"] = "en") -> str:
    """Return the page that `write_trend` writes."""
    words = WORDS[language]
    total = _add_up(trend.points)
    names: dict[str, str] = {}
    if language == "zh" and total is not None:
        for counts in (*total.levels.values(), total.labels):
            names |= find_chinese_names(tuple(counts)).get("zh", {})
    labels = sorted(total.labels, key=lambda name: -total.labels[name])[:SHOWN] if total is not None else []
    marks = [alert.raised for alert in trend.alerts]
    return render_page(
        "trend.html.j2",
        words=words,
        language="zh-CN" if language == "zh" else "en",
        stream=Path(trend.stream.name).name,
        period=_format_period(trend.points),
        valence=None if total is None or total.valence is None else f"{total.valence:+.2f}".replace("-", "−"),
        messages=format_count(total.messages) if total is not None else "0",
        facts=_list_facts(trend, total, words),
        overview=_draw_overview(trend.points, words, marks),
        shares=[_draw_share(trend.points, label, _name(label, names), marks) for label in labels],
        groups=_list_groups(trend.points, names),
        by=list(trend.points[0].attributes) if trend.points else [],
        alerts=[
            {
                "rule": alert.rule,
                "raised": _format_moment(alert.raised),
                "reason": alert.reason if language == "en" else _explain_in_chinese(alert, names),
                "ended": words["lasts"] if alert.ended is None else _format_moment(alert.ended),
            }
            for alert in trend.alerts
        ],
        windows=[
            {
                "start": _format_moment(point.start),
                "attributes": list(point.attributes.values()),
                "cells": _describe(point, names),
            }
            for point in trend.points[-ROWS:]
        ],
    )


def _add_up(points: Sequence[TrendPoint]) -> TrendPoint | None:
    """Return the sum of windows."""
    if not points:
        return None
    total = TrendPoint(points[0].start, points[0].seconds, {})
    for point in points:
        total.messages += point.messages
        total.abstained += point.abstained
        for level, counts in {"": point.labels, **point.levels}.items():
            for label, count in counts.items():
                total.count_label(level, label, count)
    return total


def _series(points: Sequence[TrendPoint], value: Any) -> list[Point]:
    """Return a value for each start; windows of one start are added up."""
    starts: dict[datetime, list[TrendPoint]] = {}
    for point in points:
        starts.setdefault(point.start, []).append(point)
    summed = [(start, _add_up(some)) for start, some in sorted(starts.items())]
    return [(start, value(one)) for start, one in summed if one is not None and one.messages]


def _draw_share(points: Sequence[TrendPoint], label: str, shown: str, marks: Sequence[datetime]) -> Figure:
    series = _series(points, lambda point: point.labels.get(label, 0) / point.messages)
    return Figure(shown, draw_time_chart(series, key=label, title=shown, y_text=format_percents, marks=marks), "")


def _draw_overview(points: Sequence[TrendPoint], words: dict[str, str], marks: Sequence[datetime]) -> list[Figure]:
    counts = _series(points, lambda point: float(point.messages))
    chart = draw_time_chart(counts, key="messages", title=words["messages"], marks=marks)
    figures = [Figure(words["messages"], chart, words["messages_caption"])]
    if any(point.valence is not None for point in points):
        chart = draw_time_chart(
            _series(points, lambda point: point.valence or 0.0), key="valence", title=words["valence"], marks=marks,
            low=None,
        )  # fmt: skip
        figures.append(Figure(words["valence"], chart, words["valence_caption"]))
    return figures


def _list_facts(trend: Trend, total: TrendPoint | None, words: dict[str, str]) -> list[tuple[str, str]]:
    facts = [(words["messages"], format_count(total.messages if total is not None else 0))]
    if total is not None and total.messages:
        facts.append((words["unsure"], format_percent(total.abstained / total.messages)))
    facts.append((words["alerts"], format_count(len(trend.alerts))))
    kinds = ("late", "repeated", "rejected", "untimed", "future")
    facts += [(words[kind], format_count(count)) for kind in kinds if (count := trend.stream.counts.get(kind))]
    return facts


def _list_groups(points: Sequence[TrendPoint], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return one row for each combination of attributes, the most negative first."""
    groups: dict[tuple[str, ...], list[TrendPoint]] = {}
    for point in points:
        groups.setdefault(tuple(point.attributes.values()), []).append(point)
    if list(groups) in ([], [()]):
        return []
    summed = [(key, total) for key, some in groups.items() if (total := _add_up(some)) is not None]
    summed.sort(key=lambda item: (item[1].valence or 0.0, item[0]))
    return [{"attributes": list(key), "cells": _describe(total, names)} for key, total in summed]


def _explain_in_chinese(alert: Alert, names: dict[str, str]) -> str:
    """Return the reason of an alert from its figures; `Alert.reason` says the same in English."""
    facts = alert.facts
    labels = "或".join(_name(label, names) for label in facts["labels"])
    if "factor" in facts:
        return f"{labels}的占比上升（平时：{facts['usual']:.1%}）。"
    if labels:
        found = f"{facts['messages']:,} 条消息中有 {facts['share']:.1%} 为{labels}"
    else:
        found = f"共 {facts['messages']:,} 条消息"
    form = ".1%" if labels else ",.0f"
    if "limit" in facts:
        return f"{found}（上限：{facts['limit']:{form}}）。"
    return f"{found}（平时：{facts['usual']:{form}}；高出 {facts['deviations']:.1f} 个标准差）。"


def _describe(point: TrendPoint, names: dict[str, str]) -> list[str]:
    top = sorted(point.labels.items(), key=lambda item: (-item[1], item[0]))[:3]
    valence = "" if point.valence is None else f"{point.valence:+.2f}".replace("-", "−")
    shares = ", ".join(f"{_name(label, names)} {format_percent(count / point.messages)}" for label, count in top)
    return [format_count(point.messages), valence, format_percent(point.abstained / point.messages), shares]


def _name(label: str, names: dict[str, str]) -> str:
    return names.get(label, label)


def _format_moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _format_period(points: Sequence[TrendPoint]) -> str:
    return f"{_format_moment(points[0].start)} – {_format_moment(points[-1].start)} UTC" if points else ""
