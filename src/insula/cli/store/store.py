"""`insula store`: delete what the server stored about people."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.options import Json
from insula.cli.program import App
from insula.cli.store.options import STORE, Anchor, Audit, Store

app = App(
    help="Erase stored data about a person, or data past the retention period.",
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

    A running server does so by itself.

    **Examples**

        insula store purge
    """
    from insula.api.stored import delete_expired_rows

    _print_deleted(delete_expired_rows(store=store), as_json)


def _print_deleted(rows: int, as_json: bool) -> None:
    from insula.core.sentences import pluralise

    typer.echo(json.dumps({"rows": rows}) if as_json else f"deleted  {pluralise(rows, 'row')}")
