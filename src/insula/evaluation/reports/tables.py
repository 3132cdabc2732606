"""From measured results to the report's tables and fact lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

MOST_ROWS = 200
MOST_MISTAKES = 20

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


def key_facts(metrics: Mapping[str, Any], split: str | None) -> list[Fact]:
    """Return the figures under the headline: rows, labels, size, time."""
    evaluation = metrics.get(split, {}) if split else {}
    rows, time, model = metrics.get("data", {}).get("rows", {}), metrics.get("time", {}), metrics.get("model", {})
    labels = metrics.get("scheme", {}).get("names") or evaluation.get("labels") or []
    dimensional = (metrics.get("scheme", {}).get("kind") or evaluation.get("kind")) == "dimensional"
    candidates: list[tuple[str, Any, Callable[[Any], str]]] = [
        ("rows trained on", rows.get("train"), count),
        ("rows judged on", evaluation.get("rows"), count),
        ("dimensions" if dimensional else "labels", len(labels) or None, count),
        ("parameters", model.get("parameters"), large),
        ("of them trained", _partly_trained(model), large),
        ("on disk", model.get("bytes"), file_size),
        ("training time", time.get("train_seconds"), duration),
        ("memory at its highest", _bytes(time.get("peak_memory_mb")), file_size),
        ("rows per second", time.get("rows_per_second"), count),
    ]
    return [(name, written(value)) for name, value, written in candidates if value is not None]


def _partly_trained(model: Mapping[str, Any]) -> int | None:
    """Return how many parameters were trained, None where that is all of them."""
    trained = model.get("trainable_parameters")
    return None if trained == model.get("parameters") else trained


def _bytes(megabytes: float | None) -> float | None:
    return None if megabytes is None else megabytes * 1e6


def baseline_rows(metrics: Mapping[str, Any], metric: str) -> list[tuple[str, str, str, str]]:
    """Return (baseline, its value, this model minus it, interval of the difference)."""
    rows = []
    for name, baseline in metrics.get("baselines", {}).items():
        value = baseline.get("metrics", {}).get(metric, {}).get("value")
        difference = baseline.get("difference", {})
        title = baseline_name(name, metrics.get("scheme", {}).get("kind")).title
        rows.append((title, score(value), signed(difference.get("value")), span(difference)))
    return rows


def metric_rows(metrics: Mapping[str, Any], split: str) -> list[MetricRow]:
    """Return every measured metric, with the validation value beside the test value."""
    measured = metrics[split].get("metrics", {})
    other = metrics.get("validation", {}).get("metrics", {}) if split == "test" else {}
    return [
        MetricRow(
            metric_title(name),
            metric_meaning(name),
            score(measured[name]["value"]),
            span(measured[name]),
            score(other[name].get("value")) if name in other else "",
        )
        for name in in_order([name for name, number in measured.items() if number.get("value") is not None])
    ]


def level_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Return (level, its labels, metric, value, interval) for the coarser levels of the scheme."""
    rows = []
    for name, level in evaluation.get("levels", {}).items():
        metric = level["headline"]
        measured = level["metrics"][metric]
        shown = (metric_title(metric), score(measured.get("value")), span(measured))
        rows.append((name, ", ".join(level["labels"]), *shown))
    return rows


def label_table(metrics: Mapping[str, Any], split: str) -> LabelTable | None:
    """Return the scores of every label; columns that nothing was measured for are left out."""
    rows = metrics[split].get("per_label", [])
    trained = metrics.get("data", {}).get("label_counts", {}).get("train", {})
    rows = [{**row, "trained": trained[row["label"]]} if row.get("label") in trained else row for row in rows]
    scores = {
        "f1": "F1", "precision": "Precision", "recall": "Recall", "average_precision": "Average precision",
        "auroc": "AUROC", "brier": "Brier", "threshold": "Threshold",
    }  # fmt: skip
    counts = {"support": "Rows", "predicted": "Answered", "trained": "Trained on"}
    present = [key for key in (*scores, *counts) if any(row.get(key) is not None for row in rows)]
    if not present:
        return None
    names = _chinese(metrics)
    shown = [
        (str(row.get("label", "")), names.get(str(row.get("label")), ""), [_cell(row.get(key), key) for key in present])
        for row in rows[:MOST_ROWS]
    ]
    return LabelTable([(scores | counts)[key] for key in present], shown, max(0, len(rows) - MOST_ROWS))


def dimension_table(metrics: Mapping[str, Any], split: str) -> LabelTable | None:
    """Return the agreement of every dimension."""
    rows = metrics[split].get("per_dimension", [])
    titles = {"pearson": "Pearson r", "spearman": "Spearman rho", "ccc": "CCC", "mae": "MAE", "rmse": "RMSE"}
    present = [key for key in titles if any(row.get(key) is not None for row in rows)]
    if not present:
        return None
    names = _chinese(metrics)
    shown = [
        (str(row.get("name", "")), names.get(str(row.get("name")), ""), [_cell(row.get(key), key) for key in present])
        for row in rows[:MOST_ROWS]
    ]
    return LabelTable([titles[key] for key in present], shown)


