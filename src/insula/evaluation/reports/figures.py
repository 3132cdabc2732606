"""From measured results to the report's charts, each with the caption that says what to look for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from insula.evaluation.charts.confusion import confusion_chart
from insula.evaluation.charts.intervals import Interval, interval_chart
from insula.evaluation.charts.label_bars import LabelScore, label_bars
from insula.evaluation.charts.learning import Series, learning_chart
from insula.evaluation.charts.precision_recall import precision_recall_chart
from insula.evaluation.charts.reliability import reliability_chart
from insula.evaluation.charts.risk_coverage import risk_coverage_chart
from insula.evaluation.charts.scatter import scatter_chart
from insula.evaluation.metrics.metric_names import metric_meaning, metric_title
from insula.evaluation.reports.baseline_names import baseline_name
from insula.evaluation.reports.headline import Headline
from insula.evaluation.reports.readable import count, language, percent, score

MOST_LABELS = 40  # of charts; tables and metrics.json have them all
MOST_SLICES = 30


@dataclass(frozen=True)
class Figure:
    """A chart with its heading and caption; `wide` ones scroll in a frame of their own."""

    title: str
    svg: Markup
    caption: str = ""
    wide: bool = False


def baseline_figure(metrics: Mapping[str, Any], head: Headline) -> Figure | None:
    """What did training bring: the baselines and this model on one axis."""
    rows = []
    for name, baseline in metrics.get("baselines", {}).items():
        number = baseline.get("metrics", {}).get(head.metric, {})
        if number.get("value") is not None:
            words = baseline_name(name, metrics.get("scheme", {}).get("kind"))
            rows.append(Interval(words.title, number["value"], number.get("low"), number.get("high"), note=words.note))
    if not rows:
        return None
    rows.sort(key=lambda row: row.value or 0.0)
    rows.append(Interval("This model", head.value, head.low, head.high, note="after training", strong=True))
    title = f"{head.title} of this model and its baselines"
    svg = interval_chart(rows, key="baselines", title=title)
    return Figure(
        "What did training bring?",
        svg,
        f"{_capital(head.title)} on the same {count(head.rows)} rows; whiskers are 95% intervals.",
    )


def learning_figures(metrics: Mapping[str, Any]) -> list[Figure]:
    """Losses, and the measure on the validation rows, over the course of training."""
    history = metrics.get("history", [])
    clock = "epoch" if any(row.get("epoch") is not None for row in history) else "step"
    figures = []
    losses = [
        Series("training", _points(history, clock, "loss"), "first"),
        Series("validation", _points(history, clock, "validation_loss"), "second"),
    ]
    losses = [line for line in losses if len(line.points) > 1]
    if losses:
        svg = learning_chart(losses, key="loss", title="Loss during training", x_title=clock, y_title="loss")
        warning = "Where validation turns up while training falls, the model begins to memorise."
        figures.append(Figure("Loss", svg, warning if len(losses) == 2 else ""))
    names = dict.fromkeys(
        key for row in history for key in row if key.startswith("validation_") and key != "validation_loss"
    )
    for name in list(names)[:2]:
        title = metric_title(name.removeprefix("validation_"))
        line = Series("validation", _points(history, clock, name), "second")
        if len(line.points) > 1:
            # A metric's own phrase says where lower is better.
            pick = min if "lower is better" in metric_meaning(name.removeprefix("validation_")) else max
            best = pick(line.points, key=lambda point: point[1])
            svg = learning_chart(
                [line], key=name, title=f"{_capital(title)} during training", x_title=clock, y_title=title
            )
            figures.append(
                Figure(f"{_capital(title)} on validation rows", svg, f"Best: {score(best[1])} at {clock} {best[0]:g}.")
            )
    return figures


def answer_figures(evaluation: Mapping[str, Any]) -> list[Figure]:
    """What is told from what: confusion matrix, bars a label, scatter a dimension."""
    figures = []
    confusion = evaluation.get("confusion", {})
    labels, counts = confusion.get("labels", []), confusion.get("counts", [])
    if counts and len(counts) == len(labels) <= MOST_LABELS:
        svg = confusion_chart(labels, counts, key="confusion", title="Confusion matrix")
        caption = "Each row holds the texts with one label; shades and percentages are shares of that row."
        worst = _worst_confusion(labels, counts)
        figures.append(Figure("What is taken for what", svg, f"{caption} {worst}".strip(), wide=len(labels) > 14))
    scores = [
        LabelScore(row.get("label", ""), *(row.get(key) for key in ("f1", "precision", "recall", "support")))
        for row in evaluation.get("per_label", [])[:MOST_LABELS]
    ]
    scores.sort(key=lambda score: -1.0 if score.f1 is None else score.f1, reverse=True)
    # Many labels with no small matrix beside them: two halves fill the width and are quicker to read.
    halved = len(scores) > 12 and all(figure.wide for figure in figures)
    half = math.ceil(len(scores) / 2) if halved else len(scores)
    for part, title in (
        (scores[:half], "Told best" if half < len(scores) else "Label by label"),
        (scores[half:], "Told least well"),
    ):
        if part:
            svg = label_bars(part, key=f"bars-{title}", title=f"{title}: F1, precision and recall")
            caption = "Precision left of recall: the label is given too often; right of it: too seldom."
            figures.append(Figure(title, svg, caption))
    return figures


def scatter_figures(evaluation: Mapping[str, Any], scheme: Mapping[str, Any]) -> list[Figure]:
    """One scatter plot a dimension, with its measured agreement."""
    numbers = {row.get("name"): row for row in evaluation.get("per_dimension", [])}
    figures = []
    for index, (name, pairs) in enumerate(list(evaluation.get("scatter", {}).items())[:12]):
        limits = scheme.get("ranges", {}).get(name)
        svg = scatter_chart(
            pairs, key=f"scatter-{index}", name=name, limits=(float(limits[0]), float(limits[1])) if limits else None
        )
        row = numbers.get(name, {})
        said = [
            f"{word} {score(row[key])}"
            for key, word in (("pearson", "Pearson r"), ("ccc", "CCC"), ("mae", "mean absolute error"))
            if key in row
        ]
        figures.append(Figure(name, svg, f"{', '.join(said)}." if said else ""))
    return figures


def curve_charts(evaluation: Mapping[str, Any]) -> list[Markup]:
    """Precision-recall curves, one small chart a label."""
    rows = evaluation.get("rows") or 0
    support = {row.get("label"): row.get("support") for row in evaluation.get("per_label", [])}
    charts = []
    for index, curve in enumerate(evaluation.get("curves", [])[:MOST_LABELS]):
        held = support.get(curve.get("label"))
        charts.append(
            precision_recall_chart(
                str(curve.get("label", "")),
                curve.get("recall", []),
                curve.get("precision", []),
                key=f"curve-{index}",
                average_precision=curve.get("average_precision"),
                prevalence=held / rows if held is not None and rows else None,
            )
        )
    return charts


def confidence_figures(evaluation: Mapping[str, Any]) -> list[Figure]:
    """Does it know what it does not know: reliability and risk-coverage."""
    figures = []
    bins = evaluation.get("reliability", [])
    if any(row.get("count") for row in bins):
        multi = evaluation.get("kind") == "multi"
        svg = reliability_chart(
            bins,
            key="reliability",
            x_title="probability given to a label" if multi else "probability of the likeliest label",
            y_title="how often the label was there" if multi else "how often it was the right one",
        )
        ece = evaluation.get("metrics", {}).get("ece", {}).get("value")
        said = f" Average gap (ECE): {score(ece)}." if ece is not None else ""
        caption = (
            f"On the dashed line a stated 80% comes true eight times in ten; below it the model claims too much.{said}"
        )
        figures.append(Figure("Can its confidence be believed?", svg, caption))
    abstention = evaluation.get("abstention", {})
    if abstention.get("curve"):
        chosen = None
        if abstention.get("coverage") is not None and abstention.get("accuracy_answered") is not None:
            chosen = (float(abstention["coverage"]), 1.0 - float(abstention["accuracy_answered"]))
        svg = risk_coverage_chart(abstention["curve"], key="coverage", chosen=chosen)
        figures.append(Figure("When it may say “I don't know”", svg, _abstention_caption(abstention)))
    return figures


def slice_figures(evaluation: Mapping[str, Any], head: Headline | None) -> list[Figure]:
    """The headline metric by text length, language and whatever else the rows were cut by."""
    figures = []
    for index, (name, slices) in enumerate(evaluation.get("slices", {}).items()):
        rows = [
            Interval(
                language(str(part.get("name"))) if name == "language" else str(part.get("name")),
                part.get("value"),
                part.get("low"),
                part.get("high"),
                note=f"{count(part['rows'])} rows" if "rows" in part else "",
            )
            for part in slices[:MOST_SLICES]
        ]
        if rows:
            title = f"By {name.replace('_', ' ')}"
            reference = head.value if head else None
            svg = interval_chart(
                rows,
                key=f"slice-{index}",
                title=f"{head.title if head else 'Score'} {title.lower()}",
                reference=reference,
            )
            caption = f"{_capital(head.title)}; dashed: all rows ({score(head.value)})." if head else ""
            figures.append(Figure(title, svg, caption))
    return figures


def _abstention_caption(abstention: Mapping[str, Any]) -> str:
    coverage, answered, everything = (abstention.get(k) for k in ("coverage", "accuracy_answered", "accuracy_all"))
    parts = []
    if coverage is not None and answered is not None:
        parts.append(f"Answering {percent(coverage)} of the rows, {percent(answered)} of the answers are right")
        if everything is not None:
            parts.append(f"; answering all of them, {percent(everything)}")
        parts.append(".")
    if abstention.get("aurc") is not None:
        parts.append(f" Area under the curve: {score(abstention['aurc'])} (lower is better).")
    return "".join(parts).strip()


def _worst_confusion(labels: list[str], counts: list[list[int]]) -> str:
    pairs = [
        (counts[row][column] / sum(counts[row]), labels[row], labels[column])
        for row in range(len(labels))
        for column in range(len(labels))
        if row != column and counts[row][column]
    ]
    if not pairs:
        return ""
    share, gold, answer = max(pairs)
    return f"Most often mistaken: “{gold}” answered as “{answer}” ({percent(share)} of its rows)."


def _points(history: list[dict[str, Any]], clock: str, name: str) -> list[list[float]]:
    known = [row for row in history if row.get(clock) is not None and row.get(name) is not None]
    return sorted([float(row[clock]), float(row[name])] for row in known)


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]
