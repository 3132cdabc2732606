"""The figures of a metrics document in a line, and in a table for a notebook."""

from __future__ import annotations

from insula.core.sentences import build_html_table, pluralise
from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import get_metric_title
from insula.evaluation.reports.baseline_names import find_baseline_name
from insula.evaluation.reports.readable import format_score, format_span

FURTHER = ("accuracy", "macro_auroc", "ece", "mae")


def format_headline(document: MetricsDocument) -> str:
    """Return the headline metric with its interval, such as `macro-F1 0.790 (0.775 to 0.803) on 900 test rows`."""
    found = document.main
    if found is None:
        return "nothing measured"
    interval = format_span(found.headline)
    between = f" ({interval})" if interval else ""
    title = get_metric_title(found.headline_name)
    rows = pluralise(found.rows, f"{document.main_split} row")
    return f"{title} {format_score(found.headline.value)}{between} on {rows}"


def build_metrics_table(document: MetricsDocument, caption: str, below: str = "") -> str:
    """Return the headline metric, some more, and the baselines, as HTML."""
    found = document.main
    if found is None:
        return build_html_table(caption, ("metric", "value", "95% interval"), [("nothing measured", "", "")], below)
    if found.seen is not None and found.seen.rows:
        below = f"{found.seen.rows:,} of these texts are also in the training data. {below}".strip()
    names = [found.headline_name, *(name for name in FURTHER if name in found.metrics and name != found.headline_name)]
    rows = [
        (get_metric_title(name), format_score(found.metrics[name].value), format_span(found.metrics[name]))
        for name in names
    ]
    for name, baseline in document.baselines.items():
        metric = baseline.metrics[found.headline_name]
        answer = find_baseline_name(name, document.scheme.kind).answer
        rows.append(
            (f"{get_metric_title(found.headline_name)}, {answer}", format_score(metric.value), format_span(metric))
        )
    return build_html_table(f"{caption}: {format_headline(document)}", ("metric", "value", "95% interval"), rows, below)
