"""The tables and fact lists of reports and model cards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insula.evaluation.document import CalibrationRecord, DataRecord, MetricsDocument, ModelRecord
from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title, sort_metric_names
from insula.evaluation.reports.baseline_names import find_baseline_name
from insula.evaluation.reports.marked_text import Piece, mark_words
from insula.evaluation.reports.readable import (
    flatten_values,
    format_count,
    format_duration,
    format_file_size,
    format_languages,
    format_large,
    format_percent,
    format_plain,
    format_score,
    format_signed,
    format_span,
)
from insula.evaluation.result import DimensionMetrics, Evaluation, Interval, LabelMetrics, Mistake

MAX_ROWS = 200
MAX_MISTAKES = 20
LABEL_SCORES = {
    "F1": "f1", "Precision": "precision", "Recall": "recall", "Average precision": "average_precision",
    "AUROC": "auroc", "Brier": "brier", "Threshold": "threshold",
}  # fmt: skip
LABEL_COUNTS = {"Rows": "support", "Predicted": "predicted"}
DIMENSION_SCORES = {"Pearson r": "pearson", "Spearman rho": "spearman", "CCC": "ccc", "MAE": "mae", "RMSE": "rmse"}
TRAINING_ROWS = "Training rows"
WITH_BAR = ("F1", "Pearson r")

Fact = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One cell: its text, its sort key, and the length of its bar (0 to 1) if it has one."""

    shown: str
    order: float | str
    bar: float | None = None


@dataclass(frozen=True)
class LabelTable:
    """The table of labels: column titles, rows of (label, Chinese name or "", cells), number of rows left out."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]
    left_out: int = 0


@dataclass(frozen=True)
class MetricRow:
    """One row of the table of all metrics."""

    title: str
    meaning: str
    value: str
    interval: str
    validation: str


def list_key_facts(document: MetricsDocument) -> list[Fact]:
    """Return the facts below the headline: rows, labels, size, time."""
    evaluation, time, model = document.main, document.time, document.model
    labels = document.scheme.names or (evaluation.labels if evaluation else [])
    kind = document.scheme.kind or (evaluation.kind if evaluation else None)
    candidates: list[tuple[str, Any, Callable[[Any], str]]] = [
        ("training rows", document.data.rows.get("train"), format_count),
        ("rows evaluated", (evaluation.rows if evaluation else 0) or None, format_count),
        ("dimensions" if kind == "dimensional" else "labels", len(labels) or None, format_count),
        ("parameters", model.parameters, format_large),
        ("trainable parameters", _count_trainable(model), format_large),
        ("size on disk", model.bytes, format_file_size),
        ("training time", time.train_seconds, format_duration),
        ("peak memory", _to_bytes(time.peak_memory_mb), format_file_size),
        ("rows per second", time.rows_per_second, format_count),
    ]
    return [(name, formatted(value)) for name, value, formatted in candidates if value is not None]


def _count_trainable(model: ModelRecord) -> int | None:
    """Return the number of trainable parameters, None if all are."""
    return None if model.trainable_parameters == model.parameters else model.trainable_parameters


def _to_bytes(megabytes: float | None) -> float | None:
    return None if megabytes is None else megabytes * 1e6


def list_baselines(document: MetricsDocument, metric: str) -> list[tuple[str, str, str, str]]:
    """Return (baseline, its value, this model minus the baseline, interval of the difference)."""
    rows = []
    for name, baseline in document.baselines.items():
        value = baseline.metrics.get(metric, Interval()).value
        difference = baseline.difference.interval
        title = find_baseline_name(name, document.scheme.kind).title
        rows.append((title, format_score(value), format_signed(difference.value), format_span(difference)))
    return rows


def list_metrics(document: MetricsDocument) -> list[MetricRow]:
    """Return every measured metric, with its value on validation rows next to the test value."""
    if document.main is None:
        return []
    found = document.main.metrics
    compared = document.validation.metrics if document.test is not None and document.validation is not None else {}
    return [
        MetricRow(
            get_metric_title(name),
            get_metric_meaning(name),
            format_score(found[name].value),
            format_span(found[name]),
            format_score(compared[name].value) if name in compared else "",
        )
        for name in sort_metric_names([name for name, interval in found.items() if interval.value is not None])
    ]


def list_levels(evaluation: Evaluation) -> list[tuple[str, str, str, str, str]]:
    """Return (level, its labels, metric, value, interval) for the coarser levels of the scheme."""
    rows = []
    for name, level in evaluation.levels.items():
        found = level.metrics.get(level.headline, Interval())
        rows.append(
            (
                name,
                ", ".join(level.labels),
                get_metric_title(level.headline),
                format_score(found.value),
                format_span(found),
            )
        )
    return rows


def build_label_table(document: MetricsDocument) -> LabelTable | None:
    """Return the metrics of every label, without empty columns."""
    labels = document.main.per_label if document.main else []
    trained = document.data.label_counts.get("train", {})
    columns = _read_columns(labels, {**LABEL_SCORES, **LABEL_COUNTS})
    columns[TRAINING_ROWS] = [trained.get(one.label) for one in labels]
    return _build_table([one.label for one in labels], columns, document)


def build_dimension_table(document: MetricsDocument) -> LabelTable | None:
    """Return the metrics of every dimension."""
    dimensions = document.main.per_dimension if document.main else []
    return _build_table([one.name for one in dimensions], _read_columns(dimensions, DIMENSION_SCORES), document)


def _read_columns(
    rows: Sequence[LabelMetrics] | Sequence[DimensionMetrics], fields: Mapping[str, str]
) -> dict[str, list[float | None]]:
    return {title: [getattr(row, field) for row in rows] for title, field in fields.items()}


def _build_table(
    names: Sequence[str], columns: Mapping[str, Sequence[float | None]], document: MetricsDocument
) -> LabelTable | None:
    filled = {title: column for title, column in columns.items() if any(value is not None for value in column)}
    if not filled:
        return None
    chinese = _find_chinese_names(document)
    rows = [
        (name, chinese.get(name, ""), [_format_cell(column[row], title) for title, column in filled.items()])
        for row, name in enumerate(names[:MAX_ROWS])
    ]
    return LabelTable(list(filled), rows, max(0, len(names) - MAX_ROWS))


def list_mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return at most 20 of the most confident mistakes or the largest errors, with texts of at most 400 characters."""
    ranked = sorted(evaluation.mistakes, key=lambda row: -(row.confidence or 0.0))
    return [
        {
            "pieces": _mark_mistake(row),
            "gold": _list_answer(row.gold, evaluation.labels),
            "predicted": _list_answer(row.predicted, evaluation.labels),
            "confidence": "" if row.confidence is None else format_percent(row.confidence),
            "why": row.why.label if row.why else "",
        }
        for row in ranked[:MAX_MISTAKES]
    ]


