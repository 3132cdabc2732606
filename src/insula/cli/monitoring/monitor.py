"""`insula monitor`."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import AnyModel, Json, Quiet
from insula.cli.store.options import STORE, Store
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.operations.monitoring.alerts import Alert
    from insula.operations.monitoring.monitor import MonitorReport
    from insula.operations.monitoring.settings import MonitorFile

WINDOWS = "Windows"
COLUMNS = "Columns (detected from common column names unless given)"


def monitor(
    source: Annotated[
        str,
        typer.Option(
            "--source",
            "-s",
            help="File of JSON Lines, - for standard input, redis://HOST:PORT/STREAM, or nats://HOST:PORT/STREAM.",
            metavar="STREAM",
            show_default=False,
        ),
    ],
    model: AnyModel = STARTER,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="TOML file with windows, keys and alerts.", metavar="FILE", show_default=False
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for further messages, as `tail -F` does.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="Name of the stream in the store. [default: its address]", metavar="NAME", show_default=False
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            help="Length of a window, such as 15m. [default: 1h]",
            metavar="SPAN",
            show_default=False,
            rich_help_panel=WINDOWS,
        ),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace",
            help="Time that a window waits for late messages after its end. [default: 10m]",
            metavar="SPAN",
            show_default=False,
            rich_help_panel=WINDOWS,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Attribute to count separately by value, such as topic, or language (detected where missing). "
            "Can be repeated.",
            metavar="NAME",
            show_default=False,
            rich_help_panel=WINDOWS,
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Column with the text.", metavar="COLUMN", rich_help_panel=COLUMNS)
    ] = None,
    id_: Annotated[
        str | None,
        typer.Option(
            "--id",
            help="Column with the id: a message with a known id is not counted again.",
            metavar="COLUMN",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="Column with the time when the message was written: ISO 8601, or seconds since 1970.",
            metavar="COLUMN",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            "--rejects",
            help="File for lines that are not valid messages. [default: STREAM.rejects.jsonl]",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    store: Store = STORE,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Monitor the emotions in a stream of messages: count labels in time windows, and raise alerts.

    Messages are JSON objects with a text, preferably also an id and a time. The store keeps counts and alerts, and no
    text; `insula trend` shows them. An interrupted monitor continues where it stopped, and counts each message once.

    Alerts are printed as they are raised and ended; with --json one JSON object per line, the last one a summary.

    **Examples**

        insula monitor --source feed.jsonl -m runs/care --by topic
        insula monitor --source redis://localhost:6379/messages --config monitor.toml --follow
        tail -F app.log | insula monitor --source - --text message
    """
    from insula.api.monitoring import monitor as run_monitor
    from insula.cli.progress import show_progress

    settings = _read_settings(config, window, grace, by, {"text": text, "id": id_, "time": time})
    stop = _stop_on_signals()
    with show_progress(quiet) as progress:
        report = run_monitor(
            source, model, store=store, settings=settings, name=name, follow=follow, rejects=rejects, stop=stop,
            on_alert=lambda alert: _print_alert(alert, as_json), progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"summary": report.to_dict()}, ensure_ascii=False))
    elif not quiet:
        typer.echo(_summarise(report), err=True)


def _read_settings(
    config: Path | None, window: str | None, grace: str | None, by: list[str] | None, keys: dict[str, str | None]
) -> MonitorFile:
    """Return the settings of the file, overridden by the options."""
    from insula.core.durations import parse_duration
    from insula.operations.monitoring.settings import MonitorFile, read_monitor_file

    found = MonitorFile() if config is None else read_monitor_file(config)
    changes: dict[str, Any] = {}
    for name, value in (("length", window), ("grace", grace)):
        if value is not None:
            parse_duration(value, name="--window" if name == "length" else "--grace")
            changes[name] = value
    if by:
        changes["by"] = tuple(sorted(set(by)))
    windows = found.windows.model_copy(update=changes)
    fields = found.fields.model_copy(update={name: value for name, value in keys.items() if value is not None})
    return found.model_copy(update={"windows": windows, "fields": fields})


def _stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set, so that the monitor stops after the current batch."""
    stop = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


def _print_alert(alert: Alert, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"alert": alert.to_dict()}, ensure_ascii=False))
        return
    moment = alert.ended or alert.raised
    what, reason = ("ended ", "") if alert.ended else ("raised", f"  {alert.reason}")
    typer.echo(f"{moment:%Y-%m-%d %H:%M:%S}  {what}  {alert.rule}{reason}")


def _summarise(report: MonitorReport) -> str:
    parts = [f"{pluralise(report.counted, 'message')} counted"]
    named = {
        "repeated": "repeated", "late": "too late for their window", "rejected": "rejected",
        "untimed": "without a time, counted when read", "future": "with a time in the future, counted when read",
        "other": "of further combinations of attributes, counted as (other)",
    }  # fmt: skip
    parts += [f"{getattr(report, name):,} {words}" for name, words in named.items() if getattr(report, name)]
    raised = sum(alert.ended is None for alert in report.alerts)
    return "; ".join([*parts, f"{pluralise(raised, 'alert')} raised"]) + "."
