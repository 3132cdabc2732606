"""View models of a served model: facts, labels and metrics as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from insula.core.scheme import LabelScheme
from insula.evaluation.metrics.metric_names import sort_metric_names
from insula.evaluation.reports.readable import format_count, format_score
from insula.evaluation.reports.signs import find_sign
from insula.serving.pages.metric_words import describe_metric
from insula.serving.pages.words import Translator
from insula.serving.served_models import ServedModel
from insula.text.context import Context

REPORT = "report.html"


@dataclass(frozen=True)
class MetricView:
    """One metric in the words of a language."""

    title: str
    value: str
    interval: str
    meaning: str


@dataclass(frozen=True)
class ModelMetrics:
    """The metrics of a model, and the rows they were measured on."""

    note: str
    rows: str
    metrics: list[MetricView]


def build_metrics_view(model: ServedModel, say: Translator) -> ModelMetrics | None:
    """Return the metrics with their intervals, None without metrics."""
    document = model.document
    if document.main is None:
        return None
    found = document.main.metrics
    metrics = []
    for name in sort_metric_names([name for name, interval in found.items() if interval.value is not None]):
        title, meaning = describe_metric(name, say)
        metrics.append(MetricView(title, format_score(found[name].value), say.format_interval(found[name]), meaning))
    return ModelMetrics(say(f"measured_{document.main_split}"), format_count(document.main.rows), metrics)


def list_model_facts(model: ServedModel, say: Translator) -> list[tuple[str, str]]:
    """Return names and values of a model's main properties."""
    scheme, below = model.predictor.scheme, model.predictor.decision.abstention
    facts = [
        (say("family"), model.folder.family),
        (say("kind"), say(f"kind_{scheme.kind}")),
        (say("count"), format_count(len(scheme.names))),
        (say("reads"), _describe_reading(model.predictor.context, say)),
        (say("version"), model.version),
    ]
    if scheme.is_categorical:
        facts.append((say("abstains"), format_score(below) if below else say("never")))
    return facts


def list_labels(scheme: LabelScheme, say: Translator) -> list[tuple[str, str, str]]:
    """Return every label with its display name, with the range of a dimension, and the name of its sign."""
    return [(label, _name_label(scheme, label, say), find_sign(scheme, label)) for label in scheme.names]


def find_report(model: ServedModel) -> Path | None:
    """Return the report of the run that a model folder is part of, None without one.

    Only a folder `RUN/model` has one: a file next to any other folder could be unrelated. Links are not followed.
    """
    folder = model.folder.path.resolve()
    file = folder.parent / REPORT
    return file if folder.name == "model" and file.is_file() and not file.is_symlink() else None


def _describe_reading(context: Context, say: Translator) -> str:
    if not context.turns:
        return say("reads_target") if context.target else say("reads_text")
    return say("reads_turns_and_target" if context.target else "reads_turns", turns=context.turns)


def _name_label(scheme: LabelScheme, label: str, say: Translator) -> str:
    name = scheme.display_name(label, say.language)
    if label not in scheme.ranges:
        return name
    low, high = scheme.ranges[label]
    return name + say("aside", words=say("range", low=f"{low:g}", high=f"{high:g}"))
