"""`load_model`, `predict` and `predict_file`: from texts to predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import OutputError
from insula.core.model_input import ModelInput
from insula.core.outputs import require_different
from insula.core.prediction import Prediction
from insula.core.progress import Progress, choose_progress
from insula.core.starter import STARTER
from insula.data.formats.remote import is_remote, open_local_copy, upload_when_done
from insula.inference.engine import EngineSettings
from insula.inference.files import FileResult
from insula.inference.files import predict_file as run_file
from insula.inference.outputs import Sink
from insula.inference.parts import can_resume
from insula.inference.predictor import Predictor


def load_model(
    model: str | Path = STARTER,
    *,
    backend: str | None = None,
    engine: EngineSettings | str | Path | None = None,
    threshold: float | Mapping[str, float] | None = None,
    abstention: float | None = None,
    rules: str | Path | None = None,
) -> Predictor:
    """Load a run, a model folder, or the name of a run under `runs/`; `starter` comes with insula.

    backend  the backend to run it with; default the one recorded in the model folder
    engine   the engine that `bench_model` found for this machine, or its file
    threshold   lowest score at which a label is predicted, instead of those chosen in training: a number, or labels
             to numbers. Binary and multi-label models have thresholds; a binary one that of its second label
    abstention  confidence below which the model abstains, in place of the one chosen in training; 0 for never
    rules    file of rules that change its predictions, in place of those in the model folder

    Checksums are verified. Raises `UnknownNameError` if there is no such model, `ModelFolderError` if it is corrupt,
    incomplete or written by a newer insula, `DataError` if the engine was measured for another kind of model, or for an
    invalid threshold or rule.
    """
    chosen = EngineSettings.read(engine) if isinstance(engine, str | Path) else engine
    predictor = Predictor.load(model, backend=backend, engine=chosen)
    predictor = predictor.with_limits(threshold=threshold, abstention=abstention)
    return predictor if rules is None else predictor.with_rules(rules)


def predict(
    texts: str | ModelInput | Mapping[str, Any] | Sequence[str | ModelInput | Mapping[str, Any]],
    model: str | Path | Predictor = STARTER,
) -> list[Prediction]:
    """Return one prediction per text, in order; a single text gives a list of one.

    texts  strings, or inputs with their context (earlier turns, speaker, target): `ModelInput`, or mappings with its
           fields, such as `{"text": "Fine.", "turns": [{"speaker": "B", "text": "How was it?"}], "speaker": "A"}`

    A model that was trained with turns or targets reads them; others read the text only, and `Predictor.count_unread`
    counts the inputs with context that they ignore. Raises `DataError` for anything else.
    """
    predictor = model if isinstance(model, Predictor) else load_model(model)
    return predictor.predict([texts] if isinstance(texts, str | ModelInput | Mapping) else texts)


def predict_file(
    source: str | Path,
    output: str | Path | Sink,
    model: str | Path | Predictor = STARTER,
    *,
    text: str | Sequence[str] | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    target: str | None = None,
    rejects: str | Path | None = None,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output_format: str | None = None,
    bom: bool = False,
    resume: bool = False,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> FileResult:
    """Predict a file of messages and write another, in any of the formats; `-` is standard input or output.

    source, output   may be URLs of another file system, such as `s3://bucket/big.parquet`
    output    a file, `-`, or a function that receives the predictions in batches of some thousands
    text      column with the text; default detected from common column names
    context   column with the earlier turns (a list of texts or of objects with text and speaker, also as JSON, or one
              text), or several columns with one turn each, oldest first
    dialogue  column with the dialogue id: rows of a dialogue follow each other, and each has those before it as
              context. `turn` is a column that numbers them; rows out of order are counted
    speaker   column with the speaker of the text
    target    column with the target of the emotion
    rejects   file for rows that cannot be read, with line number and reason; default `OUTPUT.rejects.jsonl`, for a URL
              in the working folder; without an output file they are only counted
    bom       begin a CSV or TSV file with a byte order mark, by which Excel recognises UTF-8
    resume    resume an interrupted run of the same job; the output is the same, byte for byte
    engine    `local`, or `ray` (extra `ray`): `workers` processes of one processor each run the model, here or on the
              cluster at `address`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    The output keeps all columns, in order; one with the name of a predicted column becomes `input_NAME`. JSON rows have
    the predicted text under `text`, whatever the name of its column; plain lines hold the predicted labels only. The
    output appears under its name when it is complete; until then, finished parts are in a hidden folder next to it,
    and stay there if the run is interrupted.

    If you name no columns of a conversation and the model reads context, insula uses those with common names.
    `FileResult.list_warnings` says which, and how many rows have context that the model does not read.

    Raises `DataError`, `MissingFileError`, `OutputError`. The message of a `KeyboardInterrupt` says how to resume.
    """
    predictor = model if isinstance(model, Predictor) else load_model(model)
    options: dict[str, Any] = {
        "text": text, "context": context, "dialogue": dialogue, "turn": turn, "speaker": speaker, "target": target,
        "rejects": rejects, "input_format": input_format, "separator": separator,
        "header": header, "output_format": output_format, "bom": bom,
        "resume": resume, "engine": engine, "address": address, "workers": workers,
        "progress": choose_progress(progress),
    }  # fmt: skip
    if is_remote(output):
        require_different(str(output), source)  # checked here, since their local copies differ
    if is_remote(rejects):
        raise OutputError(
            f"The rejects file must be on this machine. Got {str(rejects)!r}. Pass a local path, or leave it out."
        )
    with open_local_copy(source) as here:
        if not is_remote(output):
            return _run_file(predictor, here, output, options)
        with upload_when_done(str(output)) as place:
            options["rejects"] = rejects or f"{place.name}.rejects.jsonl"
            result = _run_file(predictor, here, place, options)
    return dataclasses.replace(result, output=str(output))


def _run_file(
    predictor: Predictor, source: str | Path, output: str | Path | Sink, options: dict[str, Any]
) -> FileResult:
    try:
        return run_file(predictor, source, output, **options)
    except KeyboardInterrupt as stop:
        if callable(output) or not can_resume(output):
            raise
        raise KeyboardInterrupt("Finished parts are kept. Resume with the same command and --resume.") from stop
