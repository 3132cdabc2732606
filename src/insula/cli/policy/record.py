"""`insula policy record`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.options import FileFormat, Header, Json, Quiet, Separator
from insula.core.sentences import pluralise

WORDS = {"sent": "sent as it was", "edited": "sent with changes", "rejected": "no draft was used"}
LOG = "JSON Lines log of outcomes"


def record(
    source: Annotated[
        str,
        typer.Argument(
            help="Replies of insula reply --policy: a file of rows, or the output of --json; - is standard input.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    log: Annotated[str, typer.Option("--log", help=f"{LOG} to append to.", metavar="FILE", show_default=False)],
    action: Annotated[
        str | None,
        typer.Option(
            "--action",
            help="Action for every row: sent, edited or rejected. [default: the column `action`]",
            metavar="ACTION",
            show_default=False,
        ),
    ] = None,
    used: Annotated[
        str | None,
        typer.Option(
            "--used",
            help="Number of the draft that was sent, from 1, or its strategy. [default: the column `used` if "
            "there is one, else the first draft]",
            metavar="NUMBER|STRATEGY",
            show_default=False,
        ),
    ] = None,
    action_column: Annotated[
        str, typer.Option("--action-column", help="Column with the action.", metavar="COLUMN")
    ] = "action",
    used_column: Annotated[
        str, typer.Option("--used-column", help="Column with the draft that was sent.", metavar="COLUMN")
    ] = "used",
    as_json: Json = False,
    quiet: Quiet = False,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
) -> None:
    """Record what people did with drafts: sent, sent with changes (edited), or none was used (rejected).

    The log gets the strategy that came first, the strategies it was chosen from with their probabilities, the version
    of the policy, and what it knew of the conversation in a few categories (language, emotion, intensity, need, turn).
    It gets no text, no topic and no name. Recording a reply again replaces its outcome.

    **Examples**

        insula reply "I failed the exam again." --policy explore --json > reply.json
        insula policy record reply.json --action edited --log outcomes.jsonl
        insula policy record reply.json --action sent --used 2 --log outcomes.jsonl
        insula policy record drafts-done.csv --action-column what_i_did --log outcomes.jsonl
    """
    from insula.api.empathy.policy import record_outcome_file

    done = record_outcome_file(
        source, log, action=action, used=used, action_column=action_column, used_column=used_column,
        input_format=format, separator=separator, header=header,
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        typer.echo(f"{pluralise(done.rows, 'row')} read.", err=True)
        for name, count in done.actions.items():
            typer.echo(f"{count:>8,}  {WORDS[name]}", err=True)
    for count, why in (
        (done.no_action, "no action"),
        (done.no_choice, "a reply without a choice: handed to a person, or written without --policy"),
    ):
        if count:
            typer.echo(f"{pluralise(count, 'row')} left out: {why}.", err=True)
    if done.rejected:
        typer.echo(f"{pluralise(done.rejected, 'row')} could not be recorded; {done.first_reject}", err=True)
