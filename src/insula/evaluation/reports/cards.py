"""The model card: what a user needs to know about a model, filled in from its metrics document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from insula.evaluation.document import DataRecord, MetricsDocument, ModelRecord
from insula.evaluation.reports.headline import headline
from insula.evaluation.reports.markdown import fenced, markdown, yaml_text
from insula.evaluation.reports.readable import (
    count,
    duration,
    file_size,
    flat,
    language,
    languages,
    large,
    percent,
    score,
)
from insula.evaluation.reports.sanitize import sanitized
from insula.evaluation.reports.tables import (
    arithmetic,
    baseline_rows,
    decision_facts,
    dimension_table,
    label_table,
    level_rows,
    metric_rows,
    threshold_rows,
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


def model_card(document: MetricsDocument) -> str:
    """Return `model_card.md` for a metrics document: Markdown with YAML front matter (Hugging Face).

    Sections without measurements are left out. The licence is unknown to insula, so the card states none.
    """
    document = sanitized(document)
    head, data, seconds = headline(document), document.data, document.time.train_seconds
    return _environment().get_template("model_card.md.j2").render(
        name=document.name or "model",
        front=_front_matter(document),
        what=_what(document),
        labels=document.scheme.names,
        model=_model_words(document.model),
        head=head,
        metric_rows=metric_rows(document),
        table=label_table(document) or dimension_table(document),
        levels=level_rows(document.main) if document.main else [],
        baselines=baseline_rows(document, head.metric) if head and head.split == "test" else [],
        seen=document.main.seen.rows if document.main and document.main.seen else None,
        data=data,
        rows=[(name, count(value)) for name, value in data.rows.items()],
        languages=languages(data.languages),
        recipe=flat(document.recipe)[:MAX_SETTINGS],
        seed=document.seed,
        time="" if seconds is None else duration(seconds),
        arithmetic=arithmetic(document),
        command=document.command,
        version=document.insula_version,
        decision=decision_facts(document),
        thresholds=[(label, score(value)) for label, value in (document.decision.thresholds or {}).items()],
        by_threshold=threshold_rows(document),
        abstention=_abstention(document.main.abstention) if document.main and document.main.abstention else "",
        dimensional=document.scheme.is_dimensional,
    )  # fmt: skip


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("insula.evaluation", "templates"),
        autoescape=False,  # the filter md escapes Markdown
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = markdown
    environment.filters["yaml"] = yaml_text
    environment.globals["fenced"] = fenced
    return environment


def _front_matter(document: MetricsDocument) -> dict[str, Any]:
    measured = document.main.metrics if document.main else {}
    known = [
        (HUB_METRICS[name], name, interval.value)
        for name, interval in measured.items()
        if name in HUB_METRICS and interval.value is not None
    ]
    scheme, data, base = document.scheme, document.data, document.model.base or ""
    return {
        "languages": [code for code in _main_languages(data) if 2 <= len(code) <= 3],
        "tags": [tag for tag in ("insula", "emotion", "text-classification", scheme.kind, scheme.name) if tag],
        "base_model": base if "/" in base and not base.startswith((".", "/")) else "",
        "metrics": list(dict.fromkeys(hub for hub, _, _ in known)),
        "results": known,
        "dataset": data.name or "",
        "split": document.main_split or "",
    }


def _main_languages(data: DataRecord) -> list[str]:
    return [code for code, share in data.languages.items() if share >= SHARE_OF_A_LANGUAGE]


def _what(document: MetricsDocument) -> str:
    task = {
        "binary": "predicts one of two labels",
        "single": "predicts one label",
        "multi": "predicts any number of labels, or none,",
        "ordinal": "predicts one of several ordered labels",
        "dimensional": "predicts values on continuous scales",
    }.get(document.scheme.kind or "", "predicts labels")
    main = [language(code) for code in _main_languages(document.data)]
    text = f"a text in {_listed(main)}" if main else "a text"
    return f"The model reads {text} and {task} for the emotion that readers perceive in it."


def _model_words(model: ModelRecord) -> str:
    parts = [
        "" if model.family is None else f"family {model.family}",
        "" if model.base is None else f"built on {model.base}",
        "" if model.parameters is None else f"{large(model.parameters)} parameters",
        "" if model.bytes is None else f"{file_size(model.bytes)} on disk",
        "" if model.backend is None else f"run by {model.backend}",
    ]
    return ", ".join(part for part in parts if part)


def _abstention(abstention: Abstention) -> str:
    coverage, answered, everything = abstention.coverage, abstention.accuracy_answered, abstention.accuracy_all
    if coverage is None or answered is None:
        return ""
    sentence = f"The model answered {percent(coverage)} of the rows, with an accuracy of {percent(answered)}"
    return (
        f"{sentence}; on all rows its accuracy would be {percent(everything)}."
        if everything is not None
        else f"{sentence}."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
