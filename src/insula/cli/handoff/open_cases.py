"""`insula queue open`: put messages into the queue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.handoff.options import Deadline
from insula.cli.handoff.printing import print_json
from insula.cli.options import Json
from insula.cli.store.options import STORE, Store
from insula.core.errors import MissingFileError


def open_(
    text: Annotated[str | None, typer.Argument(help="Message, in quotes.", metavar="TEXT", show_default=False)] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            help="File of cases, instead of TEXT: JSON Lines with the keys message, text, deadline, risk, "
            "reason and others; - is standard input.",
            metavar="FILE",
        ),
    ] = None,
    message: Annotated[
        str | None,
        typer.Option(
            "--message",
            help="Id of the message. A second case with the same id is not opened.",
            metavar="ID",
            show_default=False,
        ),
    ] = None,
    queue: Annotated[str, typer.Option("--queue", help="Queue to put the case in.", metavar="QUEUE")] = "default",
    risk: Annotated[
        str, typer.Option("--risk", help="Risk level: none, concern, high or immediate.", metavar="RISK")
    ] = "none",
    deadline: Deadline = "1d",
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", help="Reason why a person must see the message.", metavar="SENTENCE", show_default=False
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Tag of the case. Can be repeated.", metavar="TAG", show_default=False),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="Id of the person, for `insula store erase`.", metavar="ID", show_default=False),
    ] = None,
    texts: Annotated[
        str,
        typer.Option(
            "--texts",
            help="Storage of texts: masked (with personal data masked), or none (agents read the message in its "
            "source).",
            metavar="masked|none",
            envvar="INSULA_SERVE_RETENTION_TEXTS",
            show_envvar=False,
        ),
    ] = "masked",
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Open a case: a message that a person must see.

    Personal data in it is masked before it is stored. With --input, either all cases of the file are opened or none.

    **Examples**

        insula queue open "I want my money back NOW" --message m-17 --risk concern --deadline 30m
        insula queue open --input cases.jsonl
    """
    from insula.api.handoff import open_queue
    from insula.operations.handoff.cases import NewCase, read_cases

    if (source is None) == (text is None and message is None):
        raise typer.BadParameter("Pass either TEXT with --message ID, or --input FILE with several cases.")
    if texts not in ("masked", "none"):
        raise typer.BadParameter(f"--texts must be masked or none. Got {texts!r}.")
    if source is not None:
        cases = read_cases(_read_file(source), repr(source))
    elif message is None:
        raise typer.BadParameter(
            "--message is required. Pass the id of the message, so that no message gets two cases."
        )
    else:
        given = {"message": message, "text": text, "queue": queue, "risk": risk, "deadline": deadline}
        cases = [NewCase.from_dict({**given, "reason": reason, "tags": tag or [], "subject": subject})]
    with open_queue(store, texts=texts == "masked") as opened:
        found = opened.open(*cases, actor="operator")
    if as_json:
        print_json([case.to_dict() for case in found])
        return
    for case in found:
        typer.echo(case.id)


def _read_file(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"The file of cases {source!r} does not exist. Check the path.") from None
