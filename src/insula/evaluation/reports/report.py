"""The report: a self-contained page on a model, its data, its metrics and how they were measured."""

from __future__ import annotations

from pathlib import Path

from insula.core.files import write_text
from insula.core.sentences import pluralise
from insula.evaluation.document import MetricsDocument
from insula.evaluation.reports.figures import (
    draw_baselines,
    draw_confidence,
    draw_curves,
    draw_label_figures,
    draw_learning,
    draw_scatter,
    draw_slice_figures,
)
from insula.evaluation.reports.headline import build_headline
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import format_count, format_score
from insula.evaluation.reports.sanitize import sanitize_document
from insula.evaluation.reports.tables import (
    MAX_ROWS,
    build_dimension_table,
    build_label_table,
    group_recipe,
    list_baselines,
    list_data_facts,
    list_decision_facts,
    list_key_facts,
    list_levels,
    list_metrics,
    list_mistakes,
    list_provenance,
    list_thresholds,
)
from insula.evaluation.result import Evaluation, Interval

MAX_NOTES = 60


def write_report(path: str | Path, document: MetricsDocument) -> None:
    """Write the report of a training run or of one evaluation as a single HTML file.

    Sections without data are left out. The page needs neither network nor JavaScript and is smaller than 1 MB. Raises
    `OutputError` if `path` cannot be written.
    """
    write_text(path, render_report(document))


def render_report(document: MetricsDocument) -> str:
    """Return the page that `write_report` writes."""
    document = sanitize_document(document)
    evaluation = document.main or Evaluation()
    head = build_headline(document)
    tested = head is not None and head.split == "test"
    return render_page(
        "report.html.j2",
        name=document.name or "Evaluation",
        subtitle=_format_subtitle(document),
        created=(document.created or "")[:10],
        head=head,
        value=format_score(head.value) if head else "",
        interval=f"{format_score(head.low)} to {format_score(head.high)}" if head and head.low is not None else "",
        notices=_list_notices(document),
        facts=list_key_facts(document),
        baseline=draw_baselines(document, head) if head and tested else None,
        baseline_rows=list_baselines(document, head.metric) if head and tested else [],
        learning=draw_learning(document.history),
        metric_rows=list_metrics(document),
        levels=list_levels(evaluation),
        answers=draw_label_figures(evaluation),
        scatter=draw_scatter(evaluation, document.scheme.ranges),
        labels=build_label_table(document),
        dimensions=build_dimension_table(document),
        curves=draw_curves(evaluation),
        confidence=draw_confidence(evaluation),
        slices=draw_slice_figures(evaluation, head),
        mistakes=list_mistakes(evaluation),
        explained=_count_explained(evaluation),
        decision=list_decision_facts(document),
        thresholds=_list_thresholds(document),
        by_threshold=list_thresholds(document),
        recipe=group_recipe(document),
        data=list_data_facts(document),
        notes=document.data.notes[:MAX_NOTES],
        provenance=list_provenance(document),
        command=document.command,
    )  # fmt: skip


def _format_subtitle(document: MetricsDocument) -> str:
    words = " ".join(word for word in (document.model.base, document.model.family) if word)
    scheme, data = document.scheme.name, document.data.name
    parts = [words, f"labels: {scheme}" if scheme else "", f"data: {data}" if data else ""]
    return " · ".join(part for part in parts if part)


def _list_thresholds(document: MetricsDocument) -> list[tuple[str, str]]:
    thresholds = document.decision.thresholds or {}
    return [(label, format_score(value)) for label, value in list(thresholds.items())[:MAX_ROWS]]


def _count_explained(evaluation: Evaluation) -> str:
    """Return how many mistakes show the words behind them, and by which method; empty for none."""
    methods = [mistake.why.method for mistake in evaluation.mistakes if mistake.why]
    return f"{pluralise(len(methods), 'mistake')}, explained by {methods[0]!r}" if methods else ""


def _list_notices(document: MetricsDocument) -> list[str]:
    """Return the reservations about the headline."""
    evaluation = document.main
    if evaluation is None:
        return ["Nothing was evaluated: there are no validation or test rows."]
    notices = []
    if document.main_split == "validation":
        notices.append(
            "Measured on the validation rows, which were also used to choose the model and its thresholds: expect "
            "lower values on new texts."
        )
    for repeated, words in (
        (evaluation.seen, "of these rows are also in the training data."),
        (
            evaluation.overlap,
            "of these texts were also in the training rows of the source; those training rows were left out.",
        ),
    ):
        if repeated is not None and repeated.rows:
            value = (repeated.metrics_without or {}).get(evaluation.headline_name, Interval()).value
            without = f" Without them the headline metric is {format_score(value)}." if value is not None else ""
            notices.append(f"{format_count(repeated.rows)} {words}{without}")
    return notices
