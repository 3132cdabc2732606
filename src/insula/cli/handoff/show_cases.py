"""`insula queue list`, `show`, `escalate`, `stats`: what is in the queue."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from insula.cli.handoff.options import Number, QueueName
from insula.cli.handoff.printing import print_case, print_cases, print_json, print_stats
from insula.cli.options import Json
from insula.cli.store.options import STORE, Store
from insula.core.sentences import pluralise


def list_(
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="State: waiting, claimed or closed. Can be repeated. [default: waiting and claimed]",
            metavar="STATE",
            show_default=False,
        ),
    ] = None,
    queue: QueueName = None,
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent", "-a", help="Only cases of this agent. [default: all]", metavar="AGENT", show_default=False
        ),
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Only cases past their deadline.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="Maximum number of cases.", metavar="N", min=1)] = 100,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """List cases in the order in which they are to be handled.

    Cases are sorted by risk, the highest first, then by deadline. Closed cases come last, the latest first.

    **Examples**

        insula queue list
        insula queue list --agent ann
        insula queue list --state closed --limit 20 --json
    """
    from insula.api.handoff import open_queue

    states: Any = tuple(state or ("waiting", "claimed"))
    with open_queue(store) as opened:
        opened.escalate()
        found = opened.list_cases(states=states, queue=queue, agent=agent, late=late, limit=limit)
    if as_json:
        print_json([case.to_dict() for case in found])
    else:
        print_cases(found)


def show(case: Number, store: Store = STORE, as_json: Json = False) -> None:
    """Show a case with all its events.

    **Examples**

        insula queue show 17
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        opened.escalate()
        found, events = opened.find(case), opened.events(case)
    if as_json:
        print_json({**found.to_dict(), "events": [event.to_dict() for event in events]})
    else:
        print_case(found, events)


def escalate(store: Store = STORE, as_json: Json = False) -> None:
    """Report cases that became late since the last time, and leases that ended.

    Each late case is reported once. Run it every minute to alert people.

    **Examples**

        insula queue escalate --json
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.escalate()
    if as_json:
        print_json(found.to_dict())
        return
    if found.late:
        print_cases(found.late)
    cases = pluralise(len(found.late), "case")
    typer.echo(f"{cases} became late, {pluralise(len(found.returned), 'lease')} ended.", err=True)


def stats(queue: QueueName = None, store: Store = STORE, as_json: Json = False) -> None:
    """Count cases by state, risk, agent and outcome, with the age of the oldest and the times to claim and close.

    **Examples**

        insula queue stats
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        opened.escalate()
        found = opened.stats(queue=queue)
    if as_json:
        print_json(found.to_dict())
    else:
        print_stats(found)
