"""The model card: what a user needs to know about a model, filled in from its metrics document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from insula.evaluation.document import DataRecord, MetricsDocument, ModelRecord
from insula.evaluation.reports.headline import build_headline
from insula.evaluation.reports.markdown import escape_markdown, fence_code, quote_yaml
from insula.evaluation.reports.readable import (
    flatten_values,
    format_count,
    format_duration,
    format_file_size,
    format_languages,
    format_large,
    format_percent,
    format_score,
    name_language,
)
from insula.evaluation.reports.sanitize import sanitize_document
from insula.evaluation.reports.tables import (
    build_dimension_table,
    build_label_table,
    describe_arithmetic,
    describe_augmented,
    list_baselines,
    list_decision_facts,
    list_levels,
    list_metrics,
    list_thresholds,
)
from insula.evaluation.result import Abstention

# Our metrics by their names on the Hugging Face hub.
HUB_METRICS: Mapping[str, str] = {
    "accuracy": "accuracy", "macro_f1": "f1", "micro_f1": "f1", "weighted_f1": "f1", "mcc": "matthews_correlation",
    "macro_precision": "precision", "macro_recall": "recall", "macro_auroc": "roc_auc", "pearson": "pearsonr",
    "spearman": "spearmanr", "mae": "mae", "brier": "brier_score",
}  # fmt: skip
MAX_SETTINGS = 80
SHARE_OF_A_LANGUAGE = 0.05  # smaller shares are not listed as languages of the model


def build_model_card(document: MetricsDocument) -> str:
    """Return `model_card.md` for a metrics document: Markdown with YAML front matter (Hugging Face).

    Sections without measurements are left out. The licence is unknown to insula, so the card states none.
    """
    document = sanitize_document(document)
    head, data, seconds = build_headline(document), document.data, document.time.train_seconds
    return _build_environment().get_template("model_card.md.j2").render(
        name=document.name or "model",
        front=_build_front_matter(document),
        what=_describe_purpose(document),
        labels=document.scheme.names,
        model=_describe_model(document.model),
        head=head,
        metric_rows=list_metrics(document),
        table=build_label_table(document) or build_dimension_table(document),
        levels=list_levels(document.main) if document.main else [],
        baselines=list_baselines(document, head.metric) if head and head.split == "test" else [],
        seen=document.main.seen.rows if document.main and document.main.seen else None,
        data=data,
        rows=[(name, format_count(value)) for name, value in data.rows.items()],
        augmented=describe_augmented(data) if data.augmented else "",
        languages=format_languages(data.languages),
        recipe=flatten_values(document.recipe)[:MAX_SETTINGS],
        seed=document.seed,
        time="" if seconds is None else format_duration(seconds),
        arithmetic=describe_arithmetic(document),
        command=document.command,
        version=document.insula_version,
        decision=list_decision_facts(document),
        thresholds=[(label, format_score(value)) for label, value in (document.decision.thresholds or {}).items()],
        by_threshold=list_thresholds(document),
        abstention=_describe_abstention(document.main.abstention) if document.main and document.main.abstention else "",
        dimensional=document.scheme.is_dimensional,
    )  # fmt: skip


@cache
def _build_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("insula.evaluation", "templates"),
        autoescape=False,  # the filter md escapes Markdown
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escape_markdown
    environment.filters["yaml"] = quote_yaml
    environment.globals["fenced"] = fence_code
    return environment


def _build_front_matter(document: MetricsDocument) -> dict[str, Any]:
    measured = document.main.metrics if document.main else {}
    known = [
        (HUB_METRICS[name], name, interval.value)
        for name, interval in measured.items()
        if name in HUB_METRICS and interval.value is not None
    ]
    scheme, data, base = document.scheme, document.data, document.model.base or ""
    return {
        "languages": [code for code in _find_main_languages(data) if 2 <= len(code) <= 3],
        "tags": [tag for tag in ("insula", "emotion", "text-classification", scheme.kind, scheme.name) if tag],
        "base_model": base if "/" in base and not base.startswith((".", "/")) else "",
        "metrics": list(dict.fromkeys(hub for hub, _, _ in known)),
        "results": known,
        "dataset": data.name or "",
        "split": document.main_split or "",
    }


def _find_main_languages(data: DataRecord) -> list[str]:
    return [code for code, share in data.languages.items() if share >= SHARE_OF_A_LANGUAGE]


def _describe_purpose(document: MetricsDocument) -> str:
    task = {
        "binary": "predicts one of two labels",
        "single": "predicts one label",
        "multi": "predicts any number of labels, or none,",
        "ordinal": "predicts one of several ordered labels",
        "dimensional": "predicts values on continuous scales",
    }.get(document.scheme.kind or "", "predicts labels")
    main = [name_language(code) for code in _find_main_languages(document.data)]
    text = f"a text in {_join_names(main)}" if main else "a text"
    return f"The model reads {text} and {task} for the emotion that readers perceive in it."


def _describe_model(model: ModelRecord) -> str:
    parts = [
        "" if model.family is None else f"family {model.family}",
        "" if model.base is None else f"built on {model.base}",
        "" if model.parameters is None else f"{format_large(model.parameters)} parameters",
        "" if model.bytes is None else f"{format_file_size(model.bytes)} on disk",
        "" if model.backend is None else f"run by {model.backend}",
    ]
    return ", ".join(part for part in parts if part)


def _describe_abstention(abstention: Abstention) -> str:
    coverage, answered, everything = abstention.coverage, abstention.accuracy_answered, abstention.accuracy_all
    if coverage is None or answered is None:
        return ""
    sentence = (
        f"The model answered {format_percent(coverage)} of the rows, with an accuracy of {format_percent(answered)}"
    )
    return (
        f"{sentence}; on all rows its accuracy would be {format_percent(everything)}."
        if everything is not None
        else f"{sentence}."
    )


def _join_names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
