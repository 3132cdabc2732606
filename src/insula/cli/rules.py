"""`insula rules`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.complete import complete_model
from insula.cli.options import Json
from insula.cli.program import App
from insula.core.sentences import pluralise

app = App(help="Check rules that change predictions.")


@app.callback()
def _rules() -> None:
    """Check the rules of a file: domain words, constraints, overrides.

    Store them in a model with `insula train --set rules.file=rules.toml`, or try them with `insula predict --rules`.
    """


@app.command("check")
def check(
    file: Annotated[str, typer.Argument(help="Rules file, in TOML.", metavar="FILE", show_default=False)],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model to check the rules against: the rules may use only its labels, and tests with `labels` run "
            "on it. [default: none; skip these tests]",
            metavar="MODEL",
            autocompletion=complete_model,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a rules file, and run the tests in it.

    With --model, also check that the rules use only the labels of that model. The exit status is 1 if a test fails.

    **Examples**

        insula rules check rules.toml
        insula rules check rules.toml -m runs/care
    """
    from insula.api.rules import check_rules

    result = check_rules(file, model)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        for failed in result.failed:
            typer.echo(f"FAILED {failed.text!r}: {failed.problem}")
        passed = result.tests - len(result.failed) - result.open
        typer.echo(f"{pluralise(result.rules, 'rule')}; {passed:,} of {pluralise(result.tests, 'test')} passed.")
        if result.open:
            typer.echo(f"{pluralise(result.open, 'test')} with labels not run: choose a model with --model.", err=True)
    if result.failed:
        raise typer.Exit(1)
