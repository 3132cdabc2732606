"""`build_trend_view`: the content of a page about a trend, in one language: charts, alerts, groups, windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from insula.core.builtin_schemes import find_chinese_names
from insula.evaluation.charts.axes import format_percents
from insula.evaluation.charts.over_time import draw_time_chart
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.readable import format_count, format_percent
from insula.evaluation.result import Interval
from insula.operations.monitoring.alerts import Alert
from insula.operations.monitoring.trend import Trend, TrendPoint, sum_points
from insula.operations.monitoring.trend_words import DRIFT_ASPECTS, WORDS

SHOWN = 6  # labels, and groups, with a chart of their own
ROWS = 200  # of the table of windows


@dataclass(frozen=True)
class TrendView:
    """A trend in the words of a language.

    valence   of all windows together, with sign; None for labels without polarity
    overview  charts of messages and valence
    shares    a chart for each of the most frequent labels
    by        names of the attributes that stay apart; `groups` has a row and `over_time` a chart for their values
    """

    words: Mapping[str, str]
    stream: str
    period: str
    valence: str | None
    messages: str
    facts: Sequence[tuple[str, str]]
    overview: Sequence[Figure]
    shares: Sequence[Figure]
    by: Sequence[str]
    groups: Sequence[Mapping[str, Any]]
    over_time: Sequence[Figure]
    alerts: Sequence[Mapping[str, Any]]
    windows: Sequence[Mapping[str, Any]]


def build_trend_view(trend: Trend, *, language: Literal["en", "zh"] = "en") -> TrendView:
    """Return the view of a trend."""
    words = WORDS[language]
    total = sum_points(trend.points)
    names = {} if language == "en" else name_labels(total)
    labels = sorted(total.labels, key=lambda name: -total.labels[name])[:SHOWN] if total is not None else []
    marks = [alert.raised for alert in trend.alerts]
    by = list(trend.points[0].attributes) if trend.points else []
    groups = _find_groups(trend.points) if by else []
    return TrendView(
        words=words,
        stream=Path(trend.stream.name).name,
        period=_format_period(trend.points),
        valence=None if total is None or total.valence is None else format_valence(total.valence),
        messages=format_count(total.messages) if total is not None else "0",
        facts=_list_facts(trend, total, words),
        overview=draw_overview(trend.points, words, marks),
        shares=[
            draw_share(trend.points, label, names.get(label, label), f"label-{place}", marks)
            for place, label in enumerate(labels)
        ],
        by=by,
        groups=[{"attributes": list(key), "cells": describe(point, names)} for key, _, point in groups],
        over_time=_draw_groups(groups, words),
        alerts=[_build_alert(alert, words, language, names) for alert in trend.alerts],
        windows=[
            {
                "start": format_moment(point.start),
                "attributes": list(point.attributes.values()),
                "cells": describe(point, names),
            }
            for point in trend.points[-ROWS:]
        ],
    )


def name_labels(total: TrendPoint | None) -> dict[str, str]:
    """Return the Chinese names of labels, where they are known."""
    names: dict[str, str] = {}
    if total is not None:
        for counts in (*total.levels.values(), total.labels):
            names |= find_chinese_names(tuple(counts)).get("zh", {})
    return names


def draw_overview(
    points: Sequence[TrendPoint], words: Mapping[str, str], marks: Sequence[datetime] = (), key: str = ""
) -> list[Figure]:
    """Return the charts of the number of messages and, if labels have a polarity, of the valence.

    key  begins the ids of the charts; it must differ for several overviews on one page
    """
    counts = [(point.start, float(point.messages)) for point in merge_by_start(points)]
    chart = draw_time_chart(counts, key=f"{key}messages", title=words["messages"], marks=marks)
    figures = [Figure(words["messages"], chart, words["messages_caption"])]
    if any(point.valence is not None for point in points):
        chart = _draw_line(points, TrendPoint.measure_valence, f"{key}valence", words["valence"], marks, low=None)
        figures.append(Figure(words["valence"], chart, words["valence_caption"]))
    return figures


def draw_share(
    points: Sequence[TrendPoint], label: str, shown: str, key: str, marks: Sequence[datetime] = ()
) -> Figure:
    """Return the chart of the share of messages with a label."""
    chart = _draw_line(points, lambda one: one.measure_label(label), key, shown, marks, y_text=format_percents)
    return Figure(shown, chart)


def describe(point: TrendPoint, names: Mapping[str, str]) -> list[str]:
    """Return messages, valence and its interval, the share of predictions not sure, and the most frequent labels."""
    top = sorted(point.labels.items(), key=lambda item: (-item[1], item[0]))[:3]
    valence = point.measure_valence()
    span = ""
    if valence.low is not None and valence.high is not None:
        span = f"{format_valence(valence.low)} … {format_valence(valence.high)}"
    shares = ", ".join(f"{names.get(label, label)} {format_percent(count / point.messages)}" for label, count in top)
    return [
        format_count(point.messages), "" if valence.value is None else format_valence(valence.value), span,
        format_percent(point.abstained / point.messages), shares,
    ]  # fmt: skip


def format_valence(value: float) -> str:
    """Return a valence with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def format_moment(moment: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def merge_by_start(points: Sequence[TrendPoint]) -> list[TrendPoint]:
    """Return one point for each start, in order: windows of one start are added up."""
    starts: dict[datetime, list[TrendPoint]] = {}
    for point in points:
        starts.setdefault(point.start, []).append(point)
    summed = [sum_points(starts[start]) for start in sorted(starts)]
    return [point for point in summed if point is not None and point.messages]


def _draw_line(
    points: Sequence[TrendPoint],
    measure: Callable[[TrendPoint], Interval],
    key: str,
    title: str,
    marks: Sequence[datetime] = (),
    **axis: Any,
) -> Any:
    """Return a chart of a measure over time, with its intervals."""
    measured = [(point.start, measure(point)) for point in merge_by_start(points)]
    return draw_time_chart(
        [(start, one.value or 0.0) for start, one in measured],
        key=key,
        title=title,
        marks=marks,
        band=[(one.low or 0.0, one.high or 0.0) for _, one in measured],
        **axis,
    )


def _find_groups(points: Sequence[TrendPoint]) -> list[tuple[tuple[str, ...], list[TrendPoint], TrendPoint]]:
    """Return each combination of attributes with its windows and their sum, the most negative first."""
    groups: dict[tuple[str, ...], list[TrendPoint]] = {}
    for point in points:
        groups.setdefault(tuple(point.attributes.values()), []).append(point)
    summed = [(key, some, total) for key, some in groups.items() if (total := sum_points(some)) is not None]
    return sorted(summed, key=lambda item: (item[2].valence or 0.0, item[0]))


def _draw_groups(
    groups: Sequence[tuple[tuple[str, ...], list[TrendPoint], TrendPoint]], words: Mapping[str, str]
) -> list[Figure]:
    """Return the valence over time of the largest groups, on one axis so that they can be compared."""
    largest = {key for key, *_ in sorted(groups, key=lambda item: -item[2].messages)[:SHOWN]}
    shown = [(key, some) for key, some, total in groups if key in largest and total.valence is not None]
    figures = []
    for place, (key, some) in enumerate(shown):
        title = " · ".join(key)
        chart = _draw_line(
            some, TrendPoint.measure_valence, f"group-{place}", f"{words['valence']}: {title}", low=-1.0, high=1.0
        )
        figures.append(Figure(title, chart))
    return figures


def _list_facts(trend: Trend, total: TrendPoint | None, words: Mapping[str, str]) -> list[tuple[str, str]]:
    facts = [(words["messages"], format_count(total.messages if total is not None else 0))]
    if total is not None and total.messages:
        facts.append((words["unsure"], format_percent(total.abstained / total.messages)))
    facts.append((words["alerts"], format_count(len(trend.alerts))))
    kinds = ("late", "repeated", "rejected", "untimed", "future")
    facts += [(words[kind], format_count(count)) for kind in kinds if (count := trend.stream.counts.get(kind))]
    return facts


def _build_alert(alert: Alert, words: Mapping[str, str], language: str, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "raised": format_moment(alert.raised),
        "reason": alert.reason if language == "en" else _explain_in_chinese(alert, names),
        "ended": words["lasts"] if alert.ended is None else format_moment(alert.ended),
        "lasts": alert.ended is None,
    }


def _explain_in_chinese(alert: Alert, names: Mapping[str, str]) -> str:
    """Return the reason of an alert from its figures; `Alert.reason` says the same in English."""
    facts = alert.facts
    if "aspects" in facts:
        named = "、".join(f"{DRIFT_ASPECTS.get(one, one)}（{facts['aspects'][one]:.2f}）" for one in facts["drifted"])
        return f"{facts['messages']:,} 条消息与训练时的文本不同：{named}。"
    expected = facts.get("expected", facts.get("usual"))  # `usual` in alerts of an earlier insula
    labels = "或".join(names.get(label, label) for label in facts["labels"])
    if "factor" in facts:
        return f"{labels}的占比上升（预期：{expected:.1%}）。"
    if labels:
        found = f"{facts['messages']:,} 条消息中有 {facts['share']:.1%} 为{labels}"
    else:
        found = f"共 {facts['messages']:,} 条消息"
    form = ".1%" if labels else ",.0f"
    if "limit" in facts:
        return f"{found}（上限：{facts['limit']:{form}}）。"
    return f"{found}（预期：{expected:{form}}；高出 {facts['deviations']:.1f} 个标准差）。"


def _format_period(points: Sequence[TrendPoint]) -> str:
    return f"{format_moment(points[0].start)} – {format_moment(points[-1].start)} UTC" if points else ""
