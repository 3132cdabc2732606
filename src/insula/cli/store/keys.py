"""`insula keys`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import Json
from insula.cli.program import App
from insula.cli.store.options import STORE, Anchor, Audit, Store

if TYPE_CHECKING:
    from insula.operations.credentials.keys import KeyRecord, NewKey

app = App(help="Manage the access keys of the server: create, list, rotate and revoke them.")
Id = Annotated[str, typer.Argument(help="Id of a key, as `insula keys list` shows it.", metavar="ID")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name for the key, such as its owner; shown in lists.", metavar="NAME")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="Scope: predict, review, agent or admin. Can be repeated. [default: predict]",
            metavar="SCOPE",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", help="Lifetime, such as 90d. [default: unlimited]", metavar="SPAN", show_default=False
        ),
    ] = None,
    quota: Annotated[
        int | None,
        typer.Option(
            "--quota", help="Maximum texts per day. [default: no limit]", metavar="N", min=1, show_default=False
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", help="Maximum requests per second. [default: no limit]", metavar="N", show_default=False
        ),
    ] = None,
    burst: Annotated[
        int | None,
        typer.Option(
            "--burst",
            help="Requests allowed at once under --rate. [default: the rate]",
            metavar="N",
            min=1,
            show_default=False,
        ),
    ] = None,
    store: Store = STORE,
    audit: Audit = None,
    anchor: Anchor = None,
    as_json: Json = False,
) -> None:
    """Create an access key.

    The key is shown once; the store keeps only its digest.

    **Examples**

        insula keys create care-desk --expires 90d --quota 100000
        insula keys create prometheus --scope admin
    """
    from insula.api.access import create_key

    made = create_key(
        name,
        scopes=tuple(scope or ("predict",)),
        expires=expires,
        texts_per_day=quota,
        calls_per_second=rate,
        burst=burst,
        store=store,
        audit=audit,
        anchor=anchor,
    )
    _print_key(made, as_json)


@app.command("list")
def list_(store: Store = STORE, as_json: Json = False) -> None:
    """List all keys.

    Shows id, state, scopes, expiry, last use (UTC), limits and name, never a secret.

    **Examples**

        insula keys list
    """
    from insula.api.access import list_keys

    _print_keys(list_keys(store=store), as_json)


@app.command("rotate")
def rotate(
    key: Id,
    grace: Annotated[
        str, typer.Option("--grace", help="Time for which the old key keeps working, such as 2h.", metavar="SPAN")
    ] = "1d",
    store: Store = STORE,
    audit: Audit = None,
    anchor: Anchor = None,
    as_json: Json = False,
) -> None:
    """Replace a key with a new one.

    The new key has the scopes, limits and lifetime of the old one, which keeps working for --grace.

    **Examples**

        insula keys rotate ID --grace 2h
    """
    from insula.api.access import rotate_key

    _print_key(rotate_key(key, grace=grace, store=store, audit=audit, anchor=anchor), as_json)


@app.command("revoke")
def revoke(key: Id, store: Store = STORE, audit: Audit = None, anchor: Anchor = None, as_json: Json = False) -> None:
    """Revoke a key.

    Running servers reject it within seconds.

    **Examples**

        insula keys revoke ID
    """
    from insula.api.access import revoke_key

    record = revoke_key(key, store=store, audit=audit, anchor=anchor)
    typer.echo(json.dumps(record.to_dict(), ensure_ascii=False) if as_json else f"revoked  {record.id}  {record.name}")


def _print_key(made: NewKey, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"key": made.secret, **made.record.to_dict()}, ensure_ascii=False))
        return
    typer.echo(made.secret)
    typer.echo(f"This key is not shown again. Its id is {made.record.id}.", err=True)
    typer.echo("Send it as the header  Authorization: Bearer KEY", err=True)


def _print_keys(records: list[KeyRecord], as_json: bool) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([record.to_dict(now) for record in records], ensure_ascii=False))
        return
    if not records:
        typer.echo("There are no keys yet. Create one with: insula keys create NAME", err=True)
        return
    typer.echo(
        f"{'id':<18}{'state':<9}{'scopes':<22}{'expires':<12}{'last used':<18}{'texts/day':>11}{'calls/s':>9}  name"
    )
    for record in records:
        expires = "never" if record.expires is None else f"{record.expires:%Y-%m-%d}"
        used = "never" if record.last_used is None else f"{record.last_used:%Y-%m-%d %H:%M}"
        quota = "-" if record.texts_per_day is None else f"{record.texts_per_day:,}"
        rate = "-" if record.calls_per_second is None else f"{record.calls_per_second:g}"
        scopes = " ".join(record.scopes)
        line = f"{record.id:<18}{record.get_state(now):<9}{scopes:<22}{expires:<12}{used:<18}{quota:>11}"
        line += f"{rate:>9}  {record.name}"
        typer.echo(line)
