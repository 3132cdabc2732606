"""`insula route`: check routing rules, and try them on a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.handoff.printing import print_json
from insula.cli.options import AnyModel, Attribute, Json
from insula.cli.program import App
from insula.cli.typed_inputs import build_typed_inputs
from insula.core.durations import format_duration
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.operations.routing.conditions import IncomingMessage
    from insula.operations.routing.router import RouteDecision

app = App(help="Route messages to people by rules: check a routes file, or try it on a text.")


@app.command("check")
def check(
    routes: Annotated[Path, typer.Argument(help="Routes file, in TOML.", metavar="ROUTES")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model whose labels the rules must use. [default: accept any label]",
            metavar="MODEL",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a routes file; the exit status is 1 if there is a problem.

    Finds rules that no message can meet, rules that never decide because others come first, rules with the same
    conditions that do different things, and messages that no rule decides about.

    **Examples**

        insula route check routes.toml
        insula route check routes.toml --model runs/care
    """
    from insula.api.handoff import check_routes

    found, problems = check_routes(routes, model=model)
    if as_json:
        print_json({"rules": len(found.routes), "problems": [problem.to_dict() for problem in problems]})
    else:
        for problem in problems:
            typer.echo(f"{problem.kind:<14} {problem.message}")
        typer.echo(f"{pluralise(len(found.routes), 'rule')}, {pluralise(len(problems), 'problem')}")
    if problems:
        raise typer.Exit(1)


@app.command("try")
def try_(
    text: Annotated[str, typer.Argument(help="Message, in quotes.", metavar="TEXT")],
    config: Annotated[Path, typer.Option("--config", help="Routes file, in TOML.", metavar="FILE")],
    model: AnyModel = STARTER,
    attribute: Attribute = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            help="Language of the text, such as zh. [default: detected]",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what the rules decide about a text, with the prediction, the risk, and every rule that was tried.

    Shows the acknowledgement, too, if the rule asks for one. Nothing is stored.

    **Examples**

        insula route try "I want my money back NOW" --config routes.toml
        insula route try "I want my money back NOW" --config routes.toml -m runs/care --attribute tier=gold
    """
    from insula.api.handoff import acknowledge, try_route
    from insula.core.model_input import ModelInput
    from insula.empathy.acknowledgement import WHY, Acknowledgement

    (given,) = build_typed_inputs([text], attributes=attribute or ())
    typed = given if isinstance(given, ModelInput) else ModelInput(given)
    typed = replace(typed, language=language)
    message, decision = try_route(typed, config, model)
    outcome = acknowledge(typed, message, decision)
    if as_json:
        prediction, risk = message.prediction.to_dict(), message.risk.to_dict()
        print_json(
            {
                "prediction": prediction,
                "risk": risk,
                "decision": decision.to_dict(),
                "acknowledgement": outcome.to_dict() if isinstance(outcome, Acknowledgement) else None,
                "withheld": outcome if isinstance(outcome, str) else None,
            }
        )
        return
    _print_decision(message, decision)
    if outcome is not None:
        said = outcome.text if isinstance(outcome, Acknowledgement) else f"nothing: {WHY[outcome]}"
        typer.echo(f"{'confirm':<9} {said}")


def _print_decision(message: IncomingMessage, decision: RouteDecision) -> None:
    from insula.cli.tables import PredictionPrinter
    from insula.safety.signals.result import LEVELS

    PredictionPrinter().print([message.prediction])
    typer.echo(f"risk      {LEVELS[message.risk.priority]}" + "".join(f"  {one}" for one in message.risk.reasons))
    for step in decision.steps:
        failed = [check for check in step.checks if not check.is_met]
        shown = "; ".join(map(str, failed or step.checks)) or "every message"
        typer.echo(f"{'applies' if step.applies else '-':<9} {step.rule}: {shown}")
    if decision.action == "queue":
        done = f"queue {decision.queue}, due in {format_duration(decision.deadline or 0)}, risk {decision.priority}"
    else:
        done = "ignore" if decision.action == "ignore" else "no rule decides"
    tags = f", tags {', '.join(decision.tags)}" if decision.tags else ""
    typer.echo(f"{'decision':<9} {done}{tags}")
    typer.echo(f"{'because':<9} {decision.reason}")
