"""`insula queue claim`, `renew`, `release`, `reassign`, `close`, `reopen`: what agents do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.exits import exit_with_error
from insula.cli.handoff.options import Agent, Deadline, Lease, Number, QueueName
from insula.cli.handoff.printing import print_case, print_json
from insula.cli.options import Json
from insula.cli.store.options import STORE, Store
from insula.core.durations import parse_duration

if TYPE_CHECKING:
    from insula.operations.handoff.cases import Case

NO_CASE_WAITS = 3  # exit status


def claim(
    agent: Agent,
    lease: Lease = "15m",
    case: Annotated[
        int | None,
        typer.Option(
            "--case",
            help="Number of the case to claim. [default: the first waiting case]",
            metavar="CASE",
            show_default=False,
        ),
    ] = None,
    queue: QueueName = None,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Claim the first waiting case: no other agent gets it while you hold it.

    Close, renew or release it before the lease ends; then it waits again. The exit status is 3 if no case is waiting.

    **Examples**

        insula queue claim --agent ann
        insula queue claim --agent ann --case 17 --lease 1h
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.claim(agent, lease=parse_duration(lease, name="lease"), case=case, queue=queue)
    if found is None:
        exit_with_error("no case is waiting.", NO_CASE_WAITS)
    if as_json:
        print_json(found.to_dict())
    else:
        print_case(found)


def renew(case: Number, agent: Agent, lease: Lease = "15m", store: Store = STORE, as_json: Json = False) -> None:
    """Hold a case longer: the lease starts again now.

    **Examples**

        insula queue renew 17 --agent ann --lease 30m
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.renew(case, agent, lease=parse_duration(lease, name="lease"))
    _print_step(found, "renewed", as_json)


def release(case: Number, agent: Agent, store: Store = STORE, as_json: Json = False) -> None:
    """Return a case to the queue; its deadline does not change.

    **Examples**

        insula queue release 17 --agent ann
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.release(case, agent)
    _print_step(found, "released", as_json)


def reassign(
    case: Number,
    agent: Agent,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Agent to move the case to.", metavar="AGENT", show_default=False),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", help="Queue to move the case to.", metavar="QUEUE", show_default=False),
    ] = None,
    lease: Lease = "15m",
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Move a case to another agent or to another queue.

    You need not hold it. With --queue, it waits there for any agent.

    **Examples**

        insula queue reassign 17 --agent lead --to ben
        insula queue reassign 17 --agent ann --queue billing
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.reassign(case, actor=agent, agent=to, queue=queue, lease=parse_duration(lease, name="lease"))
    _print_step(found, "reassigned", as_json)


def close(
    case: Number,
    agent: Agent,
    outcome: Annotated[
        str, typer.Option("--outcome", "-o", help="Outcome in a word or two, such as resolved.", metavar="OUTCOME")
    ],
    note: Annotated[
        str | None,
        typer.Option("--note", help="Note. Personal data in it is masked.", metavar="SENTENCE", show_default=False),
    ] = None,
    days: Annotated[
        float,
        typer.Option(
            "--days",
            help="Days to keep the closed case.",
            metavar="N",
            envvar="INSULA_SERVE_RETENTION_DAYS",
            show_envvar=False,
        ),
    ] = 90,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Close a case that you hold.

    **Examples**

        insula queue close 17 --agent ann --outcome resolved --note "Refunded."
    """
    from insula.api.handoff import open_queue

    with open_queue(store, days=days) as opened:
        found = opened.close(case, agent, outcome=outcome, note=note)
    _print_step(found, "closed", as_json)


def reopen(case: Number, agent: Agent, deadline: Deadline = "1d", store: Store = STORE, as_json: Json = False) -> None:
    """Reopen a closed case: it waits again, with a new deadline.

    **Examples**

        insula queue reopen 17 --agent lead --deadline 2h
    """
    from insula.api.handoff import open_queue

    with open_queue(store) as opened:
        found = opened.reopen(case, agent, deadline=parse_duration(deadline, name="deadline"))
    _print_step(found, "reopened", as_json)


def _print_step(case: Case, done: str, as_json: bool) -> None:
    if as_json:
        print_json(case.to_dict())
        return
    until = "" if case.lease_until is None else f"  held by {case.agent} until {case.lease_until:%H:%M:%S} UTC"
    waits = f"  waits in {case.queue}" if case.state == "waiting" else ""
    typer.echo(f"{done}  {case.id}{until}{waits}")
