"""`insula safety check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import FileFormat, Header, Quiet, Separator, Text, input_option, output_option
from insula.cli.program import App
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.model_input import get_text
from insula.core.sentences import pluralise, shorten

if TYPE_CHECKING:
    from insula.safety.replies.check import ReplyCheck
    from insula.safety.signals.help_lines import HelpLine
    from insula.safety.signals.result import RiskCheck

NEEDS_PERSON = 3
app = App(help="Detect messages from people at risk, and replies that must not be sent (experimental).")


@app.command("check")
def check(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Messages to check, each in quotes.", metavar="TEXT", show_default=False),
    ] = None,
    outgoing: Annotated[
        bool, typer.Option("--outgoing", help="Check outgoing replies instead of incoming messages.")
    ] = False,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            help="ISO 3166 code of the country whose help lines are shown, such as CN. [default: help in any country]",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per text. With --output FILE: a summary.")
    ] = False,
    quiet: Quiet = False,
    source: Annotated[str | None, input_option()] = None,
    output: Annotated[
        str | None, output_option("File with the rows and their checks; - is standard output, as JSON Lines.")
    ] = None,
    text: Text = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
) -> None:
    """Check messages for signals of suicide, self-harm, violence, abuse and medical emergencies.

    **Experimental, and not clinically validated.** It misses many messages from people at risk, above all those that do
    not name the danger; docs/how-to/safety.md has the figures. Use it so that a person sees a message sooner, never as
    a reason to read fewer messages.

    `needs person` means: send no automatic answer, show the message to a person. It is also set if the check fails
    or cannot read the language. insula reads English and Chinese.

    With --outgoing it checks replies: no diagnosis, no advice on medication, no promises, no claim to feel or to be
    human, no blame, nothing that plays a problem down, nothing that encourages harm.

    The exit status for TEXT is 3 if a person is needed, or a reply must not be sent, and 0 if not. For files it is 0.

    **Examples**

        insula safety check "I can't do this any more"
        insula safety check --outgoing "You should just stop the pills."
        insula safety check --input messages.csv --output checked.csv --text message
        cat lines.txt | insula safety check --input - --output - --json
    """
    from insula.safety.signals.help_lines import find_help

    help_line = find_help(country)
    if country is not None and (outgoing or not texts):
        raise typer.BadParameter(
            "--country works only with incoming messages on the command line. Add TEXT without --outgoing, or leave "
            "--country out."
        )
    if texts:
        if source is not None or output is not None:
            raise typer.BadParameter("TEXT and --input cannot be combined. Pass one of them.")
        if text or format is not None or separator is not None or header is not None:
            raise typer.BadParameter(
                "--text, --format, --separator and --header need --input FILE. Add it, or leave these options out."
            )
        reject_file_names(texts, verb="check")
        messages = [get_text(one) for one in build_typed_inputs(texts)]
        needed = _check_replies(messages, as_json) if outgoing else _check_messages(messages, as_json, help_line)
        raise typer.Exit(NEEDS_PERSON if needed else 0)
    if "" in (source, output):
        raise typer.BadParameter(
            "--input and --output must be a file, or - for a stream. Got an empty name. Pass the name of a file."
        )
    if source is None or output is None:
        raise typer.BadParameter("There is nothing to check. Pass TEXT, or --input FILE and --output FILE.")
    options = {"text": text or None, "input_format": format, "separator": separator, "header": header}
    _check_file(source, output, outgoing, as_json, quiet, options)


def _check_messages(texts: list[str], as_json: bool, help_line: HelpLine) -> bool:
    from insula.api.safety.check import check_messages

    found = check_messages(texts)
    for text, one in zip(texts, found, strict=True):
        if as_json:
            typer.echo(json.dumps({"text": text, **one.to_dict()}, ensure_ascii=False))
        else:
            _print_message(text, one)
    if any(one.signal for one in found) and not as_json:
        typer.echo(f"\n{help_line.sentence()}")
    return any(one.needs_person for one in found)


def _print_message(text: str, found: RiskCheck) -> None:
    kinds = ", ".join(kind.replace("_", " ") for kind in found.kinds)
    typer.echo(f"{shorten(text, 60)}\n  level         {found.level}{f': {kinds}' if kinds else ''}")
    typer.echo(f"  needs person  {'yes' if found.needs_person else 'no'}")
    for reason in found.reasons:
        typer.echo(f"  {reason}")


def _check_replies(texts: list[str], as_json: bool) -> bool:
    from insula.api.safety.check import check_reply

    found = [check_reply(text) for text in texts]
    for text, one in zip(texts, found, strict=True):
        if as_json:
            typer.echo(json.dumps({"text": text, **one.to_dict()}, ensure_ascii=False))
        else:
            _print_reply(text, one)
    return not all(one.allowed for one in found)


def _print_reply(text: str, found: ReplyCheck) -> None:
    typer.echo(f"{shorten(text, 60)}\n  may be sent  {'yes' if found.allowed else 'no'}")
    for reason in found.reasons:
        typer.echo(f"  {reason}")


def _check_file(source: str, output: str, outgoing: bool, as_json: bool, quiet: bool, options: dict[str, Any]) -> None:
    from insula.api.safety.check import check_safety_file
    from insula.cli.progress import show_progress

    with show_progress(quiet or as_json) as progress:
        done = check_safety_file(source, output, outgoing=outgoing, progress=progress, **options)
    if as_json and output != "-":
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        typer.echo(f"{pluralise(done.rows, 'row')} checked.", err=True)
        for value, count in done.counts.items():
            name = ("may be sent" if value == "True" else "must not be sent") if outgoing else f"level {value}"
            typer.echo(f"{name:<18}{count:>8,}", err=True)
    for sentence in done.warnings:
        typer.echo(sentence, err=True)
    if done.rejected:
        typer.echo(f"{pluralise(done.rejected, 'row')} could not be read and left out; {done.first_reject}.", err=True)
