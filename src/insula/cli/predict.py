"""`insula predict`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import AnyModel, Quiet
from insula.cli.typed_inputs import typed_inputs
from insula.core.sentences import counted
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.core.model_input import TextOrInput
    from insula.inference.files import FileResult
    from insula.inference.outputs import Sink
    from insula.inference.predictor import Predictor

FILES = "Files"
CONVERSATION = "Conversation (with TEXT: what was said; with files: the columns that hold it)"


def predict(
    model: AnyModel = STARTER,
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts to judge, each in quotes.", metavar="TEXT", show_default=False),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON object a line: text, labels, label, scores, abstained. With -o FILE: what became of it.",
        ),
    ] = False,
    levels: Annotated[
        bool, typer.Option("--levels", help="With --json and texts: the coarser levels of the labels, too.")
    ] = False,
    quiet: Quiet = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            help="File of messages, or its address (s3://...); - is standard input.",
            metavar="FILE",
            rich_help_panel=FILES,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="File of predictions; - is standard output, as JSON Lines.",
            metavar="FILE",
            rich_help_panel=FILES,
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text",
            help="Column with the text; found by its usual names where not given.",
            metavar="COLUMN",
            rich_help_panel=FILES,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            help="An earlier turn, the oldest first, such as 'B: How was it?'. With files: the column with the earlier "
            "turns (a JSON list, or one text), or several with one turn each.",
            metavar="TURN|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            "--speaker",
            help="Who says the text. With files: the column with the speaker.",
            metavar="NAME|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="What the emotion is towards: an aspect, a product. With files: the column with it.",
            metavar="NAME|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    dialogue: Annotated[
        str | None,
        typer.Option(
            "--dialogue",
            help="With files: column with the dialogue of a row. The rows before it are its earlier turns.",
            metavar="COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    turn: Annotated[
        str | None,
        typer.Option(
            "--turn",
            help="With --dialogue: column that numbers its rows; those out of order are counted.",
            metavar="COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    rejects: Annotated[
        str | None,
        typer.Option(
            "--rejects",
            help="File for rows that cannot be read. [default: OUTPUT.rejects.jsonl]",
            metavar="FILE",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what a stopped run of this job left.", rich_help_panel=FILES),
    ] = False,
    engine: Annotated[
        str,
        typer.Option("--engine", help="local, or ray: several processes or machines.", rich_help_panel=FILES),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            "--address", help="Of a running Ray cluster; one is started here where not given.", rich_help_panel=FILES
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="How many run the model with Ray.", rich_help_panel=FILES, show_default=False),
    ] = None,
    bench: Annotated[
        Path | None,
        typer.Option(
            "--bench",
            help="What `insula model bench -o FILE` found to be fastest on this machine.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Predict texts, a file of messages, or standard input.

    Files may be CSV, TSV, JSON Lines, Parquet, Arrow or plain lines, each also gzipped; their names tell. All columns
    come along, in order. Rows that cannot be read, or have no text, go to a rejects file with their line numbers.

    A model that was trained with earlier turns or targets reads them here, too. Typed turns come from --context. In
    files, columns with usual names (turns, context, dialogue, speaker, target) are taken where none is named. Others
    read the text alone, and how many rows had more is reported.

    **Examples**

        insula predict "Two hours on hold and nobody called back." --model runs/care
        insula predict --input big.parquet --output scored.parquet -m runs/care
        insula predict --input big.parquet --output scored.parquet -m runs/care --resume
        cat lines.txt | insula predict --json -m runs/care
        insula predict "Fine." --speaker A --context "B: How was it?" -m runs/chats
        insula predict -i chats.csv -o scored.csv --dialogue chat_id --turn number --speaker who -m runs/chats
    """
    if levels and not (texts and as_json):
        raise typer.BadParameter("--levels goes with texts and --json.")
    if resume and (source in (None, "-") or output in (None, "-")):
        raise typer.BadParameter("--resume goes with --input FILE and --output FILE.")
    if bench is not None and engine != "local":
        raise typer.BadParameter("--bench is of this machine: it goes with --engine local.")
    shared = engine != "local" or address is not None or workers is not None
    if shared and (texts or source in (None, "-") or (output is None and not as_json)):
        raise typer.BadParameter("--engine, --address and --workers go with --input FILE and --output FILE.")
    if texts and (text is not None or rejects is not None or dialogue is not None or turn is not None):
        raise typer.BadParameter("--text, --rejects, --dialogue and --turn go with --input FILE or standard input.")
    if "" in (source, output):
        raise typer.BadParameter("--input and --output must name a file, or - for a stream. Got an empty name.")
    if "" in (speaker, target, dialogue, turn, *(context or ())):
        raise typer.BadParameter(
            "--context, --speaker, --target, --dialogue and --turn must not be empty. Leave out what is not needed."
        )
    if texts:
        if source is not None or output is not None:
            raise typer.BadParameter("Give texts, or files with --input and --output: not both.")
        inputs = typed_inputs(texts, context=context or (), speaker=speaker, target=target)
        _predict_texts(inputs, model, bench, as_json=as_json, levels=levels)
        return
    columns = {
        "text": text, "context": context, "dialogue": dialogue, "turn": turn, "speaker": speaker, "target": target,
    }  # fmt: skip
    if source is None and sys.stdin.isatty():
        raise typer.BadParameter("Nothing to predict: give texts, --input FILE, or pipe lines in.")
    if output is None and not as_json:
        _predict_in_words(source or "-", _opened(model, bench), {**columns, "rejects": rejects})
    else:
        how = {
            **columns, "rejects": rejects, "resume": resume, "engine": engine, "address": address, "workers": workers,
        }  # fmt: skip
        result = _predict_file(source or "-", output or "-", _opened(model, bench), quiet, how)
        if as_json and output not in (None, "-"):
            typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))


