"""`insula reply`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import (
    CONVERSATION,
    AnyModel,
    Dialogue,
    FileFormat,
    Header,
    Json,
    Quiet,
    Resume,
    Separator,
    Text,
    Turn,
    input_option,
    output_option,
)
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.empathy.reply import Reply

MORE = "More drafts than the templates"
LEARNING = "Learning from what people do with drafts"
MACHINE_MADE = "Written by a machine. Read a draft, change it, and fill in what is in [brackets] before you send it."


def reply(
    text: Annotated[
        str | None, typer.Argument(help="Message to reply to, in quotes.", metavar="TEXT", show_default=False)
    ] = None,
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
    country: Annotated[
        str | None,
        typer.Option(
            "--country",
            help="ISO 3166 code of the country whose help lines a hand-off shows, such as CN. [default: help in "
            "any country]",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            help="File with the earlier turns (chat.json), or a turn such as 'B: How was it?', repeated, oldest first. "
            "With --input: the column with the earlier turns.",
            metavar="FILE|TURN|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            "--speaker",
            help="Speaker of the message, for --context. With --input: the column with the speaker.",
            metavar="NAME|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    dialogue: Dialogue = None,
    turn: Turn = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="Policy that chooses the strategy of the first draft: rules, explore, or a file written by insula "
            "policy learn. The answer then has a choice to learn from. [default: the order of the rules]",
            metavar="POLICY",
            show_default=False,
            rich_help_panel=LEARNING,
        ),
    ] = None,
    accept_unproven: Annotated[
        bool,
        typer.Option(
            "--accept-unproven",
            help="Use a learned policy even if its evaluation does not show that it is as good as the previous one.",
            rich_help_panel=LEARNING,
        ),
    ] = False,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers",
            help="File with your own good answers (columns message and reply): answers to similar messages "
            "become drafts, too.",
            metavar="FILE",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            help="Base URL of an OpenAI-compatible endpoint that also writes drafts, such as "
            "http://127.0.0.1:8080/v1. Messages are sent there, with personal data masked.",
            metavar="URL",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    endpoint_model: Annotated[
        str | None,
        typer.Option(
            "--endpoint-model",
            help="Name of the model at the endpoint.",
            metavar="NAME",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    local_model: Annotated[
        str | None,
        typer.Option(
            "--local-model",
            help="GGUF file of a small language model that also writes English drafts, in this process.",
            metavar="FILE",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            help="File with your instructions for the endpoint or the local model. [default: those that come with "
            "insula]",
            metavar="FILE",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            help="Time limit of the endpoint or the local model for a draft. [default: 20]",
            metavar="SECONDS",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            "--endpoint-tokens",
            help="Maximum number of tokens that the endpoint may use in total. [default: no limit]",
            metavar="TOKENS",
            show_default=False,
            rich_help_panel=MORE,
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    source: Annotated[str | None, input_option()] = None,
    output: Annotated[
        str | None, output_option("File with the rows and their drafts; - is standard output, as JSON Lines.")
    ] = None,
    column: Text = None,
    resume: Resume = False,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
) -> None:
    """Write drafts of a reply to a message, for a person to read and send. Experimental.

    insula reads what the message is about, how the writer feels and what they seem to want, chooses a strategy, and
    writes drafts from templates in English or Chinese. A person who wants to be heard gets no advice; a feeling is
    named only where the words or a sure prediction show it; facts are left for you to fill in.

    If the message has a sign of danger (suicide, self-harm, violence, abuse, a medical emergency) or cannot be checked,
    there are no drafts: a person must answer, and insula notifies nobody. The check misses many such messages and is
    not clinically validated. Do not send drafts unread.

    A file keeps its rows and columns, and gets the columns outcome (drafted, checked_in, handed_off, refused), draft,
    strategy, generator and reply.

    With --answers, --endpoint or --local-model their drafts and the templates are ranked together. The access key of an
    endpoint is read from INSULA_ENDPOINT_KEY. A message with a sign of danger is never sent there.

    **Examples**

        insula reply "I failed the exam again. I can't tell my parents."
        insula reply "等了两个小时，还是没人回电话。" --n 1
        insula reply "Fine." --speaker A --context "A: I lost my job." --context "B: Oh no. How are you?" --json
        insula reply "Still nothing." --speaker customer --context chat.json
        insula reply --input tickets.jsonl --output drafts.jsonl
        insula reply --input tickets.jsonl --output drafts.jsonl --answers our-best-answers.jsonl
        insula reply "I failed the exam again." --endpoint http://127.0.0.1:8080/v1 --endpoint-model local
        insula reply "I failed the exam again." --policy explore --json
    """
    from insula.safety.signals.help_lines import find_help

    find_help(country)  # a mistyped country is an error before anything is read
    options: dict[str, Any] = {"language": language, "strategy": strategy, "n": n, "country": country}
    remote = {"model": endpoint_model, "budget": budget}
    options["generators"] = _open_generators(
        answers, endpoint, remote, local_model, {"prompt": prompt, "seconds": seconds}, quiet=quiet or as_json
    )
    if policy is not None:
        from insula.api.empathy.policy import open_policy

        options["policy"] = open_policy(policy, accept_unproven=accept_unproven)
    elif accept_unproven:
        raise typer.BadParameter("--accept-unproven needs --policy FILE. Add it, or leave this option out.")
    if text is not None:
        if source is not None or output is not None or resume:
            raise typer.BadParameter("TEXT and --input cannot be combined. Pass TEXT, or --input and --output.")
        if column or dialogue or turn or format is not None or separator is not None or header is not None:
            raise typer.BadParameter(
                "--text, --dialogue, --turn, --format, --separator and --header need --input FILE. Add it, or leave "
                "these options out."
            )
        _reply_to_text(text, model, context or [], speaker, options, as_json=as_json)
        return
    if "" in (source, output):
        raise typer.BadParameter(
            "--input and --output must be a file, or - for a stream. Got an empty name. Pass the name of a file."
        )
    if source is None or output is None:
        raise typer.BadParameter("There is nothing to reply to. Pass TEXT, or --input FILE and --output FILE.")
    options |= {
        "text": column or None, "context": context or None, "dialogue": dialogue, "turn": turn, "speaker": speaker,
        "resume": resume, "input_format": format, "separator": separator, "header": header,
    }  # fmt: skip
    _reply_to_file(source, output, model, options, as_json=as_json, quiet=quiet)


def _open_generators(
    answers: str | None,
    endpoint: str | None,
    remote: dict[str, Any],
    local_model: str | None,
    shared: dict[str, Any],
    *,
    quiet: bool,
) -> Any:
    """Return the generators that the options name; None for the templates alone.

    remote  settings of the endpoint alone
    shared  settings of the endpoint and of the local model
    """
    remote, shared = ({name: value for name, value in some.items() if value is not None} for some in (remote, shared))
    if endpoint is None and remote:
        raise typer.BadParameter(
            "--endpoint-model and --endpoint-tokens need --endpoint URL. Add it, or leave these options out."
        )
    if endpoint is None and local_model is None and shared:
        raise typer.BadParameter(
            "--prompt and --seconds need --endpoint URL or --local-model FILE. Add one, or leave these options out."
        )
    if endpoint is not None and "model" not in remote:
        raise typer.BadParameter("--endpoint needs the name of a model. Add --endpoint-model NAME.")
    settings: dict[str, dict[str, Any]] = {}
    if answers is not None:
        settings["answers"] = {"file": answers}
    if endpoint is not None:
        settings["endpoint"] = {"url": endpoint, **remote, **shared}
    if local_model is not None:
        settings["local"] = {"file": local_model, **shared}
    if not settings:
        return None
    from insula.api.reply import open_generators

    opened = open_generators(settings)
    for one in opened:
        if answers is not None and not quiet and one.name == "answers":
            typer.echo(one.summary.describe(answers), err=True)  # type: ignore[attr-defined]
    return opened


def _reply_to_text(
    text: str, model: str, context: list[str], speaker: str | None, options: dict[str, Any], *, as_json: bool
) -> None:
    from insula.api.reply import reply as write_reply

    reject_file_names([text], verb="reply to")
    (message,) = build_typed_inputs([text], context=context, speaker=speaker, read_files=True)
    result = write_reply(message, model, **options)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
        return
    _print_reply(result)


def _reply_to_file(
    source: str, output: str, model: str, options: dict[str, Any], *, as_json: bool, quiet: bool
) -> None:
    from insula.api.reply import reply_file
    from insula.cli.progress import show_progress

    with show_progress(quiet or as_json) as progress:
        done = reply_file(source, output, model, progress=progress, **options)
    if as_json and output != "-":
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        typer.echo(f"{pluralise(done.rows, 'message')} read.", err=True)
        for name, count in done.outcomes.items():
            typer.echo(f"{count:>8,}  {_OUTCOMES[name]}", err=True)
        if done.stopped:
            typer.echo(f"{pluralise(done.stopped, 'draft')} left out: a check stopped them.", err=True)
        typer.echo(f"Nobody was notified. {MACHINE_MADE}", err=True)
    for sentence, count in done.failures.items():
        typer.echo(f"{sentence} ({pluralise(count, 'message')})", err=True)
    for sentence in done.warnings:
        typer.echo(sentence, err=True)
    if done.rejected:
        typer.echo(f"{pluralise(done.rejected, 'row')} could not be read and left out; {done.first_reject}.", err=True)


_OUTCOMES = {
    "drafted": "drafted",
    "checked_in": "a person is needed; most drafts ask how the writer is (weak signal of danger)",
    "handed_off": "a person is needed; no draft (signal of danger, or the check failed)",
    "refused": "no draft passed its checks",
}


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
        if state.moved is not None:
            asked = "" if state.asked is None else f"   asked before, without an answer: {_NEEDS[state.asked]}"
            typer.echo(f"since their first message: {_MOVED[state.moved]}{asked}", err=True)
    if result.check_in is not None:
        kinds = " or ".join(kind.replace("_", " ") for kind in result.check_in.risk.kinds)
        typer.echo(
            f"\nA weak signal of danger ({kinds}): most drafts ask how the person is. Nobody was notified.", err=True
        )
        typer.echo(f"Read the message yourself first. {result.check_in.help}", err=True)
    for number, draft in enumerate(result.drafts, 1):
        scores = ", ".join(f"{name} {value:.2f}" for name, value in draft.scores.items())
        made = f"{draft.generator}, {draft.strategy}: {scores}" if scores else draft.strategy
        typer.echo(f"\n{number}. {draft.text}   ({made})")
    if result.stopped:
        typer.echo(f"\n{pluralise(result.stopped, 'draft')} left out: a check stopped them.", err=True)
    for sentence in result.failures:
        typer.echo(f"\n{sentence}", err=True)
    if result.choice is not None and result.choice.explored:
        typer.echo(f"\nThe policy tries {result.choice.strategy} first, to learn whether people use it.", err=True)
    typer.echo(f"\n{MACHINE_MADE}", err=True)


_NEEDS = {
    "heard": "to be heard",
    "advice": "advice",
    "information": "information",
    "fix": "something put right",
    "none": "nothing in particular",
}
_MOVED = {"better": "feels better", "worse": "feels worse", "same": "feels the same"}
