"""`insula predict`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.model import Model

if TYPE_CHECKING:
    from insula.core.prediction import Prediction


def predict(
    model: Model,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to judge.", show_default=False)] = None,
    source: Annotated[
        str | None, typer.Option("--input", "-i", help="File of messages; - is standard input.", metavar="FILE")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File of predictions; - is standard output.", metavar="FILE")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Column with the text.")] = None,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="File for rows that cannot be read.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Predict texts, a file of messages, or standard input.

    Files may be CSV, TSV, JSON Lines, Parquet, Arrow or plain lines, each also gzipped. All columns come along; rows
    that cannot be read go to FILE.rejects.jsonl with their line number.

    [bold]Examples[/bold]

      insula predict "Two hours on hold and nobody called back." -m runs/care

      insula predict --input big.parquet --output scored.parquet -m runs/care

      cat lines.txt | insula predict --json -m runs/care
    """
    if texts and source is not None:
        raise typer.BadParameter("Give texts or --input, not both.")
    if texts:
        _say(texts, model, as_json=as_json)
        return
    if source is None and sys.stdin.isatty():
        raise typer.BadParameter("Nothing to predict: give texts, --input FILE, or pipe lines in.")
    if output is None and not as_json:
        _say_stream(source or "-", model, text, rejects)
        return
    _predict_file(source or "-", output or "-", model, text, rejects)


def _say(texts: list[str], model: str, *, as_json: bool) -> None:
    from insula.api.prediction import predict as run_prediction

    for prediction in run_prediction(texts, model):
        typer.echo(json.dumps(prediction.to_dict(), ensure_ascii=False) if as_json else _in_words(prediction))


def _in_words(prediction: Prediction) -> str:
    best = sorted(prediction.scores.items(), key=lambda pair: -pair[1])[:3]
    if prediction.label is None:
        answer = "  ".join(f"{name} {value:.2f}" for name, value in prediction.scores.items())
        return f"{answer}\t{prediction.text}"
    answer = ", ".join(prediction.labels) or "(none)"
    if prediction.abstained:
        answer = f"not sure: {answer}"
    scores = "  ".join(f"{name} {value:.2f}" for name, value in best)
    return f"{answer}\t[{scores}]\t{prediction.text}"


def _say_stream(source: str, model: str, text: str | None, rejects: Path | None) -> None:
    from insula.api.prediction import load_model
    from insula.data.columns import find_text_column
    from insula.data.formats import open_rows

    predictor = load_model(model)
    with open_rows(source) as reader:
        column = find_text_column(reader.columns, text, source)
        for batch in reader:
            for prediction in predictor.predict([str(row.get(column) or "") for row in batch.rows]):
                typer.echo(_in_words(prediction))


def _predict_file(source: str, output: str, model: str, text: str | None, rejects: Path | None) -> None:
    from insula.api.prediction import predict_file
    from insula.cli.progress import TerminalProgress

    progress = TerminalProgress()
    if rejects is None and output == "-":
        rejects = Path("rejects.jsonl")
    result = predict_file(source, output, model, text=text, rejects=rejects, progress=progress)
    for warning in result.warnings:
        progress.say(warning)
    rate = result.rows / max(result.seconds, 1e-9)
    progress.say(f"{result.rows:,} rows predicted in {result.seconds:.1f} s ({rate:,.0f} rows/s).")
    if result.rejects is not None:
        progress.say(
            f"{result.rejected:,} rows could not be read; they stand with their line numbers in {result.rejects}."
        )
