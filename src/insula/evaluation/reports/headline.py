"""The one number that matters and the plain sentence that says what it means; page and card share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from insula.evaluation.metrics.metric_names import metric_meaning, metric_title
from insula.evaluation.reports.baseline_names import baseline_name
from insula.evaluation.reports.readable import count, score, span


@dataclass(frozen=True)
class Headline:
    """The headline of an evaluation.

    metric, title, value, low, high   the number with its 95% interval (None where not measured)
    rows                              how many rows it was measured on
    split                             `test`, or `validation` where no test rows were held out
    sentence                          what it means, in one sentence
    meaning                           what the metric measures
    """

    metric: str
    title: str
    value: float
    low: float | None
    high: float | None
    rows: int
    split: str
    sentence: str
    meaning: str


def main_split(metrics: Mapping[str, Any]) -> str | None:
    """Return `test` or `validation`, whichever the report is about; None where neither was evaluated."""
    return next((split for split in ("test", "validation") if metrics.get(split)), None)


def headline(metrics: Mapping[str, Any]) -> Headline | None:
    """Return the headline of (sanitized) metrics, None where nothing was measured."""
    split = main_split(metrics)
    if split is None:
        return None
    evaluation = metrics[split]
    measured = evaluation.get("metrics", {})
    metric = evaluation.get("headline") or next(iter(measured), "")
    number = measured.get(metric, {})
    if number.get("value") is None:
        return None
    rows = evaluation.get("rows", 0)
    interval = span(number)
    sentence = (
        f"On {count(rows)} {_seen(metrics, split)}, the model reaches {metric_title(metric)} {score(number['value'])}"
    )
    sentence += f" (95% interval {interval})" if interval else ""
    compared = _against(metrics) if split == "test" else ""
    return Headline(
        metric=metric,
        title=metric_title(metric),
        value=number["value"],
        low=number.get("low"),
        high=number.get("high"),
        rows=rows,
        split=split,
        sentence=f"{sentence}{compared}.",
        meaning=metric_meaning(metric),
    )


def _difference(difference: Mapping[str, Any], phrase: str) -> str:
    """Return `0.041 above the linear baseline (0.028 to 0.055)`, or that no difference is clear."""
    value, low, high = (difference.get(key) for key in ("value", "low", "high"))
    if value is None:
        return ""
    if low is None or high is None:
        return f"{score(abs(value))} {'above' if value >= 0 else 'below'} {phrase}"
    if low <= 0 <= high:
        return f"no clear difference from {phrase} ({score(low)} to {score(high)})"
    ends = sorted((abs(low), abs(high)))
    return f"{score(abs(value))} {'above' if value > 0 else 'below'} {phrase} ({score(ends[0])} to {score(ends[1])})"


def _seen(metrics: Mapping[str, Any], split: str) -> str:
    if split == "validation":
        return "validation rows, which also guided its training"
    overlap = metrics["test"].get("seen", {}).get("rows")
    if overlap:
        return f"rows, {count(overlap)} of which also stood in its training data"
    # Only the training run itself, or a check against it, can vouch that rows are new.
    trained_here = bool(metrics.get("data", {}).get("rows", {}).get("train"))
    return "rows it had never seen" if trained_here or overlap == 0 else "rows"


def _against(metrics: Mapping[str, Any]) -> str:
    baselines = metrics.get("baselines", {})
    name = next((name for name in ("linear", "untrained", "majority", *baselines) if name in baselines), None)
    if name is None:
        return ""
    kind = metrics.get("scheme", {}).get("kind")
    words = _difference(baselines[name].get("difference", {}), baseline_name(name, kind).phrase)
    return f"; {words}" if words else ""
