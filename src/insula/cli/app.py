"""`insula`: the program and its commands."""

from __future__ import annotations

import io
import sys

import typer

from insula import __version__
from insula.cli import (
    application,
    predict,
    pretrain,
    recipes,
    reply,
    rules,
    runs,
    safety,
    search,
    serve,
    train,
)
from insula.cli.data import app as data
from insula.cli.empathy import app as empathy
from insula.cli.exits import flush_output
from insula.cli.explanation import explain
from insula.cli.handoff import app as queue
from insula.cli.handoff import route
from insula.cli.measure import attack, compare, evaluate
from insula.cli.model import app as model
from insula.cli.monitoring import drift, monitor, report, trend
from insula.cli.policy import app as policy
from insula.cli.program import App, Program
from insula.cli.store import audit, keys, store

app = App(name="insula", cls=Program)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("attack")(attack.attack)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("reply")(reply.reply)
app.command("serve")(serve.serve)
app.command("monitor")(monitor.monitor)
app.command("trend")(trend.trend)
app.command("report")(report.report)
app.command("drift")(drift.drift)
app.command("pretrain")(pretrain.pretrain)
app.command("search")(search.search)
app.command("recipes")(recipes.recipes)
app.command("runs")(runs.runs)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.add_typer(rules.app, name="rules")
app.add_typer(empathy.app, name="empathy")
app.add_typer(policy.app, name="policy")
app.add_typer(safety.app, name="safety")
app.add_typer(keys.app, name="keys")
app.add_typer(store.app, name="store")
app.add_typer(audit.app, name="audit")
app.add_typer(queue.app, name="queue")
app.add_typer(route.app, name="route")
app.add_typer(application.app, name="app")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"insula {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Train, evaluate and use models that understand human emotion, in English and Chinese.

    **From a file of messages to predictions**

        insula data describe messages.csv --text message --label emotion
        insula train messages.csv --text message --label emotion --output runs/care
        insula evaluate test.csv --model runs/care
        insula predict "Two hours on hold and nobody called back." --model runs/care

    No data yet? `insula train tweets --recipe quick` trains on real tweets in minutes.
    """


def main() -> None:
    """Run the program. The exit status is 0 for success, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character must not end the program.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    finally:
        flush_output()
