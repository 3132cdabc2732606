"""Predicts files: rows in, rows with predictions out, in constant memory. Unreadable rows go to a file of rejects."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.environment import require
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.files import hash_file
from insula.core.outputs import require_different
from insula.core.prediction import Prediction
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, FileColumns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import ReadOptions, open_rows, scan_rows
from insula.data.formats.row_reader import ReadLimits
from insula.data.formats.writers import STDOUT
from insula.data.options import DataOptions
from insula.inference.cluster_address import check_address
from insula.inference.outputs import Output, Sink, choose_output_kind, open_output
from insula.inference.overlap import prefetch_items
from insula.inference.predictor import CHUNK, Predictor
from insula.inference.rejects import Rejects
from insula.inference.row_batches import RowBatch, find_columns, read_input_batches

ENGINES = ("local", "ray")
PredictBatch = Callable[[], list[Prediction]]


@dataclass(frozen=True)
class FileResult:
    """The result of predicting a file.

    output    the path (or address) of the predictions; None if a function took them
    rows      the number of predicted rows; an earlier, resumed run had predicted `kept` of them
    rejected  the number of rows that could not be read or had no text; `first_reject` says where and why the first
    rejects   the file with these rows; None if there are none or no file was written
    warnings  messages about problems that were repaired
    """

    output: Path | str | None
    rows: int
    rejected: int
    rejects: Path | None
    seconds: float
    warnings: tuple[str, ...]
    kept: int = 0
    first_reject: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **dataclasses.asdict(self),
            "output": None if self.output is None else str(self.output),
            "rejects": None if self.rejects is None else str(self.rejects),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


def predict_file(
    predictor: Predictor,
    source: str | Path,
    output: str | Path | Sink,
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
    limits: ReadLimits | None = None,
) -> FileResult:
    """Predict every row of `source` into `output`, in order and with all columns of the input.

    output    a file, `-` for standard output, or a function that takes some thousands of predictions at a time
    context, dialogue, turn, speaker, target   the columns with the context of a text, as in `DataOptions`; default for
              models that read context: columns with common names. The turns of a dialogue must be in order; rows of
              other dialogues may be between them
    rejects   file for rejected rows; default: `OUTPUT.rejects.jsonl`; without an output file they are only
              counted. A file with anything else than rejected rows is never replaced
    bom       begin a CSV or TSV file with a byte order mark, by which Excel recognises UTF-8
    resume    resume an interrupted run of the same job; starts from the beginning if there is none
    engine    `local`, or `ray`: `workers` processes run the model, on this machine or on the cluster at `address`
    limits    bounds for files from strangers, with the engine `local`; rows with longer texts are rejected

    Clashing columns are renamed (`PredictedColumns`). Plain lines have only the predicted labels, joined by `|`. The
    output appears when its last row is written; until then its parts are in a hidden folder next to it. A resumed run
    writes the same bytes as an uninterrupted one, because batches depend only on the rows. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    several = context if context is None or isinstance(context, str) else tuple(context)
    options = DataOptions.checked(
        text=text if text is None or isinstance(text, str) else tuple(text),
        context=several,
        dialogue=dialogue,
        turn=turn,
        speaker=speaker,
        target=target,
    )
    reading = ReadOptions(input_format, separator, header)
    _check_engine(engine, source, address, workers)
    place = Path(rejects) if rejects is not None else _get_default_rejects(output)
    if place is not None:
        require_different(place, *(() if str(source) == STDIN else (source,)), name="rejects")
        if not callable(output):
            require_different(place, output, name="rejects", other="output")
    if not callable(output) and str(source) != STDIN:
        require_different(output, source)
    reject_file = Rejects(place, is_required=rejects is not None)
    kind = choose_output_kind(output, output_format, predictor.scheme, bom=bom)
    started = time.monotonic()
    with (
        reject_file,
        open_rows(source, batch_size=CHUNK, on_reject=reject_file.add, limits=limits, **reading._asdict()) as reader,
    ):
        columns = find_columns(predictor, reader, source, options)
        is_file = str(source) != STDIN and Path(source).is_file()
        whole = is_file and kind is not None and str(output) != STDOUT
        job = _describe_job(predictor, source, columns, reading, kind, limits) if whole else None
        if resume and job is None:
            raise DataError("Only prediction from a file into a file can be resumed. Pass both, or leave out resume.")
        context_tally = ContextTally()
        batches = read_input_batches(
            reader, columns, reject_file, context_tally, None if limits is None else limits.text_characters
        )
        with (
            open_output(
                output,
                kind,
                reader,
                columns.text,
                predictor.scheme,
                job=job,
                resume=resume,
                bom=bom,
                ruled=predictor.rules is not None,
                all_rows=scan_rows(source, batch_size=CHUNK, reading=reading, progress=progress)
                if is_file and reader.columns_vary
                else None,
            ) as out,
            _show_progress(progress),
            _encode_row_batches(batches, predictor, out, prefetch=is_file)
            if engine == "local"
            else _predict_on_ray(batches, predictor, out, source, columns, reading, address, workers) as encoded,
        ):
            tally, truncated, at_risk = _Tally(progress), 0, 0
            for batch, predict in encoded:
                if predict is None:
                    out.skip(batch)
                else:
                    predictions = predict()
                    truncated += sum(one.truncated for one in predictions)
                    at_risk += sum(one.at_risk for one in predictions)
                    out.take(batch, predictions)
                tally.count(batch, is_new=predict is not None)
            tally.add_rejected(reject_file.count)
        warnings = (
            *reader.warnings,
            *context_tally.list_warnings(columns, predictor.context),
            *predictor.truncation_warnings(truncated, tally.new),
            *predictor.risk_warnings(at_risk, tally.new),
        )
    reject_file.remove_stale()
    return FileResult(
        output=None if callable(output) else Path(output),
        rows=tally.rows,
        rejected=reject_file.count,
        rejects=reject_file.path if reject_file.count and reject_file.is_writable else None,
        seconds=time.monotonic() - started,
        warnings=warnings,
        kept=tally.rows - tally.new,
        first_reject=None if reject_file.first is None else str(reject_file.first),
    )


