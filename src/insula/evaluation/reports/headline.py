"""The headline metric and a sentence that states it, shared by report and model card."""

from __future__ import annotations

from dataclasses import dataclass

from insula.evaluation.document import MetricsDocument, Split
from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title
from insula.evaluation.reports.baseline_names import find_baseline_name
from insula.evaluation.reports.readable import format_count, format_score, format_span
from insula.evaluation.result import Interval


@dataclass(frozen=True)
class Headline:
    """The headline of an evaluation.

    metric, title, value, low, high   the metric with its 95% interval (None where not measured)
    rows                              number of rows that it was measured on
    split                             `test`, or `validation` if there were no test rows
    sentence                          the result in one sentence
    meaning                           explanation of the metric
    """

    metric: str
    title: str
    value: float
    low: float | None
    high: float | None
    rows: int
    split: Split
    sentence: str
    meaning: str


def build_headline(document: MetricsDocument) -> Headline | None:
    """Return the headline of a sanitized document, None where nothing was measured."""
    split, evaluation = document.main_split, document.main
    if split is None or evaluation is None:
        return None
    metric = evaluation.headline_name or next(iter(evaluation.metrics), "")
    found = evaluation.metrics.get(metric, Interval())
    if found.value is None:
        return None
    interval = format_span(found)
    sentence = (
        f"On {format_count(evaluation.rows)} {_describe_rows(document)}, the model reaches {get_metric_title(metric)} "
        f"{format_score(found.value)}"
    )
    sentence += f" (95% interval {interval})" if interval else ""
    compared = _describe_baseline(document) if split == "test" else ""
    return Headline(
        metric=metric,
        title=get_metric_title(metric),
        value=found.value,
        low=found.low,
        high=found.high,
        rows=evaluation.rows,
        split=split,
        sentence=f"{sentence}{compared}.",
        meaning=get_metric_meaning(metric),
    )


def _describe_difference(difference: Interval, phrase: str) -> str:
    """Return `0.041 above the linear baseline (0.028 to 0.055)`, or that the difference is not significant."""
    value, low, high = difference.value, difference.low, difference.high
    if value is None:
        return ""
    if low is None or high is None:
        return f"{format_score(abs(value))} {'above' if value >= 0 else 'below'} {phrase}"
    if not difference.excludes_zero:
        return f"no significant difference from {phrase} ({format_score(low)} to {format_score(high)})"
    near, far = (format_score(end) for end in sorted((abs(low), abs(high))))
    return f"{format_score(abs(value))} {'above' if value > 0 else 'below'} {phrase} ({near} to {far})"


def _describe_rows(document: MetricsDocument) -> str:
    if document.test is None:
        return "validation rows, which were also used in training"
    seen = document.test.seen.rows if document.test.seen is not None else None
    if seen:
        return f"rows, {format_count(seen)} of which are also in its training data"
    # Only the training run itself, or a check against its rows, shows that rows are new.
    trained_here = bool(document.data.rows.get("train"))
    return "rows that it was not trained on" if trained_here or seen == 0 else "rows"


def choose_compared_baseline(document: MetricsDocument) -> str | None:
    """Return the name of the baseline that the headline compares with, None without baselines."""
    baselines = document.baselines
    return next((name for name in ("linear", "untrained", "majority", *baselines) if name in baselines), None)


def _describe_baseline(document: MetricsDocument) -> str:
    name = choose_compared_baseline(document)
    if name is None:
        return ""
    words = _describe_difference(
        document.baselines[name].difference.interval, find_baseline_name(name, document.scheme.kind).phrase
    )
    return f"; {words}" if words else ""
