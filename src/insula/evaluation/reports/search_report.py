"""The report of a search: a self-contained page with its trials, scores and the importance of the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from insula.core.files import write_text
from insula.core.sentences import pluralise
from insula.evaluation.charts.learning import Series, draw_learning_chart
from insula.evaluation.charts.option_values import draw_option_values_chart
from insula.evaluation.charts.shares import draw_shares_chart
from insula.evaluation.charts.trials import TrialPoint, draw_trials_chart
from insula.evaluation.metrics.metric_names import get_metric_title
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import flatten_values, format_duration, format_plain, format_score, format_span
from insula.evaluation.reports.sanitize import sanitize_document, sanitize_value
from insula.evaluation.search_document import SearchDocument, SearchTrial

MAX_TRIALS = 500  # in the table; search.json has all
ENOUGH_TRIALS = 20


def write_search_report(path: str | Path, document: SearchDocument, recipe: Mapping[str, Any]) -> None:
    """Write the page of a search and of its best recipe.

    The page needs neither network nor JavaScript. Raises `OutputError` if `path` cannot be written.
    """
    write_text(path, render_search_report(document, recipe))


def render_search_report(document: SearchDocument, recipe: Mapping[str, Any]) -> str:
    """Return the page that `write_search_report` writes."""
    document = sanitize_document(document)
    metric, best, keys = get_metric_title(document.metric), document.best_trial, list(document.space)
    return render_page(
        "search.html.j2",
        name=document.name,
        created=(document.created or "")[:10],
        subtitle=f"{document.model} · data: {document.data.name}",
        metric=metric,
        value=format_score(best.value),
        interval=format_span(best.interval),
        sentence=_describe_search(document, metric),
        notices=_list_notices(document),
        facts=_list_facts(document),
        history=_draw_history(document.trials, metric),
        importance=_draw_importance(document),
        tried=_draw_options(document),
        curves=_draw_curves(document),
        winner=[(key, format_plain(best.values.get(key))) for key in keys],
        keys=[key.split(".")[-1] for key in keys],
        rows=[_format_row(trial, keys, trial is best) for trial in _sort_by_value(document.trials)[:MAX_TRIALS]],
        recipe=flatten_values(sanitize_value(recipe)),
        command=document.command,
    )


def _describe_search(document: SearchDocument, metric: str) -> str:
    best, trials = document.best_trial, document.trials
    own = next((trial for trial in trials if trial.number == 0 and trial.value is not None), None)
    rows = document.data.rows.get("validation", 0)
    sentence = (
        f"Trial {best.number} of {len(trials)} reaches {metric} {format_score(best.value)} on {rows:,} validation rows"
    )
    if own is not None and own is not best:
        sentence += f"; trial 0, the closest to the original recipe, reaches {format_score(own.value)}"
    return f"{sentence}."


def _list_notices(document: SearchDocument) -> list[str]:
    notices = [
        "The score of the best trial is optimistic, since it was selected on these validation rows. Train with the "
        "recipe and rely on its score on the test rows, which no trial has used."
    ]
    best = document.best_trial
    least = best.value if best.low is None else best.low
    others = [trial.value for trial in document.trials if trial is not best and trial.value is not None]
    close = [value for value in others if least is not None and value >= least]
    if close:
        verb = "is" if len(close) == 1 else "are"
        notices.append(f"{pluralise(len(close), 'other trial')} {verb} within its interval: no significant difference.")
    return notices


def _list_facts(document: SearchDocument) -> list[tuple[str, str]]:
    trials = document.trials
    states = [trial.state for trial in trials]
    found = [("trials", str(len(trials)))]
    found += [(state, str(states.count(state))) for state in ("pruned", "failed", "lost") if state in states]
    found.append(("total training time", format_duration(sum(trial.seconds for trial in trials))))
    found += [("seed", str(document.seed)), ("pruner", document.pruner)]
    return found


def _draw_history(trials: Sequence[SearchTrial], metric: str) -> Figure:
    drawn = [
        # A failed trial has no score, however far it came.
        TrialPoint(trial.number, trial.scores[-1] if early and trial.scores else trial.value, early)
        for trial in trials
        for early in [trial.state == "pruned"]
    ]
    svg = draw_trials_chart(drawn, key="trials", y_title=metric)
    early = any(trial.pruned and trial.value is not None for trial in drawn)
    caption = " Pruned trials are drawn at their last score." if early else ""
    return Figure("Trials", svg, f"Each dot is a trial.{caption}")


def _draw_importance(document: SearchDocument) -> Figure | None:
    if not document.importance:
        return None
    complete = sum(trial.value is not None for trial in document.trials)
    few = f" With {complete} complete trials this is a rough estimate." if complete < ENOUGH_TRIALS else ""
    svg = draw_shares_chart(document.importance, key="importance", title="Importance of each option")
    return Figure(
        "Importance of each option", svg,
        f"Share of the variance between trials that each option explains alone or with others (fANOVA).{few}",
    )  # fmt: skip


def _draw_options(document: SearchDocument) -> list[Markup]:
    complete = [(trial, trial.value) for trial in document.trials if trial.value is not None]
    charts = []
    for index, (key, entry) in enumerate(document.space.items()):
        values = [trial.values.get(key) for trial, _ in complete]
        number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        shown: list[Any] = [value if number and entry.choices is None else format_plain(value) for value in values]
        charts.append(
            draw_option_values_chart(key, shown, [value for _, value in complete], key=f"tried-{index}", log=entry.log)
        )
    return charts


def _draw_curves(document: SearchDocument) -> Figure | None:
    best = document.best_trial
    lines = [
        Series("", [[index + 1.0, value] for index, value in enumerate(trial.scores)], "rest")
        for trial in document.trials
        if trial is not best and len(trial.scores) > 1
    ]
    own = [[index + 1.0, value] for index, value in enumerate(best.scores)]
    if len(own) < 2:
        return None
    lines.append(Series("best trial", own, "second"))
    svg = draw_learning_chart(
        lines, key="curves", title="Scores during training", x_title="evaluation", y_title="score"
    )
    return Figure("Learning curves of the trials", svg, "Validation scores before calibration and thresholds.")


def _sort_by_value(trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    return sorted(trials, key=lambda trial: -_sort_key(trial))


def _sort_key(trial: SearchTrial) -> float:
    return -1.0 if trial.value is None else trial.value


def _format_row(trial: SearchTrial, keys: Sequence[str], best: bool) -> dict[str, Any]:
    return {
        "number": trial.number,
        "best": best,
        "value": trial.state if trial.value is None else format_score(trial.value),
        "order": _sort_key(trial),
        "seconds": format_duration(trial.seconds),
        "time": trial.seconds,
        "values": [_format_value(trial.values.get(key)) for key in keys],
        "error": trial.error or "",
    }


def _format_value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else format_plain(value)
