"""`insula keys`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import Json
from insula.cli.store.options import Anchor, Audit, Store

if TYPE_CHECKING:
    from insula.operations.credentials.keys import KeyRecord, NewKey

app = typer.Typer(
    help="Say who may call the server: make, list, rotate and revoke access keys.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
STORE = "insula-data"
Id = Annotated[str, typer.Argument(help="Id of a key, as `insula keys list` shows it.", metavar="ID")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, for lists.", metavar="NAME")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="predict, review or admin; may be repeated. Default: predict.", show_default=False
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="How long it lives, as 90d.", metavar="SPAN", show_default=False)
    ] = None,
    quota: Annotated[
        int | None, typer.Option("--quota", help="Texts a day.", metavar="N", min=1, show_default=False)
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Requests a second.", metavar="N", show_default=False)
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option("--burst", help="Requests that may come at once.", metavar="N", min=1, show_default=False),
    ] = None,
    store: Store = STORE,
    audit: Audit = None,
    anchor: Anchor = None,
    as_json: Json = False,
) -> None:
    """Make an access key. It is shown now and never again; the store keeps a digest alone.

    **Examples**

        insula keys create care-desk --expires 90d --quota 100000
        insula keys create prometheus --scope admin
    """
    from insula.api.access import create_key

    made = create_key(
        name,
        scopes=tuple(scope or ("predict",)),
        expires=expires,
        texts_a_day=quota,
        calls_a_second=rate,
        burst=burst,
        store=store,
        audit=audit,
        anchor=anchor,
    )
    _show(made, as_json)


@app.command("list")
def list_(store: Store = STORE, as_json: Json = False) -> None:
    """Show all keys with their scopes, limits and state; never a secret.

    **Examples**

        insula keys list
    """
    from insula.api.access import list_keys

    _tell(list_keys(store=store), as_json)


@app.command("rotate")
def rotate(
    key: Id,
    grace: Annotated[str, typer.Option("--grace", help="How long the old key still works.", metavar="SPAN")] = "1d",
    store: Store = STORE,
    audit: Audit = None,
    anchor: Anchor = None,
    as_json: Json = False,
) -> None:
    """Make a key in the place of another: the same rights, limits and length of life; both work for a while.

    **Examples**

        insula keys rotate ID --grace 2h
    """
    from insula.api.access import rotate_key

    _show(rotate_key(key, grace=grace, store=store, audit=audit, anchor=anchor), as_json)


@app.command("revoke")
def revoke(key: Id, store: Store = STORE, audit: Audit = None, anchor: Anchor = None, as_json: Json = False) -> None:
    """Take a key back; servers that run refuse it within seconds.

    **Examples**

        insula keys revoke ID
    """
    from insula.api.access import revoke_key

    record = revoke_key(key, store=store, audit=audit, anchor=anchor)
    typer.echo(json.dumps(record.to_dict(), ensure_ascii=False) if as_json else f"revoked  {record.id}  {record.name}")


def _show(made: NewKey, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"key": made.secret, **made.record.to_dict()}, ensure_ascii=False))
        return
    typer.echo(made.secret)
    typer.echo(f"It is not shown again. Its id is {made.record.id}.", err=True)
    typer.echo("Send it as the header  Authorization: Bearer KEY", err=True)


def _tell(records: list[KeyRecord], as_json: bool) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([record.to_dict(now) for record in records], ensure_ascii=False))
        return
    if not records:
        typer.echo("There is no key yet. Make one with: insula keys create NAME", err=True)
        return
    typer.echo(f"{'id':<18}{'state':<9}{'scopes':<22}{'expires':<12}{'texts/day':>11}{'calls/s':>9}  name")
    for record in records:
        expires = "never" if record.expires is None else f"{record.expires:%Y-%m-%d}"
        quota = "-" if record.texts_a_day is None else f"{record.texts_a_day:,}"
        rate = "-" if record.calls_a_second is None else f"{record.calls_a_second:g}"
        scopes = " ".join(record.scopes)
        said = f"{record.id:<18}{record.state(now):<9}{scopes:<22}{expires:<12}{quota:>11}{rate:>9}  {record.name}"
        typer.echo(said)
