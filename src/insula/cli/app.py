"""`insula`: the program. Errors that insula raises on purpose are one sentence; anything else is a bug and shows."""

from __future__ import annotations

import os
import sys

import typer

from insula import __version__
from insula.cli import data, evaluate, predict, recipes, train
from insula.core.errors import InsulaError

app = typer.Typer(
    name="insula",
    help="Train, evaluate and use models that understand human emotion, in English and Chinese.",
    epilog="Begin with:  insula train tweets --recipe quick",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("recipes")(recipes.recipes)

INTERRUPTED = 130


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"insula {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the program; the exit status is 0, 1 for an error of the input, 2 for wrong usage, 130 for Ctrl-C."""
    try:
        app()
    except InsulaError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("\ninsula: stopped.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone (head, less): not an error; Python must not flush into the void at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(sentence: str) -> None:
    print(f"insula: {sentence}", file=sys.stderr)
    sys.exit(1)
