"""`insula audit`: is the log what it was?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.options import Json

app = typer.Typer(help="Prove that the audit log was not changed.", no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def _group() -> None:
    """Keep `verify` a verb of its own."""


@app.command("verify")
def verify(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of the log.", metavar="FOLDER", envvar="INSULA_SERVE_AUDIT_FOLDER", show_envvar=False
        ),
    ] = Path("insula-data/audit"),
    anchors: Annotated[
        Path | None,
        typer.Option(
            "--anchors", help="File of anchors, or the server's output with them.", metavar="FILE", show_default=False
        ),
    ] = None,
    since: Annotated[
        int,
        typer.Option("--since", help="First entry that must be there; older ones are archived.", metavar="N", min=1),
    ] = 1,
    as_json: Json = False,
) -> None:
    """Read the whole log; exit status 1 where an entry was changed, is missing, or was cut off.

    A cut at the end shows only against anchors, which the server writes where it is told to (`audit.anchor`).

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
        typer.echo(f"anchors  {found.anchors:,}" + ("" if anchors else " (none given: a cut at the end does not show)"))
        for sentence in found.findings:
            typer.echo(f"wrong    {sentence}")
        typer.echo("whole" if found.whole else "NOT whole")
    if not found.whole:
        raise typer.Exit(1)
