"""The charts of the report, each with a caption that says what to look for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.confusion import draw_confusion_chart
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.charts.label_bars import LabelScore, draw_label_bars
from insula.evaluation.charts.learning import Series, draw_learning_chart
from insula.evaluation.charts.precision_recall import draw_precision_recall_chart
from insula.evaluation.charts.reliability import draw_reliability_chart
from insula.evaluation.charts.risk_coverage import draw_risk_coverage_chart
from insula.evaluation.charts.scatter import draw_scatter_chart
from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title
from insula.evaluation.reports.baseline_names import find_baseline_name
from insula.evaluation.reports.headline import Headline
from insula.evaluation.reports.readable import format_count, format_percent, format_score, name_language
from insula.evaluation.result import Abstention, DimensionMetrics, Evaluation, Interval

MAX_LABELS = 40  # of charts; tables and metrics.json have them all
MAX_SLICES = 30


@dataclass(frozen=True)
class Figure:
    """A chart with heading and caption; a `wide` one scrolls in its own frame."""

    title: str
    svg: Markup
    caption: str = ""
    wide: bool = False


def draw_baselines(document: MetricsDocument, head: Headline) -> Figure | None:
    """The baselines and this model on one axis."""
    rows = []
    for name, baseline in document.baselines.items():
        found = baseline.metrics.get(head.metric, Interval())
        if found.value is not None:
            words = find_baseline_name(name, document.scheme.kind)
            rows.append(IntervalRow(words.title, found.value, found.low, found.high, note=words.note))
    if not rows:
        return None
    rows.sort(key=lambda row: row.value or 0.0)
    rows.append(IntervalRow("This model", head.value, head.low, head.high, note="after training", strong=True))
    title = f"{head.title} of this model and its baselines"
    svg = draw_interval_chart(rows, key="baselines", title=title)
    return Figure(
        "Compared with the baselines",
        svg,
        f"{_capitalise(head.title)} on the same {format_count(head.rows)} rows, with 95% intervals.",
    )


def draw_learning(history: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Losses and metrics on the validation rows during training; for separate fits the metric of each."""
    if any("strength" in row for row in history):
        return _fits_figure(history)
    clock = "epoch" if any("epoch" in row for row in history) else "step"
    figures = []
    losses = [
        Series("training", _list_points(history, clock, "loss"), "first"),
        Series("validation", _list_points(history, clock, "validation_loss"), "second"),
    ]
    losses = [line for line in losses if len(line.points) > 1]
    if losses:
        svg = draw_learning_chart(losses, key="loss", title="Loss during training", x_title=clock, y_title="loss")
        warning = "If the validation loss rises while the training loss falls, the model overfits."
        figures.append(Figure("Loss", svg, warning if len(losses) == 2 else ""))
    names = dict.fromkeys(
        key for row in history for key in row if key.startswith("validation_") and key != "validation_loss"
    )
    for name in list(names)[:2]:
        title = get_metric_title(name.removeprefix("validation_"))
        line = Series("validation", _list_points(history, clock, name), "second")
        if len(line.points) > 1:
            # The explanation of a metric states where lower is better.
            pick = min if "lower is better" in get_metric_meaning(name.removeprefix("validation_")) else max
            best = pick(line.points, key=lambda point: point[1])
            svg = draw_learning_chart(
                [line], key=name, title=f"{_capitalise(title)} during training", x_title=clock, y_title=title
            )
            caption = f"Best: {format_score(best[1])} at {clock} {_format_number(best[0])}."
            figures.append(Figure(f"{_capitalise(title)} on validation rows", svg, caption))
    return figures


def _fits_figure(history: Sequence[Mapping[str, float]]) -> list[Figure]:
    """The validation metric of each fit of a linear model: fits do not follow each other, so there is no curve."""
    name = next((key for row in history for key in row if key.startswith("validation_")), None)
    fits = [] if name is None else [row for row in history if name in row]
    if len(fits) < 2 or name is None:
        return []
    title = get_metric_title(name.removeprefix("validation_"))
    best = max(fits, key=lambda row: row[name])
    rows = [
        IntervalRow(
            f"C = {_format_number(row['strength'])}" if "strength" in row else "fit",
            row[name],
            note="balanced classes" if row.get("balanced") else "",
            strong=row is best,
        )
        for row in fits
    ]
    svg = draw_interval_chart(rows, key="fits", title=f"{_capitalise(title)} of each fit on validation rows")
    caption = f"{_capitalise(title)} on validation rows; the best fit is kept. C is the inverse of the regularisation."
    return [Figure(f"{len(rows)} fits", svg, caption)]


def draw_label_figures(evaluation: Evaluation) -> list[Figure]:
    """Return the confusion matrix, and bar charts of the scores of each label."""
    figures = []
    labels, counts = (evaluation.confusion.labels, evaluation.confusion.counts) if evaluation.confusion else ([], [])
    if counts and len(counts) == len(labels) <= MAX_LABELS:
        svg = draw_confusion_chart(labels, counts, key="confusion", title="Confusion matrix")
        caption = "Each row has the texts with one label; shades and percentages are shares of that row."
        worst = _describe_confusion(labels, counts)
        figures.append(Figure("Confusion matrix", svg, f"{caption} {worst}".strip(), wide=len(labels) > 14))
    scores = [
        LabelScore(row.label, row.f1, row.precision, row.recall, row.support)
        for row in evaluation.per_label[:MAX_LABELS]
    ]
    scores.sort(key=lambda score: -1.0 if score.f1 is None else score.f1, reverse=True)
    # Many labels without a small matrix next to them: two charts fill the width and are easier to read.
    halved = len(scores) > 12 and all(figure.wide for figure in figures)
    half = math.ceil(len(scores) / 2) if halved else len(scores)
    for part, title in (
        (scores[:half], "Highest F1" if half < len(scores) else "F1 by label"),
        (scores[half:], "Lowest F1"),
    ):
        if part:
            svg = draw_label_bars(part, key=f"bars-{title}", title=f"{title}, with precision and recall")
            caption = "Precision left of recall: the label is predicted too often; right of it: too rarely."
            figures.append(Figure(title, svg, caption))
    return figures


