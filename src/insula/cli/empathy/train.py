"""`insula empathy train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.empathy.score import COLUMN_OF
from insula.cli.options import Json, Quiet, data_argument, folder_option, recipe_option
from insula.core.sentences import pluralise


def train(
    source: Annotated[str, data_argument("File of messages, replies and levels.")],
    output: Annotated[Path, folder_option("Folder of the run.")],
    recipe: Annotated[
        str, recipe_option("A built-in recipe for several labels (multilabel, quick, linear) or a TOML file.")
    ] = "multilabel",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set one option of the recipe. Can be repeated.", metavar="KEY=VALUE"),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help=COLUMN_OF.format("message"), metavar="COLUMN", show_default=False)
    ] = None,
    reply: Annotated[
        str | None, typer.Option("--reply", help=COLUMN_OF.format("reply"), metavar="COLUMN", show_default=False)
    ] = None,
    balance: Annotated[
        float,
        typer.Option(
            "--balance",
            min=0,
            help="Exponent b of the weights of training rows: the product over mechanisms of (rows / rows of the same "
            "level)^b. 0 weighs all rows equally, 0.5 gives rare levels more weight.",
            metavar="B",
        ),
    ] = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run at --output.", rich_help_panel="Output")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a scorer of empathy on pairs with levels, for `insula empathy score --model RUN`.

    The file has a message, a reply, and the columns emotional_reaction, interpretation and exploration, each 0, 1 or 2.
    An ordinary training follows, with two labels for each mechanism: at least level 1, at least level 2. Encoders read
    the reply and the message as a pair, linear models the reply alone. Replies to one message stay on one side of the
    split.

    **Examples**

        insula empathy train pairs.jsonl --output runs/empathy
        insula empathy train pairs.csv --message post --reply answer --recipe linear --output runs/empathy
        insula empathy train pairs.jsonl --balance 0.5 --set train.freeze_layers=3 --output runs/empathy
        insula empathy score "I failed the exam again." "What happened?" --model runs/empathy
    """
    from insula.api.empathy.train import train_empathy
    from insula.cli.command import get_command_line
    from insula.cli.progress import show_progress
    from insula.training.recipe.recipe import parse_override

    with show_progress(quiet or as_json) as progress:
        trained = train_empathy(
            source,
            output=output,
            recipe=recipe,
            overrides=dict(parse_override(setting) for setting in settings or ()),
            message=message,
            reply=reply,
            balance=balance,
            overwrite=overwrite,
            command=get_command_line(),
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(trained.to_dict(), ensure_ascii=False))
        return
    typer.echo(f"macro-F1 over the levels, {pluralise(trained.rows, 'test row')}")
    for name, value in trained.macro_f1.items():
        typer.echo(f"{name.replace('_', ' '):<20}{value:.3f}")
    typer.echo(f"\nreport   {trained.run.report}")
    typer.echo(f'try      insula empathy score "I failed the exam again." "What happened?" --model {trained.run.path}')
