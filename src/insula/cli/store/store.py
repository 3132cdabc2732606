"""`insula store`: delete what the server stored about people."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.options import Json
from insula.cli.program import App
from insula.cli.store.options import STORE, Anchor, Audit, Store
from insula.core.sentences import pluralise

app = App(
    help="Erase stored data about a person, or data past the retention period; show notifications that are not "
    "delivered yet.",
)


@app.command("erase")
def erase(
    subject: Annotated[
        str, typer.Option("--subject", help="Id of the person, as sent by clients with their texts.", metavar="ID")
    ],
    store: Store = STORE,
    audit: Audit = None,
    anchor: Anchor = None,
    as_json: Json = False,
) -> None:
    """Delete every stored prediction and all feedback about a person.

    The audit log records a keyed hash of the person's id and the number of rows.

    **Examples**

        insula store erase --subject customer-4711
    """
    from insula.api.stored import erase_subject

    _print_deleted(erase_subject(subject, store=store, audit=audit, anchor=anchor), as_json)


@app.command("purge")
def purge(store: Store = STORE, as_json: Json = False) -> None:
    """Delete rows past their retention period.

    A running server deletes them by itself.

    **Examples**

        insula store purge
    """
    from insula.api.stored import delete_expired_rows

    _print_deleted(delete_expired_rows(store=store), as_json)


@app.command("deliveries")
def deliveries(
    failed: Annotated[
        bool, typer.Option("--failed", help="Show only notifications that failed after all attempts.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Send the failed notifications again. Requires --failed.")
    ] = False,
    stop: Annotated[
        str | None,
        typer.Option(
            "--stop",
            help="Stop notifying a receiver that is no longer in the settings of the server, and delete its "
            "undelivered notifications.",
            metavar="RECEIVER",
            show_default=False,
        ),
    ] = None,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Show notifications of alerts and cases: delivered, waiting for the next attempt, or failed after too many.

    **Examples**

        insula store deliveries

        insula store deliveries --failed --retry

        insula store deliveries --stop old-chat
    """
    from insula.api.stored import list_deliveries, retry_deliveries, stop_deliveries

    if stop is not None:
        if failed or retry:
            raise typer.BadParameter("--stop cannot be combined with --failed or --retry. Leave them out.")
        deleted = stop_deliveries(stop, store=store)
        typer.echo(json.dumps({"deleted": deleted}) if as_json else f"deleted  {pluralise(deleted, 'notification')}")
        return
    if retry:
        if not failed:
            raise typer.BadParameter("--retry needs --failed. Add it, or leave --retry out.")
        again = retry_deliveries(store=store)
        typer.echo(json.dumps({"retried": again}) if as_json else f"waiting again  {again:,}")
        return
    found = list_deliveries(store=store, state="failed" if failed else None)
    if as_json:
        typer.echo(json.dumps([one.to_dict() for one in found], ensure_ascii=False))
        return
    for one in found:
        error = f"  {one.error}" if one.error else ""
        typer.echo(
            f"{one.created:%Y-%m-%d %H:%M}  {one.state:<9}  {one.receiver}  {one.notification.event}  "
            f"{pluralise(one.attempts, 'attempt')}{error}"
        )
    if not found:
        typer.echo("No notifications.", err=True)


def _print_deleted(rows: int, as_json: bool) -> None:
    typer.echo(json.dumps({"rows": rows}) if as_json else f"deleted  {pluralise(rows, 'row')}")