def draw_scatter(evaluation: Evaluation, ranges: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Return a scatter plot for each dimension, with its metrics; `ranges` come from the label scheme."""
    agreement = {row.name: row for row in evaluation.per_dimension}
    figures = []
    for index, (name, pairs) in enumerate(list((evaluation.scatter or {}).items())[:12]):
        limits = ranges.get(name)
        svg = draw_scatter_chart(
            pairs, key=f"scatter-{index}", name=name, limits=(float(limits[0]), float(limits[1])) if limits else None
        )
        row = agreement.get(name, DimensionMetrics())
        named = (("Pearson r", row.pearson), ("CCC", row.ccc), ("mean absolute error", row.mae))
        measured = [f"{title} {format_score(value)}" for title, value in named if value is not None]
        figures.append(Figure(name, svg, f"{', '.join(measured)}." if measured else ""))
    return figures


def draw_curves(evaluation: Evaluation) -> list[Markup]:
    """Precision-recall curves, one small chart per label."""
    rows = evaluation.rows
    support = {row.label: row.support for row in evaluation.per_label}
    charts = []
    for index, curve in enumerate(evaluation.curves[:MAX_LABELS]):
        positives = support.get(curve.label)
        charts.append(
            draw_precision_recall_chart(
                curve.label,
                curve.recall,
                curve.precision,
                key=f"curve-{index}",
                average_precision=curve.average_precision,
                prevalence=positives / rows if positives is not None and rows else None,
            )
        )
    return charts


def draw_confidence(evaluation: Evaluation) -> list[Figure]:
    """The reliability diagram and the risk-coverage curve."""
    figures = []
    if any(one.count for one in evaluation.reliability):
        multi = evaluation.kind == "multi"
        svg = draw_reliability_chart(
            evaluation.reliability,
            key="reliability",
            x_title="score of the label" if multi else "score of the likeliest label",
            y_title="share of rows with the label" if multi else "share of correct rows",
        )
        ece = evaluation.metrics.get("ece", Interval()).value
        caption = "On the dashed line scores match observed shares; below it the model is overconfident."
        caption += f" Average gap (ECE): {format_score(ece)}." if ece is not None else ""
        figures.append(Figure("Calibration", svg, caption))
    abstention = evaluation.abstention
    if abstention is not None and abstention.curve:
        chosen = None
        if abstention.coverage is not None and abstention.accuracy_answered is not None:
            chosen = (abstention.coverage, 1.0 - abstention.accuracy_answered)
        svg = draw_risk_coverage_chart(abstention.curve, key="coverage", chosen=chosen)
        figures.append(Figure("Abstention", svg, _describe_abstention(abstention)))
    return figures


def draw_slice_figures(evaluation: Evaluation, head: Headline | None) -> list[Figure]:
    """The headline metric by text length, language and other slices."""
    figures = []
    for index, (name, slices) in enumerate(evaluation.slices.items()):
        rows = [
            IntervalRow(
                name_language(one.name) if name == "language" else one.name,
                one.value,
                one.low,
                one.high,
                note="" if one.rows is None else f"{format_count(one.rows)} rows",
            )
            for one in slices[:MAX_SLICES]
        ]
        if rows:
            title = f"By {name.replace('_', ' ')}"
            reference = head.value if head else None
            svg = draw_interval_chart(
                rows,
                key=f"slice-{index}",
                title=f"{head.title if head else 'Score'} {title.lower()}",
                reference=reference,
            )
            caption = f"{_capitalise(head.title)}; dashed: all rows ({format_score(head.value)})." if head else ""
            figures.append(Figure(title, svg, caption))
    return figures


def _describe_abstention(abstention: Abstention) -> str:
    coverage, answered, everything = abstention.coverage, abstention.accuracy_answered, abstention.accuracy_all
    parts = []
    if coverage is not None and answered is not None:
        parts.append(
            f"In use (dot): accuracy {format_percent(answered)} on the {format_percent(coverage)} of rows answered"
        )
        if everything is not None:
            parts.append(f", {format_percent(everything)} on all rows")
        parts.append(".")
    if abstention.aurc is not None:
        parts.append(f" Area under the risk-coverage curve: {format_score(abstention.aurc)} (lower is better).")
    return "".join(parts).strip()


def _describe_confusion(labels: list[str], counts: list[list[int]]) -> str:
    pairs = [
        (counts[row][column] / sum(counts[row]), labels[row], labels[column])
        for row in range(len(labels))
        for column in range(len(labels))
        if row != column and counts[row][column]
    ]
    if not pairs:
        return ""
    share, gold, predicted = max(pairs)
    return f"Most frequent confusion: “{gold}” predicted as “{predicted}” ({format_percent(share)} of its rows)."


def _list_points(history: Sequence[Mapping[str, float]], clock: str, name: str) -> list[list[float]]:
    return sorted([row[clock], row[name]] for row in history if clock in row and name in row)


def _format_number(number: float) -> str:
    return f"{round(number, 2):g}"


def _capitalise(title: str) -> str:
    return title[:1].upper() + title[1:]
