"""The options that commands of the hand-off queue share."""

from __future__ import annotations

from typing import Annotated

import typer

Number = Annotated[int, typer.Argument(help="Number of the case, as `insula queue list` shows it.", metavar="CASE")]
Agent = Annotated[
    str,
    typer.Option(
        "--agent", "-a", help="Your name as an agent.", metavar="AGENT", envvar="INSULA_AGENT", show_default=False
    ),
]
Lease = Annotated[str, typer.Option("--lease", help="Time that the agent holds the case, such as 30m.", metavar="SPAN")]
QueueName = Annotated[
    str | None,
    typer.Option("--queue", help="Only cases in this queue. [default: all]", metavar="QUEUE", show_default=False),
]
Deadline = Annotated[
    str, typer.Option("--deadline", help="Time after which the case is late, such as 30m.", metavar="SPAN")
]
