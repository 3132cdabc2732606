"""The page of a report on messages: emotions by group and over time, the words behind them, quotes, advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.marked_text import mark_words
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_percent
from insula.operations.monitoring.trend import NEGATIVE, POSITIVE, TrendPoint
from insula.operations.monitoring.trend_view import describe, draw_overview, format_moment, format_valence, name_labels
from insula.operations.monitoring.trend_words import WORDS as TREND_WORDS
from insula.operations.reporting.report import ApplicableAdvice, GroupReport, MessageReport, PolaritySummary, Quote
from insula.operations.reporting.report_words import WORDS

LABELS = 8  # with a row in the chart of a group
NAMED = 12  # ids of messages at risk
Language = Literal["en", "zh"]


def render_report(report: MessageReport, *, language: Language = "en") -> str:
    """Return the page of a report: one HTML file that needs no network."""
    words = {**TREND_WORDS[language], **WORDS[language]}
    names = name_labels(report.overall.total) if language == "zh" else {}
    overall, source = report.overall, Path(report.source).name
    valence = overall.total.valence
    compared = _draw_group_comparison(report, words) if len(report.groups) > 1 else None
    overview = draw_overview(overall.points, words, key="all-")
    return render_page(
        "messages.html.j2",
        language="zh-CN" if language == "zh" else "en",
        words=words,
        title=report.settings.get_title(language) or source,
        subtitle=words["subtitle"].format(
            messages=format_count(overall.total.messages), source=source, model=report.model
        ),
        period=_format_period(overall.points, words),
        valence=None if valence is None else format_valence(valence),
        messages=format_count(overall.total.messages),
        headline=compared or (overview[-1] if overall.points else None),
        facts=_list_facts(report, words),
        notices=_list_notices(report, words),
        by=report.settings.by,
        compared=[{"name": group.name, "cells": describe(group.total, names)} for group in report.groups],
        groups=[
            _build_group(group, f"group-{place}", words, names, language)
            for place, group in enumerate((overall, *report.groups))
        ],
    )


def _draw_group_comparison(report: MessageReport, words: Mapping[str, str]) -> Figure | None:
    measured = [(group, group.total.measure_valence()) for group in report.groups]
    rows = [
        IntervalRow(
            group.name,
            one.value,
            one.low,
            one.high,
            note=words["count"].format(count=format_count(group.total.messages)),
            span=words["span"],
        )
        for group, one in measured
        if one.value is not None
    ]
    if not rows:
        return None
    title = words["by"].format(name=report.settings.by)
    svg = draw_interval_chart(
        rows, key="compared", title=title, reference=report.overall.total.valence, value_text=format_valence
    )
    return Figure(title, svg, words["by_caption"])


def _build_group(
    group: GroupReport, key: str, words: Mapping[str, str], names: Mapping[str, str], language: Language
) -> dict[str, Any]:
    overview = draw_overview(group.points, words, key=f"{key}-") if len(group.points) > 1 else []
    return {
        "id": key,
        "name": group.name or words["overall"],
        "polarity": _describe_polarity(group.total, words),
        "shares": _draw_shares(group.total, f"{key}-shares", words, names),
        "over_time": overview[1:] or overview,
        "sides": [_build_polarity(side, words, names) for side in group.sides if side.words or side.quotes],
        "advice": [_build_advice(one, words, language) for one in group.advice],
    }


def _describe_polarity(total: TrendPoint, words: Mapping[str, str]) -> str:
    """Return the shares of positive and negative messages, with messages and valence before them."""
    parts = [f"{words['messages']}: {format_count(total.messages)}"]
    valence = total.measure_valence()
    if valence.value is not None and valence.low is not None and valence.high is not None:
        span = f"{format_valence(valence.low)} … {format_valence(valence.high)}"
        parts.append(f"{words['valence']}: {format_valence(valence.value)} ({span})")
    for counts in (*total.levels.values(), total.labels):
        if {POSITIVE, NEGATIVE} & set(counts):
            parts += [
                f"{words[side]}: {format_percent(counts.get(side, 0) / total.messages)}"
                for side in (POSITIVE, NEGATIVE)
            ]
            break
    return " · ".join(parts)


def _draw_shares(total: TrendPoint, key: str, words: Mapping[str, str], names: Mapping[str, str]) -> Figure:
    frequent = sorted(total.labels, key=lambda name: (-total.labels[name], name))[:LABELS]
    measured = [(names.get(label, label), total.measure_label(label)) for label in frequent]
    rows = [
        IntervalRow(name, _to_percent(one.value), _to_percent(one.low), _to_percent(one.high), span=words["span"])
        for name, one in measured
    ]
    svg = draw_interval_chart(rows, key=key, title=words["shares"], value_text=lambda value: f"{value:.0f}%")
    return Figure(words["shares"], svg, words["shares_caption"])


def _to_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _build_polarity(side: PolaritySummary, words: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    known = f"side_{side.name}"
    title = words[known] if known in words else words["side_label"].format(label=names.get(side.name, side.name))
    return {
        "title": title,
        "name": side.name,
        "sentence": words["side_messages"].format(
            messages=format_count(side.messages), explained=format_count(side.explained)
        ),
        "words": [(one.word, format_count(one.messages)) for one in side.words],
        "quotes": [_build_quote(one, words, names) for one in side.quotes],
    }


def _build_quote(quote: Quote, words: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    facts = [
        f"{names.get(quote.label, quote.label)} {format_percent(quote.score)}",
        "" if quote.is_sure else words["unsure"],
        "" if quote.time is None else f"{quote.time:%Y-%m-%d}",
    ]
    return {
        "pieces": list(mark_words(quote.text, quote.spans, quote.weights)),
        "facts": " · ".join(fact for fact in facts if fact),
    }


def _build_advice(given: ApplicableAdvice, words: Mapping[str, str], language: Language) -> dict[str, str]:
    share = given.share
    shown = [format_percent(one or 0.0) for one in (share.value, share.low, share.high)]
    return {
        "text": given.advice.say(language),
        "share": words["advice_share"].format(share=shown[0], low=shown[1], high=shown[2]),
    }


def _list_facts(report: MessageReport, words: Mapping[str, str]) -> list[tuple[str, str]]:
    total = report.overall.total
    facts = [
        (words["messages"], format_count(total.messages)),
        (words["unsure"], format_percent(total.abstained / total.messages)),
    ]
    if report.groups:
        facts.append((words["groups"], format_count(len(report.groups) + report.crowded)))
    counts = (("rejected", report.rejected), ("untimed", report.untimed))
    return facts + [(words[name], format_count(count)) for name, count in counts if count]


def _list_notices(report: MessageReport, words: Mapping[str, str]) -> list[str]:
    notices = []
    if report.at_risk:
        ids = list(report.at_risk[:NAMED])
        if len(report.at_risk) > NAMED:
            ids.append(words["and_more"].format(count=len(report.at_risk) - NAMED))
        notices.append(words["risk"].format(count=format_count(len(report.at_risk)), ids=", ".join(ids)))
    if report.first_reject:
        notices.append(words["first_reject"].format(reason=report.first_reject))
    if report.crowded:
        notices.append(words["crowded"].format(count=format_count(report.crowded)))
    return notices


def _format_period(points: Sequence[TrendPoint], words: Mapping[str, str]) -> str:
    if not points:
        return ""
    first, last = (format_moment(point.start)[:10] for point in (points[0], points[-1]))
    return words["between"].format(first=first, last=last)