def mistakes(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the most confident mistakes (or largest errors, in the order given), at most 20, texts cut at 400."""
    ranked = sorted(evaluation.get("mistakes", []), key=lambda row: -(row.get("confidence") or 0.0))
    names = evaluation.get("labels", [])
    return [
        {
            "text": row.get("text", "") if len(row.get("text", "")) <= 400 else row["text"][:400].rstrip() + "…",
            "gold": _answer(row.get("gold", []), names),
            "predicted": _answer(row.get("predicted", []), names),
            "confidence": percent(row["confidence"]) if "confidence" in row else "",
        }
        for row in ranked[:MOST_MISTAKES]
    ]


def decision_facts(metrics: Mapping[str, Any]) -> list[Fact]:
    """Return how scores become answers: calibration, threshold, abstention."""
    decision = metrics.get("decision", {})
    facts = []
    calibration = decision.get("calibration", {})
    if calibration:
        facts.append(("Calibration", _calibration(calibration)))
    if decision.get("thresholds"):
        facts.append(("Thresholds", "the label is given from that probability on"))
    if decision.get("offsets"):
        shown = ", ".join(f"{label} {signed(value)}" for label, value in list(decision["offsets"].items())[:MOST_ROWS])
        facts.append(("Offsets on log scores", shown))
    if decision.get("abstention") is not None:
        limit = decision["abstention"]
        said = f"where the confidence is below {score(limit)}" if limit > 0 else "never: every row is answered"
        facts.append(("“I don't know”", said))
    if decision.get("coverage") is not None and metrics.get("scheme", {}).get("kind") != "dimensional":
        facts.append(("Coverage aimed at", f"{percent(decision['coverage'])} of the rows"))
    return facts


def threshold_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (which thresholds, macro-F1, interval) for models that have thresholds."""
    titles = {
        "half": "every threshold 0.5",
        "validation": "thresholds from validation rows: the result",
        "test": "cheating: thresholds chosen on the test rows, not a result",
    }
    found = evaluation.get("macro_f1_by_threshold", {})
    return [(title, score(found[key]["value"]), span(found[key])) for key, title in titles.items()
            if found.get(key, {}).get("value") is not None]  # fmt: skip


def data_facts(metrics: Mapping[str, Any]) -> list[Fact]:
    """Return what the model learned from, and the fingerprint that tells the same data again."""
    data = metrics.get("data", {})
    facts = [("Data", str(data["name"]))] if data.get("name") else []
    facts += [(f"{split.capitalize()} rows", count(rows)) for split, rows in data.get("rows", {}).items()]
    if data.get("languages"):
        facts.append(("Languages", languages(data["languages"])))
    scheme = metrics.get("scheme", {})
    if scheme.get("name"):
        facts.append(("Label scheme", f"{scheme['name']} ({scheme.get('kind', '')})"))
    if data.get("fingerprint"):
        facts.append(("Fingerprint", str(data["fingerprint"])))
    return facts


def provenance(metrics: Mapping[str, Any]) -> list[Fact]:
    """Return who made this page from what: command, versions, seed, time."""
    model, time = metrics.get("model", {}), metrics.get("time", {})
    candidates = [
        ("insula", metrics.get("insula_version")),
        ("Made", str(metrics["created"]).replace("T", " ").replace("Z", " UTC") if "created" in metrics else None),
        ("Seed", metrics.get("seed")),
        ("Model family", model.get("family")),
        ("Starting point", model.get("base")),
        ("Trained in", arithmetic(metrics)),
        ("Inference engine", model.get("backend")),
        ("Total time", duration(time["total_seconds"]) if "total_seconds" in time else None),
    ]
    return [(name, str(value)) for name, value in candidates if value is not None]


def arithmetic(metrics: Mapping[str, Any]) -> str | None:
    """Return the number format of the matrix products of training; None where the family tells none."""
    precision = metrics.get("training", {}).get("precision")
    return None if precision is None else f"{precision} arithmetic, float32 weights"


def recipe_groups(metrics: Mapping[str, Any]) -> list[tuple[str, list[Fact]]]:
    """Return the recipe as (section, settings); settings outside any section come first."""
    recipe = metrics.get("recipe", {})
    loose = {key: value for key, value in recipe.items() if not isinstance(value, Mapping)}
    groups = [("recipe", flat(loose))] if loose else []
    groups += [(key, flat(value)[:MOST_ROWS]) for key, value in recipe.items() if isinstance(value, Mapping) and value]
    return groups


def _answer(items: Sequence[Any], names: Sequence[str]) -> list[str]:
    if items and all(isinstance(item, (int, float)) for item in items) and len(items) == len(names):
        return [f"{name} {item:.2f}" for name, item in zip(names, items, strict=True)]
    return [plain(item) for item in items]


def _calibration(calibration: Mapping[str, Any]) -> str:
    method = str(calibration.get("method", "unnamed"))
    if method == "identity":
        return "none: scores are used as the model gives them"
    settings = ", ".join(f"{key} {value}" for key, value in flat(calibration) if key != "method")
    return f"{method} ({settings})" if settings and len(settings) <= 80 else method


def _chinese(metrics: Mapping[str, Any]) -> Mapping[str, str]:
    """Chinese display names, where Chinese is more than a trace of the data."""
    share = metrics.get("data", {}).get("languages", {}).get("zh", 0.0)
    names: Mapping[str, str] = metrics.get("scheme", {}).get("display", {}).get("zh", {})
    return {name: shown for name, shown in names.items() if shown != name} if share >= 0.05 else {}


def _cell(value: float | None, key: str) -> Cell:
    if value is None:
        return Cell("–", -math.inf)
    if key in ("support", "predicted", "trained"):
        return Cell(count(value), value)
    return Cell(score(value), value, bar=min(1.0, max(0.0, value)) if key in ("f1", "pearson") else None)
