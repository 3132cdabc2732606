"""From measured results to the report's tables and fact lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insula.evaluation.document import CalibrationRecord, MetricsDocument, ModelRecord
from insula.evaluation.metrics.metric_names import in_order, metric_meaning, metric_title
from insula.evaluation.reports.baseline_names import baseline_name
from insula.evaluation.reports.readable import (
    count,
    duration,
    file_size,
    flat,
    languages,
    large,
    percent,
    plain,
    score,
    signed,
    span,
)
from insula.evaluation.result import DimensionFigures, Evaluation, Interval, LabelFigures

MOST_ROWS = 200
MOST_MISTAKES = 20
LABEL_SCORES = {
    "F1": "f1", "Precision": "precision", "Recall": "recall", "Average precision": "average_precision",
    "AUROC": "auroc", "Brier": "brier", "Threshold": "threshold",
}  # fmt: skip
LABEL_COUNTS = {"Rows": "support", "Answered": "predicted"}
AGREEMENT = {"Pearson r": "pearson", "Spearman rho": "spearman", "CCC": "ccc", "MAE": "mae", "RMSE": "rmse"}
TRAINED_ON = "Trained on"
WITH_BAR = ("F1", "Pearson r")

Fact = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it is sorted by, and the length of its bar (0 to 1) where it has one."""

    shown: str
    order: float | str
    bar: float | None = None


@dataclass(frozen=True)
class LabelTable:
    """The table of labels: column titles, then rows of (label, its Chinese name or "", cells); `left_out` rows."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]
    left_out: int = 0


@dataclass(frozen=True)
class MetricRow:
    """One metric of the table of all metrics."""

    title: str
    meaning: str
    value: str
    interval: str
    validation: str


def key_facts(document: MetricsDocument) -> list[Fact]:
    """Return the figures under the headline: rows, labels, size, time."""
    evaluation, time, model = document.main, document.time, document.model
    labels = document.scheme.names or (evaluation.labels if evaluation else [])
    kind = document.scheme.kind or (evaluation.kind if evaluation else None)
    candidates: list[tuple[str, Any, Callable[[Any], str]]] = [
        ("rows trained on", document.data.rows.get("train"), count),
        ("rows judged on", (evaluation.rows if evaluation else 0) or None, count),
        ("dimensions" if kind == "dimensional" else "labels", len(labels) or None, count),
        ("parameters", model.parameters, large),
        ("of them trained", _partly_trained(model), large),
        ("on disk", model.bytes, file_size),
        ("training time", time.train_seconds, duration),
        ("memory at its highest", _bytes(time.peak_memory_mb), file_size),
        ("rows per second", time.rows_per_second, count),
    ]
    return [(name, written(value)) for name, value, written in candidates if value is not None]


def _partly_trained(model: ModelRecord) -> int | None:
    """Return how many parameters were trained, None where that is all of them."""
    return None if model.trainable_parameters == model.parameters else model.trainable_parameters


def _bytes(megabytes: float | None) -> float | None:
    return None if megabytes is None else megabytes * 1e6


def baseline_rows(document: MetricsDocument, metric: str) -> list[tuple[str, str, str, str]]:
    """Return (baseline, its value, this model minus it, interval of the difference)."""
    rows = []
    for name, baseline in document.baselines.items():
        value = baseline.metrics.get(metric, Interval()).value
        difference = baseline.difference.interval
        title = baseline_name(name, document.scheme.kind).title
        rows.append((title, score(value), signed(difference.value), span(difference)))
    return rows


def metric_rows(document: MetricsDocument) -> list[MetricRow]:
    """Return every measured metric, with the validation value beside the test value."""
    if document.main is None:
        return []
    found = document.main.metrics
    compared = document.validation.metrics if document.test is not None and document.validation is not None else {}
    return [
        MetricRow(
            metric_title(name),
            metric_meaning(name),
            score(found[name].value),
            span(found[name]),
            score(compared[name].value) if name in compared else "",
        )
        for name in in_order([name for name, interval in found.items() if interval.value is not None])
    ]


def level_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Return (level, its labels, metric, value, interval) for the coarser levels of the scheme."""
    rows = []
    for name, level in evaluation.levels.items():
        found = level.metrics.get(level.headline, Interval())
        rows.append((name, ", ".join(level.labels), metric_title(level.headline), score(found.value), span(found)))
    return rows


def label_table(document: MetricsDocument) -> LabelTable | None:
    """Return the scores of every label; columns that nothing was measured for are left out."""
    labels = document.main.per_label if document.main else []
    trained = document.data.label_counts.get("train", {})
    columns = _columns(labels, {**LABEL_SCORES, **LABEL_COUNTS})
    columns[TRAINED_ON] = [trained.get(one.label) for one in labels]
    return _table([one.label for one in labels], columns, document)


def dimension_table(document: MetricsDocument) -> LabelTable | None:
    """Return the agreement of every dimension."""
    dimensions = document.main.per_dimension if document.main else []
    return _table([one.name for one in dimensions], _columns(dimensions, AGREEMENT), document)


def _columns(
    rows: Sequence[LabelFigures] | Sequence[DimensionFigures], fields: Mapping[str, str]
) -> dict[str, list[float | None]]:
    return {title: [getattr(row, field) for row in rows] for title, field in fields.items()}


def _table(
    names: Sequence[str], columns: Mapping[str, Sequence[float | None]], document: MetricsDocument
) -> LabelTable | None:
    filled = {title: column for title, column in columns.items() if any(value is not None for value in column)}
    if not filled:
        return None
    chinese = _chinese(document)
    rows = [
        (name, chinese.get(name, ""), [_cell(column[row], title) for title, column in filled.items()])
        for row, name in enumerate(names[:MOST_ROWS])
    ]
    return LabelTable(list(filled), rows, max(0, len(names) - MOST_ROWS))


def mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the most confident mistakes (or largest errors, in the order given), at most 20, texts cut at 400."""
    ranked = sorted(evaluation.mistakes, key=lambda row: -(row.confidence or 0.0))
    return [
        {
            "text": row.text if len(row.text) <= 400 else row.text[:400].rstrip() + "…",
            "gold": _answer(row.gold, evaluation.labels),
            "predicted": _answer(row.predicted, evaluation.labels),
            "confidence": "" if row.confidence is None else percent(row.confidence),
        }
        for row in ranked[:MOST_MISTAKES]
    ]


def decision_facts(document: MetricsDocument) -> list[Fact]:
    """Return how scores become answers: calibration, threshold, abstention."""
    decision, facts = document.decision, []
    if decision.calibration is not None and not decision.calibration.is_empty:
        facts.append(("Calibration", _calibration(decision.calibration)))
    if decision.thresholds:
        facts.append(("Thresholds", "the label is given from that probability on"))
    if decision.offsets:
        shown = ", ".join(f"{label} {signed(value)}" for label, value in list(decision.offsets.items())[:MOST_ROWS])
        facts.append(("Offsets on log scores", shown))
    if decision.abstention is not None:
        limit = decision.abstention
        said = f"where the confidence is below {score(limit)}" if limit > 0 else "never: every row is answered"
        facts.append(("“I don't know”", said))
    if decision.coverage is not None and not document.scheme.is_dimensional:
        facts.append(("Coverage aimed at", f"{percent(decision.coverage)} of the rows"))
    return facts


def threshold_rows(document: MetricsDocument) -> list[tuple[str, str, str]]:
    """Return (which thresholds, macro-F1, interval) for models that have thresholds; none without test rows."""
    found = document.test.macro_f1_by_threshold if document.test else None
    if found is None:
        return []
    titles = {
        "every threshold 0.5": found.half,
        "thresholds from validation rows: the result": found.validation,
        "cheating: thresholds chosen on the test rows, not a result": found.test,
    }
    return [(title, score(one.value), span(one)) for title, one in titles.items() if one and one.value is not None]


def data_facts(document: MetricsDocument) -> list[Fact]:
    """Return what the model learned from, and the fingerprint that tells the same data again."""
    data, scheme = document.data, document.scheme
    facts = [("Data", data.name)] if data.name else []
    facts += [(f"{split.capitalize()} rows", count(rows)) for split, rows in data.rows.items()]
    if data.languages:
        facts.append(("Languages", languages(data.languages)))
    if scheme.name:
        facts.append(("Label scheme", f"{scheme.name} ({scheme.kind or ''})"))
    if data.fingerprint:
        facts.append(("Fingerprint", data.fingerprint))
    return facts


def provenance(document: MetricsDocument) -> list[Fact]:
    """Return who made this page from what: command, versions, seed, time."""
    model, seconds, created = document.model, document.time.total_seconds, document.created
    candidates = [
        ("insula", document.insula_version),
        ("Made", None if created is None else created.replace("T", " ").replace("Z", " UTC")),
        ("Seed", document.seed),
        ("Model family", model.family),
        ("Starting point", model.base),
        ("Trained in", arithmetic(document)),
        ("Inference engine", model.backend),
        ("Total time", None if seconds is None else duration(seconds)),
    ]
    return [(name, str(value)) for name, value in candidates if value is not None]


def arithmetic(document: MetricsDocument) -> str | None:
    """Return the number format of the matrix products of training; None where the family tells none."""
    precision = document.training.get("precision")
    return None if precision is None else f"{precision} arithmetic, float32 weights"


def recipe_groups(document: MetricsDocument) -> list[tuple[str, list[Fact]]]:
    """Return the recipe as (section, settings); settings outside any section come first."""
    recipe = document.recipe
    loose = {key: value for key, value in recipe.items() if not isinstance(value, Mapping)}
    groups = [("recipe", flat(loose))] if loose else []
    groups += [(key, flat(value)[:MOST_ROWS]) for key, value in recipe.items() if isinstance(value, Mapping) and value]
    return groups


def _answer(items: Sequence[Any], names: Sequence[str]) -> list[str]:
    if items and all(isinstance(item, (int, float)) for item in items) and len(items) == len(names):
        return [f"{name} {item:.2f}" for name, item in zip(names, items, strict=True)]
    return [plain(item) for item in items]


def _calibration(calibration: CalibrationRecord) -> str:
    if calibration.method == "identity":
        return "none: scores are used as the model gives them"
    settings = ", ".join(f"{key} {value}" for key, value in flat(calibration.settings()))
    return f"{calibration.method} ({settings})" if settings and len(settings) <= 80 else calibration.method


def _chinese(document: MetricsDocument) -> Mapping[str, str]:
    """Chinese display names, where Chinese is more than a trace of the data."""
    names = document.scheme.display.get("zh", {})
    is_chinese = document.data.languages.get("zh", 0.0) >= 0.05
    return {name: shown for name, shown in names.items() if shown != name} if is_chinese else {}


def _cell(value: float | None, title: str) -> Cell:
    if value is None:
        return Cell("–", -math.inf)
    if title in LABEL_COUNTS or title == TRAINED_ON:
        return Cell(count(value), value)
    return Cell(score(value), value, bar=min(1.0, max(0.0, value)) if title in WITH_BAR else None)