def _opened(model: str, bench: Path | None) -> str | Predictor:
    """Return the model as it was benched here, or its name where it was not."""
    if bench is None:
        return model
    from insula.api.prediction import load_model

    return load_model(model, engine=bench)


def _predict_texts(inputs: list[TextOrInput], model: str, bench: Path | None, *, as_json: bool, levels: bool) -> None:
    from insula.api.prediction import load_model
    from insula.api.prediction import predict as run_prediction
    from insula.cli.tables import Answers

    predictor = load_model(model, engine=bench)
    predictions = run_prediction(inputs, predictor)
    if predictor.unread(inputs):
        _say("This model does not read all of the context: earlier turns, a target or both were left out.")
    if as_json:
        from insula.core.levels import level_predictions

        for prediction in predictions:
            row = prediction.to_dict()
            if levels:
                row["levels"] = level_predictions(predictor.scheme, prediction)
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    answers = Answers()
    answers.say(predictions)
    answers.explain()


def _predict_in_words(source: str, model: str | Predictor, how: dict[str, Any]) -> None:
    from insula.cli.tables import Answers

    answers = Answers()
    result = _run(source, answers.say, model, how, quiet=True)
    answers.explain()
    _say_what_is_missing(result)


def _predict_file(source: str, output: str, model: str | Predictor, quiet: bool, how: dict[str, Any]) -> FileResult:
    result = _run(source, output, model, how, quiet=quiet)
    if not quiet and result.rows:
        new = result.rows - result.kept
        rate = new / max(result.seconds, 1e-9)
        where = "" if output == "-" else f" into {output}"
        before = f", {result.kept:,} of them before," if result.kept else ""
        _say(f"{counted(result.rows, 'row')} predicted{where}{before} in {result.seconds:.1f} s ({rate:,.0f} rows/s).")
    _say_what_is_missing(result)
    return result


def _run(source: str, output: str | Sink, model: str | Predictor, how: dict[str, Any], *, quiet: bool) -> FileResult:
    from insula.api.prediction import predict_file
    from insula.cli.progress import shown_progress

    with shown_progress(quiet) as progress:
        return predict_file(source, output, model, progress=progress, **how)


def _say_what_is_missing(result: FileResult) -> None:
    """Say on standard error, even when asked to be quiet, what was repaired and what was not predicted."""
    for warning in result.warnings:
        _say(warning)
    if result.rejected:
        left_out = f"{counted(result.rejected, 'row')} {'was' if result.rejected == 1 else 'were'} not predicted"
        where = f"see {result.rejects}" if result.rejects is not None else "name a file with --rejects"
        _say(f"{left_out}; {where} for line numbers and reasons.")
    elif not result.rows:
        _say("There were no rows to predict: the input holds none.")


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
