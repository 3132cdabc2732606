"""`insula policy learn`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import Json
from insula.core.sentences import pluralise

if TYPE_CHECKING:
    from insula.empathy.policy.estimates import OffPolicyEstimates

NAMES = {
    "logging": "the policy of the log",
    "ips": "new policy, IPS",
    "snips": "new policy, SNIPS",
    "dr": "new policy, doubly robust",
    "gain": "gain (doubly robust)",
}
EDITED = "Reward of a draft that was sent with changes; as it was: 1, not used: 0."


def learn(
    log: Annotated[str, typer.Argument(help="Log of outcomes.", metavar="LOG", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="JSON file of the policy.",
            metavar="FILE",
            show_default=False,
            rich_help_panel="Output",
        ),
    ],
    explore: Annotated[
        float,
        typer.Option(
            "--explore",
            help="Maximum share of messages for which a strategy other than the best-rated one may come first, 0 to "
            "0.5.",
            metavar="SHARE",
        ),
    ] = 0.2,
    floor: Annotated[
        float,
        typer.Option(
            "--floor", help="Minimum probability of every strategy that fits a message.", metavar="PROBABILITY"
        ),
    ] = 0.02,
    edited: Annotated[float, typer.Option("--edited", help=EDITED, metavar="REWARD")] = 0.5,
    held_out: Annotated[
        float,
        typer.Option(
            "--held-out",
            help="Share of the choices held out for evaluation.",
            metavar="SHARE",
        ),
    ] = 0.5,
    as_json: Json = False,
) -> None:
    """Learn a policy from a log of outcomes, and evaluate it before anybody uses it.

    The policy is linear Thompson sampling: it puts a strategy first as often as it is the best one as far as the log
    tells, within the limits of exploration. It chooses only among drafts that passed every check and strategies that
    fit the message; with a sign of danger, or if the check failed, it never chooses.

    One half of the choices is held out. On them, the doubly robust estimate of the gain over the policy that wrote the
    log must have an interval that begins at 0 or above: otherwise insula writes the file and gives the reason, but
    `insula reply` and `insula serve` reject it unless you accept an unproven policy explicitly.

    **Examples**

        insula policy learn outcomes.jsonl --output policy.json
        insula policy learn outcomes.jsonl --output policy.json --explore 0.1 --edited 0.7
        insula reply "I failed the exam again." --policy policy.json
    """
    from insula.api.empathy.policy import learn_policy

    found = learn_policy(log, output, explore=explore, floor=floor, edited=edited, held_out=held_out)
    if as_json:
        shown = {name: value for name, value in found.to_dict().items() if name != "strategies"}
        typer.echo(json.dumps({"output": str(output), **shown, "proven": found.is_proven}, ensure_ascii=False))
        return
    learned, rest = pluralise(found.log["rows"], "choice"), pluralise(found.log["held_out"], "choice")
    typer.echo(f"policy {found.version}, learned from {learned}, {rest} held out")
    if found.evaluation is not None:
        print_estimates(found.evaluation)
    if found.is_proven:
        typer.echo("\nIt is proven on this log: insula reply and insula serve use it.")
    else:
        typer.echo(
            f"\nIt is not proven, and insula reply and insula serve reject it: {found.explain_unproven()}", err=True
        )
    typer.echo(f"\npolicy   {output}")


def print_estimates(found: OffPolicyEstimates) -> None:
    """Print the estimates as a table."""
    typer.echo(
        f"mean reward of a first draft, 0 to 1, with {found.level:.0%} intervals; {pluralise(found.rows, 'choice')} "
        f"that count as {found.effective:,.0f}"
    )
    for name, words in NAMES.items():
        one = getattr(found, name)
        sign = "+" if name == "gain" else ""
        typer.echo(f"{words:<28}{one.value:{sign}.3f}   {one.low:{sign}.3f} to {one.high:{sign}.3f}")
