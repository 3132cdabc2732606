"""The model card: what a stranger must know before using a model, filled only from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from insula.evaluation.reports.headline import headline, main_split
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
from insula.evaluation.reports.sanitize import sanitize
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

# Names under which the Hugging Face hub knows our metrics.
HUB_METRICS: Mapping[str, str] = {
    "accuracy": "accuracy", "macro_f1": "f1", "micro_f1": "f1", "weighted_f1": "f1", "mcc": "matthews_correlation",
    "macro_precision": "precision", "macro_recall": "recall", "macro_auroc": "roc_auc", "pearson": "pearsonr",
    "spearman": "spearmanr", "mae": "mae", "brier": "brier_score",
}  # fmt: skip
MOST_SETTINGS = 80
SHARE_OF_A_LANGUAGE = 0.05  # below it a language is a trace, not one the model was made for


def model_card(metrics: Mapping[str, Any]) -> str:
    """Return `model_card.md` for the content of `metrics.json`: Markdown with YAML front matter (Hugging Face).

    Parts that were not measured are left out; nothing is claimed that is not in `metrics`. The licence is not known
    to insula, so none is stated.
    """
    metrics = sanitize(metrics)
    split = main_split(metrics)
    head = headline(metrics)
    model, data = metrics.get("model", {}), metrics.get("data", {})
    return _environment().get_template("model_card.md.j2").render(
        name=str(metrics.get("name") or "model"),
        front=_front_matter(metrics, split),
        what=_what(metrics),
        labels=metrics.get("scheme", {}).get("names", []),
        model=_model_words(model),
        head=head,
        metric_rows=metric_rows(metrics, split) if split else [],
        table=(label_table(metrics, split) or dimension_table(metrics, split)) if split else None,
        levels=level_rows(metrics[split]) if split else [],
        baselines=baseline_rows(metrics, head.metric) if head and split == "test" else [],
        seen=metrics[split].get("seen", {}).get("rows") if split else None,
        data=data,
        rows=[(name, count(value)) for name, value in data.get("rows", {}).items()],
        languages=languages(data.get("languages", {})),
        recipe=flat(metrics.get("recipe", {}))[:MOST_SETTINGS],
        seed=metrics.get("seed"),
        time=duration(metrics["time"]["train_seconds"]) if "train_seconds" in metrics.get("time", {}) else "",
        arithmetic=arithmetic(metrics),
        command=str(metrics.get("command", "")),
        version=metrics.get("insula_version"),
        decision=decision_facts(metrics),
        thresholds=[(k, score(v)) for k, v in metrics.get("decision", {}).get("thresholds", {}).items()],
        by_threshold=threshold_rows(metrics[split]) if split == "test" else [],
        abstention=_abstention(metrics[split].get("abstention", {})) if split else "",
        dimensional=metrics.get("scheme", {}).get("kind") == "dimensional",
    )  # fmt: skip


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("insula.evaluation", "templates"),
        autoescape=False,  # Markdown has escapes of its own, the filter md
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = markdown
    environment.filters["yaml"] = yaml_text
    environment.globals["fenced"] = fenced
    return environment


def _front_matter(metrics: Mapping[str, Any], split: str | None) -> dict[str, Any]:
    measured = metrics[split].get("metrics", {}) if split else {}
    known = [(HUB_METRICS[name], name, number["value"]) for name, number in measured.items() if _is_known(name, number)]
    shares = metrics.get("data", {}).get("languages", {})
    scheme = metrics.get("scheme", {})
    base = str(metrics.get("model", {}).get("base", ""))
    return {
        "languages": [code for code, share in shares.items() if share >= SHARE_OF_A_LANGUAGE and 2 <= len(code) <= 3],
        "tags": [
            tag for tag in ("insula", "emotion", "text-classification", scheme.get("kind"), scheme.get("name")) if tag
        ],
        "base_model": base if "/" in base and not base.startswith((".", "/")) else "",
        "metrics": list(dict.fromkeys(hub for hub, _, _ in known)),
        "results": known,
        "dataset": str(metrics.get("data", {}).get("name", "")),
        "split": split or "",
    }


def _is_known(name: str, number: Mapping[str, Any]) -> bool:
    return name in HUB_METRICS and number.get("value") is not None


def _what(metrics: Mapping[str, Any]) -> str:
    scheme = metrics.get("scheme", {})
    task = {
        "binary": "decides between two labels",
        "single": "gives one label",
        "multi": "gives any number of labels, none included,",
        "ordinal": "gives one of several ordered labels",
        "dimensional": "gives values on continuous scales",
    }.get(scheme.get("kind", ""), "gives labels")
    shares = metrics.get("data", {}).get("languages", {})
    main = [language(code) for code, share in shares.items() if share >= SHARE_OF_A_LANGUAGE]
    text = f"a text in {_listed(main)}" if main else "a text"
    return f"It reads {text} and {task} for the emotion that readers perceive in it."


def _model_words(model: Mapping[str, Any]) -> str:
    parts = [
        f"family {model['family']}" if "family" in model else "",
        f"built on {model['base']}" if "base" in model else "",
        f"{large(model['parameters'])} parameters" if "parameters" in model else "",
        f"{file_size(model['bytes'])} on disk" if "bytes" in model else "",
        f"run by {model['backend']}" if "backend" in model else "",
    ]
    return ", ".join(part for part in parts if part)


def _abstention(abstention: Mapping[str, Any]) -> str:
    coverage, answered, everything = (abstention.get(k) for k in ("coverage", "accuracy_answered", "accuracy_all"))
    if coverage is None or answered is None:
        return ""
    said = f"It answered {percent(coverage)} of the rows and was right on {percent(answered)} of those"
    return (
        f"{said}; answering every row it would be right on {percent(everything)}."
        if everything is not None
        else f"{said}."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
