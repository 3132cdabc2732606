"""`insula audit`: verify the audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.options import Json
from insula.cli.program import App

app = App(help="Check the audit log for changed or missing entries.")


@app.callback()
def _group() -> None:
    """Keep `verify` a command: typer would merge a single one into its group."""


@app.command("verify")
def verify(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of the audit log.", metavar="FOLDER", envvar="INSULA_SERVE_AUDIT_FOLDER", show_envvar=False
        ),
    ] = Path("insula-data/audit"),
    anchors: Annotated[
        Path | None,
        typer.Option(
            "--anchors",
            help="File of anchors, or a saved server log that contains them.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        int,
        typer.Option("--since", help="Number of the first entry, if older entries are archived.", metavar="N", min=1),
    ] = 1,
    as_json: Json = False,
) -> None:
    """Verify every entry of the log; the exit status is 1 if one was changed or is missing.

    Entries removed from the end are only detected with anchors, which the server writes to `audit.anchor`.

    **Examples**

        insula audit verify insula-data/audit --anchors /elsewhere/anchors.jsonl
    """
    from insula.api.stored import verify_audit

    found = verify_audit(folder, anchors=anchors, since=since)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        typer.echo(f"entries  {found.entries:,} ({found.first} to {found.last})")
        typer.echo(f"head     {found.head}")
        typer.echo(
            f"anchors  {found.anchors:,}"
            + ("" if anchors else " (none given: entries removed from the end are not detected)")
        )
        for sentence in found.findings:
            typer.echo(f"finding  {sentence}")
        typer.echo("intact" if found.intact else "NOT intact")
    if not found.intact:
        raise typer.Exit(1)
