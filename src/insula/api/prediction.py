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
from insula.core.progress import Progress
from insula.core.starter import STARTER
from insula.data.formats.remote import is_remote, local_copy, upload_when_done
from insula.inference.engine import Engine
from insula.inference.files import FileResult
from insula.inference.files import predict_file as run_file
from insula.inference.outputs import Sink
from insula.inference.parts import can_resume
from insula.inference.predictor import Predictor


def load_model(
    model: str | Path = STARTER, *, backend: str | None = None, engine: Engine | str | Path | None = None
) -> Predictor:
    """Open a run, a model folder, or the name of a run under `runs/`; `starter` comes with insula. Checksums are
    verified.

    engine  what `bench_model` found for this machine, or the file that it is in

    Raises `UnknownNameError` where there is none, `ModelFolderError` where it is corrupt, half-written or newer,
    `DataError` where the engine was measured for another kind of model.
    """
    return Predictor.load(
        model, backend=backend, engine=Engine.read(engine) if isinstance(engine, str | Path) else engine
    )


def predict(
    texts: str | ModelInput | Mapping[str, Any] | Sequence[str | ModelInput | Mapping[str, Any]],
    model: str | Path | Predictor = STARTER,
) -> list[Prediction]:
    """Return one prediction a text, in order; a single text is a list of one.

    texts  strings, or inputs with their context (earlier turns, speaker, target): `ModelInput`, or mappings of its
           fields, such as `{"text": "Fine.", "turns": [{"speaker": "B", "text": "How was it?"}], "speaker": "A"}`

    A model reads turns and targets where it was trained with them, else the text alone: `Predictor.unread` counts
    inputs of which something is not read. Raises `DataError` for anything else.
    """
    predictor = model if isinstance(model, Predictor) else load_model(model)
    return predictor.predict([texts] if isinstance(texts, str | ModelInput | Mapping) else texts)


def predict_file(
    source: str | Path,
    output: str | Path | Sink,
    model: str | Path | Predictor = STARTER,
    *,
    text: str | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    target: str | None = None,
    rejects: str | Path | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    resume: bool = False,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> FileResult:
    """Predict a file of messages into another, in any of the formats; `-` is standard input or output.

    source, output   may be addresses of another file system, such as `s3://bucket/big.parquet`
    output    a file, `-`, or a function that takes the predictions, some thousands at a time
    text      the column with the text; found by its usual names where it is not given
    context   the column with the earlier turns (a list of texts or of objects with text and speaker, also as JSON, or
              one text), or several columns with one turn each, the oldest first
    dialogue  the column whose equal values make one dialogue: its rows follow each other in the file, and each has
              those before it as context; `turn` is a column by which rows that are out of order are counted
    speaker   the column with who says the text
    target    the column with what the emotion is towards
    rejects   where rows that cannot be read go, with line number and reason; default `OUTPUT.rejects.jsonl`, without an
              output file `SOURCE.rejects.jsonl` in the working folder, where those of an address go, too
    resume    continue what a stopped run of the same job left; the output is the same, byte for byte
    engine    `local`, or `ray` (extra `ray`): `workers` processes of one processor each run the model, here or on the
              cluster at `address`

    All columns come along, in order; one that bears the name of a predicted one is kept as `input_NAME`. JSON rows
    have the classified text under `text`, whatever its column is called; plain lines hold the decided labels alone. The
    output appears under its name when it is complete; until then what is finished is in a hidden folder next to it,
    and stays there where the run is stopped.

    Where these are not given and the model reads context, columns with usual names are taken. `FileResult.warnings`
    says which, and how many rows have a context that the model does not read.

    Raises `DataError`, `MissingFileError`, `OutputError`. A `KeyboardInterrupt` says how to resume.
    """
    predictor = model if isinstance(model, Predictor) else load_model(model)
    options: dict[str, Any] = {
        "text": text, "context": context, "dialogue": dialogue, "turn": turn, "speaker": speaker, "target": target,
        "rejects": rejects, "input_format": input_format, "output_format": output_format,
        "resume": resume, "engine": engine, "address": address, "workers": workers, "progress": progress,
    }  # fmt: skip
    if is_remote(output):
        require_different(str(output), source)  # their copies on this machine would differ
    if is_remote(rejects):
        raise OutputError(f"The rejects must be a file on this machine. Got {str(rejects)!r}; name one, or none.")
    with local_copy(source) as here:
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
        raise KeyboardInterrupt("What is finished is kept. Resume with: the same command and --resume") from stop
