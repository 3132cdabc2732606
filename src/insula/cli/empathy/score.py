"""`insula empathy score`."""

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
    Speaker,
    Turn,
    input_option,
    output_option,
)
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.model_input import get_text
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.empathy.scoring.result import EmpathyScore

COLUMN_OF = "Column with the {}. [default: detected from common column names]"


def score(
    message: Annotated[
        str | None, typer.Argument(help="Message that was answered, in quotes.", metavar="MESSAGE", show_default=False)
    ] = None,
    reply: Annotated[
        str | None, typer.Argument(help="Reply to it, in quotes.", metavar="REPLY", show_default=False)
    ] = None,
    model: AnyModel = STARTER,
    as_json: Json = False,
    quiet: Quiet = False,
    source: Annotated[str | None, input_option("File of messages and replies; - is standard input.")] = None,
    output: Annotated[
        str | None, output_option("File with the rows and their scores; - is standard output, as JSON Lines.")
    ] = None,
    message_column: Annotated[
        list[str] | None,
        typer.Option(
            "--message",
            help=f"{COLUMN_OF.format('message')} Repeat it if each earlier turn has its own column, oldest first.",
            metavar="COLUMN",
            show_default=False,
            rich_help_panel="Files",
        ),
    ] = None,
    reply_column: Annotated[
        str | None,
        typer.Option(
            "--reply",
            help=COLUMN_OF.format("reply, or with the text of each turn if you use --dialogue"),
            metavar="COLUMN",
            show_default=False,
            rich_help_panel="Files",
        ),
    ] = None,
    resume: Resume = False,
    dialogue: Dialogue = None,
    turn: Turn = None,
    speaker: Speaker = None,
    supporter: Annotated[
        str | None,
        typer.Option(
            "--supporter",
            help="Speaker whose turns are scored, for --dialogue. [default: everybody but the first speaker]",
            metavar="NAME",
            show_default=False,
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
) -> None:
    """Score the empathy that a reply shows, with the words that show it. Experimental.

    Three mechanisms (EPITOME, Sharma et al., 2020), each from 0, not shown, to 2, strongly shown:

    - emotional reaction: the reply expresses warmth, compassion or concern
    - interpretation: it says what the writer feels or went through, or tells of a similar experience
    - exploration: it asks what the writer feels or went through

    The scorer that comes with insula works by rules, in English and Chinese. It scores words: whether they are true,
    fitting or meant, it cannot tell. Do not rate people with it. With a model of `insula empathy train`, that model
    scores.

    A file keeps its rows and columns, and gets the columns emotional_reaction, interpretation, exploration and empathy.

    **Examples**

        insula empathy score "I failed the exam again." "I'm so sorry. What would have helped you?"
        insula empathy score "我又没考上。" "抱抱你，一定很难受吧。" --json
        insula empathy score --input pairs.csv --message question --reply answer --output scores.parquet
        insula empathy score --input chats.csv --dialogue chat_id --speaker who --reply text --output scores.csv
    """
    files = {
        "message": message_column or None, "reply": reply_column, "dialogue": dialogue, "turn": turn,
        "speaker": speaker, "supporter": supporter, "input_format": format, "separator": separator, "header": header,
    }  # fmt: skip
    if message is not None:
        if source is not None or output is not None or resume:
            raise typer.BadParameter(
                "MESSAGE and --input cannot be combined. Pass MESSAGE and REPLY, or --input and --output."
            )
        if any(value is not None for value in files.values()):
            raise typer.BadParameter(
                "--message, --reply, --dialogue, --turn, --speaker, --supporter, --format, --separator and --header "
                "need --input FILE. Add it, or leave these options out."
            )
        if reply is None:
            raise typer.BadParameter("There is no reply to score. Pass MESSAGE and REPLY, each in quotes.")
        _score_pair(message, reply, model, as_json=as_json)
        return
    if "" in (source, output):
        raise typer.BadParameter(
            "--input and --output must be a file, or - for a stream. Got an empty name. Pass the name of a file."
        )
    if source is None or output is None:
        raise typer.BadParameter(
            "There is nothing to score. Pass MESSAGE and REPLY, or --input FILE and --output FILE."
        )
    _score_file(source, output, model, files | {"resume": resume}, as_json=as_json, quiet=quiet)


def _score_pair(message: str, reply: str, model: str, *, as_json: bool) -> None:
    from insula.api.empathy.score import score_empathy

    reject_file_names([message, reply], verb="score")
    typed = build_typed_inputs([message, reply])
    (result,) = score_empathy([(get_text(typed[0]), get_text(typed[1]))], model)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        _print_score(result)


def _print_score(result: EmpathyScore) -> None:
    for name, one in result.mechanisms.items():
        shown = "   ".join(f"“{words.text}”" for words in one.words) or "no words show it"
        typer.echo(f"{name.replace('_', ' '):<20}{one.level} of 2   {shown}")
        if one.missing is not None:
            typer.echo(f"{'':<20}         {one.missing}")


def _score_file(source: str, output: str, model: str, options: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    from insula.api.empathy.score import score_empathy_file
    from insula.cli.progress import show_progress

    with show_progress(quiet or as_json) as progress:
        done = score_empathy_file(source, output, model, progress=progress, **options)
    if as_json and output != "-":
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        typer.echo(f"{pluralise(done.rows, 'row')} read, {done.rows - done.unscored:,} scored.", err=True)
        typer.echo(f"{'':<20}{'level 0':>10}{'1':>10}{'2':>10}", err=True)
        for name, counts in done.levels.items():
            typer.echo(f"{name.replace('_', ' '):<20}{counts[0]:>10,}{counts[1]:>10,}{counts[2]:>10,}", err=True)
    for sentence in done.warnings:
        typer.echo(sentence, err=True)
    if done.rejected:
        typer.echo(f"{pluralise(done.rejected, 'row')} could not be read and left out; {done.first_reject}.", err=True)
