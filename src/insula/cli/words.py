"""Results in words: what `train` and `evaluate` print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from insula.training.run import Run

TITLES = {"majority": "the majority class", "untrained": "the model before training", "linear": "linear, same rows"}


def say_run(run: Run, *, as_json: bool) -> None:
    """Print what a run reached and where it stands."""
    if as_json:
        typer.echo(json.dumps(run.metrics, ensure_ascii=False, allow_nan=False))
        return
    say_metrics(run.metrics)
    seconds = run.metrics["time"]
    typer.echo(f"\ntrained in {seconds['train_seconds']:.0f} s, {seconds['total_seconds']:.0f} s in all")
    typer.echo(f"model    {run.model}")
    typer.echo(f"report   {run.report}")
    typer.echo(f'try      insula predict "Two hours on hold and nobody called back." -m {run.path}')


def say_metrics(metrics: Mapping[str, Any]) -> None:
    """Print the headline with its interval, a few figures, and what each baseline reaches."""
    split = "test" if metrics.get("test") else "validation"
    evaluation = metrics.get(split)
    if not evaluation:
        typer.echo("Nothing was measured: there were no rows to measure on.")
        return
    name = evaluation["headline"]
    typer.echo(f"\n{split} {_title(name)} {_figure(evaluation['metrics'][name])} on {evaluation['rows']:,} rows")
    for other in ("accuracy", "micro_f1", "ccc", "mae", "macro_auroc", "ece"):
        if other != name and (evaluation["metrics"].get(other) or {}).get("value") is not None:
            typer.echo(f"     {_title(other)} {_figure(evaluation['metrics'][other])}")
    for baseline, entry in metrics.get("baselines", {}).items():
        difference = entry["difference"]
        typer.echo(
            f"     {difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f}) against "
            f"{TITLES.get(baseline, baseline)} ({entry['metrics'][name]['value']:.3f})"
            if difference["value"] is not None and difference["low"] is not None
            else f"     no difference can be told against {TITLES.get(baseline, baseline)}"
        )
    for key, words in (("seen", "also stand in the training data"), ("overlap", "also stood in the training file")):
        seen = evaluation.get(key) or {}
        if seen.get("rows"):
            rest = (seen["metrics_without"] or {}).get(name)
            without = f"; without them {_title(name)} {_figure(rest)}" if rest else ""
            typer.echo(f"     {seen['rows']:,} of these texts {words}{without}")


def _figure(measured: Mapping[str, Any]) -> str:
    value, low, high = measured["value"], measured.get("low"), measured.get("high")
    if value is None:
        return "undefined"
    return f"{value:.3f}" + (f" (95% interval {low:.3f} to {high:.3f})" if low is not None else "")


def _title(name: str) -> str:
    from insula.evaluation.metric_names import metric_title

    return metric_title(name)
