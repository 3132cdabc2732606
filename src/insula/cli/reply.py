"""`insula reply`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import AnyModel, Json
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.empathy.reply import Reply

MACHINE_MADE = "Written by a machine. Read a draft, change it, and fill in what is in [brackets] before you send it."


def reply(
    text: Annotated[str, typer.Argument(help="Message to reply to, in quotes.", metavar="TEXT", show_default=False)],
    model: AnyModel = STARTER,
    n: Annotated[int, typer.Option("--n", help="Maximum number of drafts, up to 10.", metavar="N")] = 3,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="Strategy: question, restatement, reflection, affirmation, suggestions, information or other. auto "
            "uses those that fit the message.",
            metavar="STRATEGY",
        ),
    ] = "auto",
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            help="Language of the drafts: en or zh. [default: the language of the message]",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            help="An earlier turn, such as 'B: How was it?'; repeat it, oldest first.",
            metavar="TURN",
        ),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", help="Speaker of the message, for --context.", metavar="NAME")
    ] = None,
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            help="Country whose help a hand-off names, such as CN. [default: help of any country]",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write drafts of a reply to a message, for a person to read and send. Experimental.

    insula reads what the message is about, how the writer feels and what they seem to want, chooses a strategy, and
    writes drafts from templates in English or Chinese. A person who wants to be heard gets no advice; a feeling is
    named only where the words or a sure prediction show it; facts are left for you to fill in.

    If the message has a sign of danger (suicide, self-harm, violence, abuse, a medical emergency) or cannot be checked,
    there are no drafts: a person must answer, and insula notifies nobody. The check misses many such messages and is
    not clinically validated. Do not send drafts unread.

    **Examples**

        insula reply "I failed the exam again. I can't tell my parents."
        insula reply "等了两个小时，还是没人回电话。" --n 1
        insula reply "Fine." --speaker A --context "A: I lost my job." --context "B: Oh no. How are you?" --json
    """
    from insula.api.reply import reply as write_reply
    from insula.safety.signals.help_lines import find_help

    find_help(country)  # a mistyped country is an error before anything is read

    reject_file_names([text], verb="reply to")
    (message,) = build_typed_inputs([text], context=context or (), speaker=speaker)
    result = write_reply(message, model, language=language, strategy=strategy, n=n, country=country)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
        return
    _print_reply(result)


def _print_reply(result: Reply) -> None:
    if result.hand_off is not None:
        for reason in result.hand_off.risk.reasons:
            typer.echo(reason, err=True)
        typer.echo("A person must answer. Nobody was notified. An answer until then:", err=True)
        typer.echo(f"\n{result.hand_off.message}\n\n{result.hand_off.help}")
        if result.check_in is None:
            return
    state = result.state
    if state is not None:
        feeling = state.feeling or f"not named ({state.polarity})"
        topic = state.topic or "not found"
        typer.echo(f"feeling: {feeling}   topic: {topic}   wants: {_NEEDS[state.need]}", err=True)
    if result.check_in is not None:
        kinds = " or ".join(kind.replace("_", " ") for kind in result.check_in.risk.kinds)
        typer.echo(
            f"\nA weak signal of danger ({kinds}): the drafts ask how the person is. Nobody was notified.", err=True
        )
        typer.echo(f"Read the message yourself first. {result.check_in.help}", err=True)
    for number, draft in enumerate(result.drafts, 1):
        typer.echo(f"\n{number}. {draft.text}   ({draft.strategy})")
    if result.stopped:
        typer.echo(f"\n{result.stopped} drafts were left out: the safety check stopped them.", err=True)
    typer.echo(f"\n{MACHINE_MADE}", err=True)


_NEEDS = {
    "heard": "to be heard",
    "advice": "advice",
    "information": "information",
    "fix": "something put right",
    "none": "nothing in particular",
}