def _mark_mistake(row: Mistake) -> list[Piece]:
    text = row.text if len(row.text) <= 400 else row.text[:400].rstrip() + "…"
    words = [] if row.why is None else [word for word in row.why.words if word.end <= len(text)]
    return list(mark_words(text, [(word.start, word.end) for word in words], [word.weight for word in words]))


def list_decision_facts(document: MetricsDocument) -> list[Fact]:
    """Return the decision rule: calibration, thresholds, abstention."""
    decision, facts = document.decision, []
    if decision.calibration is not None and not decision.calibration.is_empty:
        facts.append(("Calibration", _describe_calibration(decision.calibration)))
    if decision.thresholds:
        facts.append(("Thresholds", "a label is predicted if its score is at least its threshold"))
    if decision.offsets:
        shown = ", ".join(
            f"{label} {format_signed(value)}" for label, value in list(decision.offsets.items())[:MAX_ROWS]
        )
        facts.append(("Offsets on log scores", shown))
    if decision.abstention is not None:
        limit = decision.abstention
        reasons = [f"the confidence is below {format_score(limit)}"] if limit > 0 else []
        if decision.energy is not None:
            reasons.append(f"the energy is above {format_score(decision.energy)}")
        facts.append(("Abstains", f"if {' or '.join(reasons)}" if reasons else "never"))
    if decision.coverage is not None and not document.scheme.is_dimensional:
        facts.append(("Target coverage", f"{format_percent(decision.coverage)} of the rows"))
    return facts


