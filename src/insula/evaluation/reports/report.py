"""The report: one self-contained page on what a model has learnt, how well, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from insula.core.files import write_text
from insula.evaluation.reports.figures import (
    answer_figures,
    baseline_figure,
    confidence_figures,
    curve_charts,
    learning_figures,
    scatter_figures,
    slice_figures,
)
from insula.evaluation.reports.headline import headline, main_split
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import count, score
from insula.evaluation.reports.sanitize import sanitize
from insula.evaluation.reports.tables import (
    MOST_ROWS,
    baseline_rows,
    data_facts,
    decision_facts,
    dimension_table,
    key_facts,
    label_table,
    level_rows,
    metric_rows,
    mistakes,
    provenance,
    recipe_groups,
    threshold_rows,
)

MOST_NOTES = 60


def write_report(path: str | Path, metrics: Mapping[str, Any]) -> None:
    """Write the report of a training run or of one evaluation as a single HTML file.

    `metrics` is the content of `metrics.json`. Every part of it may be missing or None: its section is left out. The
    page needs no network and no JavaScript, and stays below 1 MB. Raises `OutputError` where `path` cannot be written.
    """
    write_text(path, render_report(metrics))


def render_report(metrics: Mapping[str, Any]) -> str:
    """Return the page that `write_report` writes."""
    metrics = sanitize(metrics)
    split = main_split(metrics)
    evaluation = metrics[split] if split else {}
    head = headline(metrics)
    return render_page(
        "report.html.j2",
        name=str(metrics.get("name") or "Evaluation"),
        subtitle=_subtitle(metrics),
        created=str(metrics.get("created", ""))[:10],
        head=head,
        value=score(head.value) if head else "",
        interval=f"{score(head.low)} to {score(head.high)}" if head and head.low is not None else "",
        notices=_notices(metrics, split),
        facts=key_facts(metrics, split),
        baseline=baseline_figure(metrics, head) if head and split == "test" else None,
        baseline_rows=baseline_rows(metrics, head.metric) if head and split == "test" else [],
        learning=learning_figures(metrics),
        metric_rows=metric_rows(metrics, split) if split else [],
        levels=level_rows(evaluation),
        answers=answer_figures(evaluation),
        scatter=scatter_figures(evaluation, metrics.get("scheme", {})),
        labels=label_table(metrics, split) if split else None,
        dimensions=dimension_table(metrics, split) if split else None,
        curves=curve_charts(evaluation),
        confidence=confidence_figures(evaluation),
        slices=slice_figures(evaluation, head),
        mistakes=mistakes(evaluation),
        decision=decision_facts(metrics),
        thresholds=_thresholds(metrics),
        by_threshold=threshold_rows(evaluation) if split == "test" else [],
        recipe=recipe_groups(metrics),
        data=data_facts(metrics),
        notes=metrics.get("data", {}).get("notes", [])[:MOST_NOTES],
        provenance=provenance(metrics),
        command=str(metrics.get("command", "")),
    )  # fmt: skip


def _subtitle(metrics: Mapping[str, Any]) -> str:
    model, data = metrics.get("model", {}), metrics.get("data", {})
    words = " ".join(str(model[key]) for key in ("base", "family") if model.get(key))
    scheme = metrics.get("scheme", {}).get("name")
    parts = [words, f"labels: {scheme}" if scheme else "", f"data: {data['name']}" if data.get("name") else ""]
    return " · ".join(part for part in parts if part)


def _thresholds(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    thresholds = metrics.get("decision", {}).get("thresholds", {})
    return [(label, score(value)) for label, value in list(thresholds.items())[:MOST_ROWS]]


def _notices(metrics: Mapping[str, Any], split: str | None) -> list[str]:
    """Return what a reader must know before believing the headline."""
    notices = []
    if split is None:
        notices.append("Nothing was evaluated: there were no rows held out to measure on.")
    if split == "validation":
        notices.append(
            "Measured on the validation rows, which also guided training and thresholds: expect less on new texts."
        )
    for key, words in (
        ("seen", "of these rows also stood in the training data."),
        ("overlap", "of these texts also stood in the source's training rows, which were left out of training."),
    ):
        repeated = metrics[split].get(key, {}) if split else {}
        if split and repeated.get("rows"):
            without = repeated.get("metrics_without", {}).get(metrics[split].get("headline"))
            value = without.get("value") if isinstance(without, Mapping) else without
            said = f" Without them the headline is {score(value)}." if value is not None else ""
            notices.append(f"{count(repeated['rows'])} {words}{said}")
    return notices
