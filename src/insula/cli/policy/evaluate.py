"""`insula policy evaluate`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.options import Json
from insula.cli.policy.learn import EDITED, print_estimates


def evaluate(
    policy: Annotated[
        str,
        typer.Argument(
            help="Policy to evaluate: rules, explore or a file written by insula policy learn.",
            metavar="POLICY",
            show_default=False,
        ),
    ],
    log: Annotated[str, typer.Argument(help="Log of outcomes.", metavar="LOG", show_default=False)],
    edited: Annotated[
        float | None,
        typer.Option(
            "--edited",
            help=f"{EDITED} [default: that of the learned policy, else 0.5]",
            metavar="REWARD",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Estimate what a policy would have earned on the messages of a log that another policy wrote.

    Three estimates with intervals: inverse propensity scoring (IPS), self-normalised (SNIPS) and doubly robust (DR). A
    learned policy is evaluated only on choices that it was not learned from. If the log has too little support for the
    policy, there is an error and no figure.

    **Examples**

        insula policy evaluate policy.json outcomes.jsonl
        insula policy evaluate rules outcomes.jsonl --json
    """
    from insula.api.empathy.policy import evaluate_policy

    found = evaluate_policy(policy, log, edited=edited)
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
        return
    print_estimates(found)
    if found.is_proven:
        typer.echo("\nThe interval of the gain begins at 0 or above: at least as good as the policy of the log.")
    else:
        typer.echo("\nThe interval of the gain begins below 0: not shown to be as good as the policy of the log.")
