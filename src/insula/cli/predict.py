"""`insula predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from insula.cli.options import (
    FILES,
    AnyModel,
    Attribute,
    Bom,
    DisplayLanguage,
    FileFormat,
    Header,
    Language,
    Quiet,
    Resume,
    RulesFile,
    Separator,
    input_option,
    output_option,
)
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.core.model_input import TextOrInput
    from insula.inference.files import FileResult
    from insula.inference.outputs import Sink
    from insula.inference.predictor import Predictor

CONVERSATION = "Conversation (values with TEXT, names of columns with files)"


def predict(
    model: AnyModel = STARTER,
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts to predict, each in quotes.", metavar="TEXT", show_default=False),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object per line: text, labels, label, scores, abstained. With -o FILE: a summary.",
        ),
    ] = False,
    levels: Annotated[
        bool, typer.Option("--levels", help="Also print the coarser levels of the labels. Needs TEXT and --json.")
    ] = False,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            help="Lowest score at which a label is predicted: 0.7, or joy=0.7 for one label. Can be repeated. "
            "[default: as chosen in training]",
            metavar="[LABEL=]SCORE",
            show_default=False,
        ),
    ] = None,
    abstention: Annotated[
        float | None,
        typer.Option(
            "--abstention",
            help="Confidence below which the model abstains. [default: as chosen in training]",
            metavar="SCORE",
            show_default=False,
        ),
    ] = None,
    display_language: DisplayLanguage = "en",
    quiet: Quiet = False,
    source: Annotated[str | None, input_option("File of messages, or its URL (s3://...); - is standard input.")] = None,
    output: Annotated[str | None, output_option("File of predictions; - is standard output, as JSON Lines.")] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text",
            help="Column with the text, or a path into objects (data.text). Repeat it to join several columns. "
            "[default: detected from common column names]",
            metavar="COLUMN",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            help="An earlier turn, such as 'B: How was it?'; repeat it, oldest first. With files: the column with the "
            "earlier turns (a JSON list, or one text); repeat it if each turn has its own column.",
            metavar="TURN|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            "--speaker",
            help="Speaker of the text. With files: the column with the speaker.",
            metavar="NAME|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="Target of the emotion, such as a product. With files: the column with the target.",
            metavar="NAME|COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    dialogue: Annotated[
        str | None,
        typer.Option(
            "--dialogue",
            help="Column with the dialogue id, for files. Earlier rows with the same id are the earlier turns of a "
            "row.",
            metavar="COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    turn: Annotated[
        str | None,
        typer.Option(
            "--turn",
            help="Column with the number of the turn, for --dialogue. Rows out of order are counted and reported.",
            metavar="COLUMN",
            rich_help_panel=CONVERSATION,
        ),
    ] = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    rejects: Annotated[
        str | None,
        typer.Option(
            "--rejects",
            help="File for rows that cannot be read. [default: OUTPUT.rejects.jsonl; without --output none]",
            metavar="FILE",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    bom: Bom = False,
    resume: Resume = False,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="Engine: local, or ray for several processes or machines.",
            metavar="ENGINE",
            rich_help_panel=FILES,
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            help="Ray cluster to join. [default: start one locally]",
            metavar="ADDRESS",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            help="Number of processes that run the model, for --engine ray.",
            metavar="N",
            rich_help_panel=FILES,
            show_default=False,
        ),
    ] = None,
    bench: Annotated[
        Path | None,
        typer.Option(
            "--bench",
            help="File written by `insula model bench -o FILE`, with the fastest engine on this machine.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    rules: RulesFile = None,
    attribute: Attribute = None,
) -> None:
    """Predict the emotion of texts, of a file of messages, or of standard input.

    Files are CSV, TSV, JSON Lines, Parquet, Arrow or plain lines, gzipped or not; the file name decides. All columns
    are kept, in order. Rows without a readable text go to the rejects file with their line numbers.

    A model that was trained with earlier turns or targets also reads them here: with TEXT from --context and --target,
    in files from the columns you name or, by default, from columns with common names (turns, context, dialogue,
    speaker, target). Other models read the text only and report how many rows have context.

    **Examples**

        insula predict "Two hours on hold and nobody called back." --model runs/care
        insula predict --input big.parquet --output scored.parquet -m runs/care
        insula predict --input big.parquet --output scored.parquet -m runs/care --resume
        cat lines.txt | insula predict --json -m runs/care
        insula predict "Fine." --speaker A --context "B: How was it?" -m runs/chats
        insula predict -i chats.csv -o scored.csv --dialogue chat_id --turn number --speaker who -m runs/chats
    """
    if levels and not (texts and as_json):
        raise typer.BadParameter("--levels needs TEXT and --json. Add them, or leave --levels out.")
    if resume and (source in (None, "-") or output in (None, "-")):
        raise typer.BadParameter("--resume needs --input FILE and --output FILE. Add them, or leave --resume out.")
    if bench is not None and engine != "local":
        raise typer.BadParameter(
            "--bench works only with --engine local, because it describes this machine. Leave out one of the two."
        )
    uses_ray = engine != "local" or address is not None or workers is not None
    if uses_ray and (texts or source in (None, "-") or (output is None and not as_json)):
        raise typer.BadParameter(
            "--engine, --address and --workers need --input FILE and --output FILE. Add them, or leave these options "
            "out."
        )
    if texts and (text or rejects is not None or dialogue is not None or turn is not None):
        raise typer.BadParameter(
            "--text, --rejects, --dialogue and --turn need --input FILE or standard input. Add it, or leave these "
            "options out."
        )
    if bom and (texts or output in (None, "-")):
        raise typer.BadParameter("--bom needs --output FILE. Add it, or leave --bom out.")
    if "" in (source, output):
        raise typer.BadParameter(
            "--input and --output must be a file, or - for a stream. Got an empty name. Pass the name of a file."
        )
    if "" in (speaker, target, dialogue, turn, *(context or ()), *(text or ())):
        raise typer.BadParameter(
            "--text, --context, --speaker, --target, --dialogue and --turn must not be empty. Leave out the empty one."
        )
    if texts:
        if source is not None or output is not None:
            raise typer.BadParameter("TEXT and --input cannot be combined. Pass TEXT, or --input and --output.")
        reject_file_names(texts, verb="predict")
        inputs = build_typed_inputs(
            texts, context=context or (), speaker=speaker, target=target, attributes=attribute or ()
        )
        _predict_texts(
            inputs,
            _load(model, bench, threshold, abstention, rules),
            as_json=as_json,
            levels=levels,
            language=display_language,
        )
        return
    columns = {
        "text": text or None, "context": context, "dialogue": dialogue, "turn": turn, "speaker": speaker,
        "target": target, "input_format": format, "separator": separator, "header": header,
    }  # fmt: skip
    if source is None and sys.stdin.isatty():
        raise typer.BadParameter("There is nothing to predict. Pass texts or --input FILE, or pipe lines in.")
    if output is None and not as_json:
        _print_predictions(
            source or "-",
            _load(model, bench, threshold, abstention, rules),
            {**columns, "rejects": rejects},
            display_language,
        )
    else:
        options = {
            **columns, "rejects": rejects, "bom": bom, "resume": resume, "engine": engine, "address": address,
            "workers": workers,
        }  # fmt: skip
        result = _predict_file(
            source or "-", output or "-", _load(model, bench, threshold, abstention, rules), quiet, options
        )
        if as_json and output not in (None, "-"):
            typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))


def _load(
    model: str, bench: Path | None, threshold: list[str] | None, abstention: float | None, rules: str | None
) -> Predictor:
    from insula.api.prediction import load_model

    return load_model(
        model, engine=bench, threshold=_parse_thresholds(threshold or ()), abstention=abstention, rules=rules
    )


def _parse_thresholds(given: Sequence[str]) -> float | dict[str, float] | None:
    """Return the thresholds of `0.7` or `joy=0.7`, `anger=0.4`."""
    limits: dict[str, float] = {}
    for one in given:
        label, _, number = one.rpartition("=")
        try:
            limits[label] = float(number)
        except ValueError:
            raise typer.BadParameter(f"--threshold must be a number, or LABEL=NUMBER. Got {one!r}.") from None
    if "" in limits and len(limits) > 1:
        raise typer.BadParameter(
            "--threshold must be a single number, or one number for each label. Got both. Leave out one."
        )
    return limits.get("", limits or None)


def _predict_texts(
    inputs: list[TextOrInput], predictor: Predictor, *, as_json: bool, levels: bool, language: Language
) -> None:
    from insula.api.prediction import predict as run_prediction
    from insula.cli.tables import PredictionPrinter

    predictions = run_prediction(inputs, predictor)
    if predictor.count_unread(inputs):
        _warn("This model does not read all of the context: earlier turns, a target or both are ignored.")
    for warning in predictor.truncation_warnings(sum(one.truncated for one in predictions), len(predictions)):
        _warn(warning)
    if as_json:
        from insula.core.levels import compute_level_predictions

        for prediction in predictions:
            row = prediction.to_dict()
            if levels:
                row["levels"] = compute_level_predictions(predictor.scheme, prediction)
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    printer = PredictionPrinter(predictor.scheme, language)
    printer.print(predictions)
    printer.explain(by_energy=predictor.decision.energy is not None)


def _print_predictions(source: str, model: Predictor, options: dict[str, Any], language: Language) -> None:
    from insula.cli.tables import PredictionPrinter

    printer = PredictionPrinter(model.scheme, language)
    result = _run(source, printer.print, model, options, quiet=True)
    printer.explain(by_energy=model.decision.energy is not None)
    _report_problems(result)


def _predict_file(source: str, output: str, model: Predictor, quiet: bool, options: dict[str, Any]) -> FileResult:
    result = _run(source, output, model, options, quiet=quiet)
    if not quiet and result.rows:
        new = result.rows - result.kept
        rate = new / max(result.seconds, 1e-9)
        where = "" if output == "-" else f" into {output}"
        before = f", {result.kept:,} of them before," if result.kept else ""
        _warn(
            f"{pluralise(result.rows, 'row')} predicted{where}{before} in {result.seconds:.1f} s ({rate:,.0f} rows/s)."
        )
    _report_problems(result)
    return result


def _run(source: str, output: str | Sink, model: Predictor, options: dict[str, Any], *, quiet: bool) -> FileResult:
    from insula.api.prediction import predict_file
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        return predict_file(source, output, model, progress=progress, **options)


def _report_problems(result: FileResult) -> None:
    """Print repairs and unpredicted rows to standard error, even with --quiet."""
    for warning in result.warnings:
        _warn(warning)
    if result.rejected:
        rejected = f"{pluralise(result.rejected, 'row')} {'was' if result.rejected == 1 else 'were'} not predicted"
        if result.rejects is not None:
            _warn(f"{rejected}. See {result.rejects} for line numbers and reasons.")
        else:
            _warn(f"{rejected} (first: {result.first_reject}). Use --rejects FILE to get all of them.")
    elif not result.rows:
        _warn("There was nothing to predict: the input has no rows.")


def _warn(sentence: str) -> None:
    typer.echo(sentence, err=True)