@contextlib.contextmanager
def _encode_row_batches(
    batches: Iterable[RowBatch], predictor: Predictor, out: Output, *, prefetch: bool
) -> Iterator[Iterator[tuple[RowBatch, PredictBatch | None]]]:
    """Yield encoded batches with the function that predicts them; None for empty and finished batches.

    prefetch  read and encode the next batch in a thread while the model computes; not for typed input, which must stay
              interruptible
    """

    def encode(batch: RowBatch) -> PredictBatch | None:
        if not batch.rows or batch.number in out.finished:
            return None
        return partial(predictor.finish, predictor.encode(batch.inputs))

    encoded = ((batch, encode(batch)) for batch in batches)
    if not prefetch:
        yield encoded
        return
    with prefetch_items(encoded) as ready:
        yield ready


@contextlib.contextmanager
def _predict_on_ray(
    batches: Iterable[RowBatch],
    predictor: Predictor,
    out: Output,
    source: str | Path,
    columns: FileColumns,
    reading: ReadOptions,
    address: str | None,
    workers: int | None,
) -> Iterator[Iterator[tuple[RowBatch, PredictBatch | None]]]:
    """Yield batches with the function that gets their predictions from workers; None for empty and finished batches."""
    from insula.inference.cluster import Cluster, ReadPlan, open_cluster_logits

    if predictor.folder is None:
        raise DataError("The engine 'ray' needs a model from a folder. Got one in memory. Use the engine 'local'.")
    plan = ReadPlan(str(Path(source).absolute()), columns, reading, CHUNK, out.finished)
    with open_cluster_logits(predictor.folder, plan, Cluster(address, workers), predictor.engine) as logits_of:

        def predict_batch(batch: RowBatch) -> list[Prediction]:
            return predictor.answer(batch.inputs, *logits_of(batch.number))

        yield (
            (batch, partial(predict_batch, batch) if batch.rows and batch.number not in out.finished else None)
            for batch in batches
        )


def _check_engine(engine: str, source: str | Path, address: str | None, workers: int | None) -> None:
    if engine not in ENGINES:
        raise DataError(
            f"The engine must be one of {', '.join(ENGINES)}. Got {engine!r}.{suggest(engine, ENGINES, CHOOSE)}"
        )
    if engine == "local" and (address is not None or workers is not None):
        raise DataError(
            f"The address and the workers are options of the engine 'ray'. Got the engine {engine!r}. "
            "Choose 'ray', or leave them out."
        )
    if workers is not None and workers < 1:
        raise DataError(f"The number of workers must be at least 1. Got {workers}. Leave it out to use all processors.")
    if engine == "ray":
        require("ray", extra="ray", purpose="predict on several processes or machines")
        if str(source) == STDIN or not Path(source).is_file():
            raise DataError(f"The engine 'ray' reads only files. Got {str(source)!r}. Choose a file, or use 'local'.")
        if address is not None:
            check_address(address)


class _Tally:
    """Counts rows and reports progress: the estimated total, rows per second."""

    def __init__(self, progress: Progress) -> None:
        self.rows = self.new = self._seen = 0
        self._progress = progress
        self._started = time.monotonic()

    def count(self, batch: RowBatch, *, is_new: bool) -> None:
        """Count a finished batch; `is_new` if this run predicted it."""
        self.rows += len(batch.rows)
        self.new += len(batch.rows) if is_new else 0
        if batch.share:
            self._progress.expect(max(batch.seen, round(batch.seen / batch.share)))
        if is_new:
            self._advance(batch.seen)
            return
        if not self.new:  # the clock starts with the first batch that this run predicts
            self._started = time.monotonic()
        self._progress.skip(batch.seen - self._seen)
        self._seen = batch.seen

    def add_rejected(self, rejected: int) -> None:
        """Count rows that were rejected after the last batch."""
        if self.rows + rejected > self._seen:
            self._advance(self.rows + rejected)

    def _advance(self, seen: int) -> None:
        rate = self.new / max(time.monotonic() - self._started, 1e-9)
        self._progress.advance(seen - self._seen, **({"rows/s": rate} if self.new else {}))
        self._seen = seen


def _describe_job(
    predictor: Predictor,
    source: str | Path,
    columns: FileColumns,
    reading: ReadOptions,
    kind: str | None,
    limits: ReadLimits | None,
) -> dict[str, Any]:
    """Return everything that the output depends on: equal jobs write the same bytes."""
    return {
        "insula": __version__,
        "model": predictor.fingerprint,
        "input": hash_file(source),
        "input format": reading.format,
        "separator and header": list(reading[1:]) if any(one is not None for one in reading[1:]) else None,
        "text column": columns.text,
        "context columns": [list(pair) for pair in columns.conversation.named] or None,
        "output format": kind,
        "rows a group": CHUNK,
        **({} if limits is None else {"limits": dataclasses.asdict(limits)}),
    }


@contextlib.contextmanager
def _show_progress(progress: Progress) -> Iterator[None]:
    progress.start("predicting")
    try:
        yield
    finally:
        progress.finish()


def _get_default_rejects(output: str | Path | Sink) -> Path | None:
    return None if callable(output) or str(output) == STDOUT else Path(f"{output}.rejects.jsonl")
