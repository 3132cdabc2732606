"""The report of a search: one self-contained page on what was tried, what it reached, and what made the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from insula.core.files import write_text
from insula.core.sentences import counted
from insula.evaluation.charts.learning import Series, learning_chart
from insula.evaluation.charts.shares import shares_chart
from insula.evaluation.charts.trials import Trial, trials_chart
from insula.evaluation.charts.tried import tried_chart
from insula.evaluation.metrics.metric_names import metric_title
from insula.evaluation.reports.figures import Figure
from insula.evaluation.reports.page import render_page
from insula.evaluation.reports.readable import duration, flat, plain, score
from insula.evaluation.reports.sanitize import sanitize

MOST_TRIALS = 500  # of the table; search.json has them all
ENOUGH_TRIALS = 20


def write_search_report(path: str | Path, search: Mapping[str, Any]) -> None:
    """Write the page of a search, `search` being the content of `search.json` and the winning `recipe`.

    The page needs no network and no JavaScript. Raises `OutputError` where `path` cannot be written.
    """
    write_text(path, render_search_report(search))


def render_search_report(search: Mapping[str, Any]) -> str:
    """Return the page that `write_search_report` writes."""
    search = sanitize(search)
    metric = metric_title(search["metric"])
    trials = search["trials"]
    best = next(trial for trial in trials if trial["number"] == search["best"])
    keys = list(search["space"])
    return render_page(
        "search.html.j2",
        name=search["name"],
        created=str(search.get("created", ""))[:10],
        subtitle=f"{search['model']} · data: {search['data']['name']}",
        metric=metric,
        value=score(best["value"]),
        interval=f"{score(best['low'])} to {score(best['high'])}" if "low" in best and "high" in best else "",
        sentence=_sentence(search, trials, best, metric),
        notices=_notices(trials, best),
        facts=_facts(search, trials),
        history=_history(trials, metric),
        importance=_importance(search, trials),
        tried=_tried(search, trials),
        curves=_curves(trials, best),
        winner=[(key, plain(best["values"].get(key))) for key in keys],
        keys=[key.split(".")[-1] for key in keys],
        rows=[_row(trial, keys, trial is best) for trial in _by_value(trials)[:MOST_TRIALS]],
        recipe=flat(search.get("recipe", {})),
        command=str(search.get("command", "")),
    )


def _sentence(search: Mapping[str, Any], trials: Sequence[Any], best: Mapping[str, Any], metric: str) -> str:
    own = next((trial for trial in trials if trial["number"] == 0 and "value" in trial), None)
    rows = search["data"]["rows"].get("validation", 0)
    said = (
        f"Trial {best['number']} of {len(trials)} reaches {metric} {score(best['value'])} on {rows:,} validation rows"
    )
    if own is not None and own is not best:
        said += f"; trial 0, nearest to the recipe as it stood, reaches {score(own['value'])}"
    return f"{said}."


def _notices(trials: Sequence[Any], best: Mapping[str, Any]) -> list[str]:
    notices = [
        "The best of many looks better than it is: these validation rows chose it. Train with the recipe and believe "
        "what it reaches on test rows, which no trial has seen."
    ]
    close = [t for t in trials if "value" in t and t is not best and t["value"] >= best.get("low", best["value"])]
    if close:
        lie = (
            "lies within its interval: no clear difference from it"
            if len(close) == 1
            else ("lie within its interval: no clear difference from them")
        )
        notices.append(f"{counted(len(close), 'other trial')} {lie}.")
    return notices


def _facts(search: Mapping[str, Any], trials: Sequence[Any]) -> list[tuple[str, str]]:
    states = [trial["state"] for trial in trials]
    found = [("trials", str(len(trials)))]
    found += [(state, str(states.count(state))) for state in ("pruned", "failed", "lost") if state in states]
    found.append(("training in all", duration(sum(trial["seconds"] for trial in trials))))
    found += [("seed", str(search["seed"])), ("pruner", str(search["pruner"]))]
    return found


def _history(trials: Sequence[Any], metric: str) -> Figure:
    drawn = [
        # A failed trial reached nothing, however far it came.
        Trial(trial["number"], trial["scores"][-1] if early and trial["scores"] else trial.get("value"), early)
        for trial in trials
        for early in [trial["state"] == "pruned"]
    ]
    svg = trials_chart(drawn, key="trials", y_title=metric)
    early = any(trial.pruned and trial.value is not None for trial in drawn)
    caption = " Those that were ended early stand where they were when they ended." if early else ""
    return Figure("How the search went", svg, f"Each dot is a trial.{caption}")


def _importance(search: Mapping[str, Any], trials: Sequence[Any]) -> Figure | None:
    shares = search.get("importance")
    if not shares:
        return None
    complete = sum("value" in trial for trial in trials)
    few = f" From {complete} complete trials this is a hint at most." if complete < ENOUGH_TRIALS else ""
    svg = shares_chart(shares, key="importance", title="Importance of each option")
    return Figure(
        "Importance of each option", svg,
        f"Share of the variance between trials that each option explains by itself or with others (fANOVA).{few}",
    )  # fmt: skip


def _tried(search: Mapping[str, Any], trials: Sequence[Any]) -> list[Markup]:
    complete = [trial for trial in trials if "value" in trial]
    charts = []
    for index, (key, entry) in enumerate(search["space"].items()):
        values = [trial["values"].get(key) for trial in complete]
        number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        shown = [value if number and "choices" not in entry else plain(value) for value in values]
        charts.append(
            tried_chart(
                key, shown, [trial["value"] for trial in complete], key=f"tried-{index}", log=bool(entry.get("log"))
            )
        )
    return charts


def _curves(trials: Sequence[Any], best: Mapping[str, Any]) -> Figure | None:
    lines = [
        Series("", [[index + 1.0, value] for index, value in enumerate(trial["scores"])], "rest")
        for trial in trials
        if trial is not best and len(trial["scores"]) > 1
    ]
    own = [[index + 1.0, value] for index, value in enumerate(best["scores"])]
    if len(own) < 2:
        return None
    lines.append(Series("best trial", own, "second"))
    svg = learning_chart(lines, key="curves", title="Scores during training", x_title="evaluation", y_title="score")
    return Figure("Trials as they learned", svg, "Validation scores before any threshold or calibration is chosen.")


def _by_value(trials: Sequence[Any]) -> list[Any]:
    return sorted(trials, key=lambda trial: -trial.get("value", -1.0))


def _row(trial: Mapping[str, Any], keys: Sequence[str], best: bool) -> dict[str, Any]:
    return {
        "number": trial["number"],
        "best": best,
        "value": score(trial["value"]) if "value" in trial else trial["state"],
        "order": trial.get("value", -1.0),
        "seconds": duration(trial["seconds"]),
        "time": trial["seconds"],
        "values": [_short(trial["values"].get(key)) for key in keys],
        "error": trial.get("error", ""),
    }


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else plain(value)