def list_thresholds(document: MetricsDocument) -> list[tuple[str, str, str]]:
    """Return (thresholds, macro-F1, interval) for models with thresholds; empty without test rows."""
    found = document.test.macro_f1_by_threshold if document.test else None
    if found is None:
        return []
    titles = {
        "all thresholds 0.5": found.half,
        "thresholds chosen on validation rows: the result": found.validation,
        "oracle thresholds, chosen on the test rows: not a result": found.test,
    }
    return [
        (title, format_score(one.value), format_span(one))
        for title, one in titles.items()
        if one and one.value is not None
    ]


def list_data_facts(document: MetricsDocument) -> list[Fact]:
    """Return the data of the model with its fingerprint."""
    data, scheme = document.data, document.scheme
    facts = [("Data", data.name)] if data.name else []
    facts += [(f"{split.capitalize()} rows", format_count(rows)) for split, rows in data.rows.items()]
    if data.augmented:
        facts.append(("Augmented rows", describe_augmented(data)))
    if data.languages:
        facts.append(("Languages", format_languages(data.languages)))
    if scheme.name:
        facts.append(("Label scheme", f"{scheme.name} ({scheme.kind or ''})"))
    if data.fingerprint:
        facts.append(("Fingerprint", data.fingerprint))
    return facts


def describe_augmented(data: DataRecord) -> str:
    """Return the number of augmented training rows, in total and by method."""
    by_method = ", ".join(f"{name} {number:,}" for name, number in data.augmented.items())
    return f"{sum(data.augmented.values()):,} ({by_method})"


def list_provenance(document: MetricsDocument) -> list[Fact]:
    """Return the provenance of the model: version, seed, base model, time."""
    model, seconds, created = document.model, document.time.total_seconds, document.created
    candidates = [
        ("insula", document.insula_version),
        ("Created", None if created is None else created.replace("T", " ").replace("Z", " UTC")),
        ("Seed", document.seed),
        ("Model family", model.family),
        ("Base model", model.base),
        ("Precision", describe_arithmetic(document)),
        ("Backend", model.backend),
        ("Total time", None if seconds is None else format_duration(seconds)),
    ]
    return [(name, str(value)) for name, value in candidates if value is not None]


def describe_arithmetic(document: MetricsDocument) -> str | None:
    """Return the number format of matrix products in training, None if the family does not state it."""
    precision = document.training.get("precision")
    return None if precision is None else f"{precision} arithmetic, float32 weights"


def group_recipe(document: MetricsDocument) -> list[tuple[str, list[Fact]]]:
    """Return the recipe as (section, settings); settings outside any section come first."""
    recipe = document.recipe
    loose = {key: value for key, value in recipe.items() if not isinstance(value, Mapping)}
    groups = [("recipe", flatten_values(loose))] if loose else []
    groups += [
        (key, flatten_values(value)[:MAX_ROWS]) for key, value in recipe.items() if isinstance(value, Mapping) and value
    ]
    return groups


def _list_answer(items: Sequence[Any], names: Sequence[str]) -> list[str]:
    if items and all(isinstance(item, (int, float)) for item in items) and len(items) == len(names):
        return [f"{name} {item:.2f}" for name, item in zip(names, items, strict=True)]
    return [format_plain(item) for item in items]


def _describe_calibration(calibration: CalibrationRecord) -> str:
    if calibration.method == "identity":
        return "none"
    settings = ", ".join(f"{key} {value}" for key, value in flatten_values(calibration.to_settings()))
    return f"{calibration.method} ({settings})" if settings and len(settings) <= 80 else calibration.method


def _find_chinese_names(document: MetricsDocument) -> Mapping[str, str]:
    """Return the Chinese display names, if at least 5% of the training rows are Chinese."""
    names = document.scheme.display.get("zh", {})
    is_chinese = document.data.languages.get("zh", 0.0) >= 0.05
    return {name: shown for name, shown in names.items() if shown != name} if is_chinese else {}


def _format_cell(value: float | None, title: str) -> Cell:
    if value is None:
        return Cell("–", -math.inf)
    if title in LABEL_COUNTS or title == TRAINING_ROWS:
        return Cell(format_count(value), value)
    return Cell(format_score(value), value, bar=min(1.0, max(0.0, value)) if title in WITH_BAR else None)
