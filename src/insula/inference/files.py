"""File to file: rows in, rows with predictions out, in flat memory; what cannot be read is set aside, with its line."""

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
from insula.core.errors import DataError, nearest
from insula.core.files import sha256
from insula.core.outputs import require_different
from insula.core.prediction import Prediction
from insula.core.progress import Progress, Silent
from insula.data.conversations.file_columns import ContextTally, FileColumns, find_file_columns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import open_rows, scan_rows
from insula.data.formats.writers import STDOUT
from insula.data.options import DataOptions
from insula.inference.cluster_address import check_address
from insula.inference.groups import Group, read_groups
from insula.inference.outputs import Output, Sink, open_output, output_kind
from insula.inference.overlap import prefetched
from insula.inference.predictor import CHUNK, Predictor
from insula.inference.rejects import Rejects

ENGINES = ("local", "ray")
PredictGroup = Callable[[], list[Prediction]]


@dataclass(frozen=True)
class FileResult:
    """What became of a file.

    output    where the predictions stand (an address is text), None where a function took them
    rows      how many are predicted; `kept` of them already were by the run that this one went on with
    rejected  how many could not be read or had no text
    rejects   the file that holds the latter, None where there were none
    warnings  sentences on what was repaired on the way
    """

    output: Path | str | None
    rows: int
    rejected: int
    rejects: Path | None
    seconds: float
    warnings: tuple[str, ...]
    kept: int = 0

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
    """Predict every row of `source` into `output`, in order; all its columns come along.

    output    a file, `-` for standard output, or a function that takes the predictions, some thousands at a time
    context, dialogue, turn, speaker, target   columns with the context of a text, as in `DataOptions`; where
              they are not given and the model reads context, those with usual names. The rows of a dialogue follow
              each other in the file, other rows between them or not
    rejects   default: `OUTPUT.rejects.jsonl`, else `SOURCE.rejects.jsonl` in the working folder
    resume    go on with what a stopped run of the same job left beside the output; where nothing is left, start
    engine    `local`, or `ray`: `workers` processes run the model, on this machine or the cluster at `address`

    Columns that clash are renamed (`PredictedColumns`); plain lines hold the decided labels alone, joined by `|`.
    Nothing stands under `output` until the last row is written; until then parts stand in a hidden folder beside it.
    A resumed output is the same, byte for byte, as that of a run that was left alone: what is computed together
    depends on the rows alone. Raises `DataError`, `MissingFileError`, `OutputError`.
    """
    progress = progress or Silent()
    several = context if context is None or isinstance(context, str) else tuple(context)
    options = DataOptions.checked(
        text=text, context=several, dialogue=dialogue, turn=turn, speaker=speaker, target=target
    )
    _check_engine(engine, source, address, workers)
    place = Path(rejects) if rejects is not None else _default_rejects(source, output)
    aside = Rejects(place, asked_for=rejects is not None)
    if str(source) != STDIN:
        require_different(place, source, name="rejects")
    if not callable(output):
        require_different(place, output, name="rejects", other="output")
        if str(source) != STDIN:
            require_different(output, source)
    kind = output_kind(output, output_format, predictor.scheme)
    began = time.monotonic()
    with aside, open_rows(source, batch_size=CHUNK, format=input_format, on_reject=aside.add) as reader:
        columns = find_file_columns(
            reader.columns,
            repr(str(source)),
            predictor.context,
            options=options,
            most_characters=predictor.preparation.max_length,
        )
        is_file = str(source) != STDIN and Path(source).is_file()
        whole = is_file and kind is not None and str(output) != STDOUT
        job = _job(predictor, source, columns, input_format, kind) if whole else None
        if resume and job is None:
            raise DataError("Only a job from a file into a file can be resumed. Name both, or leave out resume.")
        context_tally = ContextTally()
        groups = read_groups(reader, columns, aside, context_tally)
        with (
            open_output(
                output,
                kind,
                reader,
                columns.text,
                predictor.scheme,
                job=job,
                resume=resume,
                every=scan_rows(source, batch_size=CHUNK, format=input_format, progress=progress)
                if is_file and reader.columns_vary
                else None,
            ) as out,
            _drawn(progress),
            _ready(groups, predictor, out, beside=is_file)
            if engine == "local"
            else _ready_on_ray(groups, predictor, out, source, columns, input_format, address, workers) as ready,
        ):
            tally = _Tally(progress)
            for group, answer in ready:
                if answer is None:
                    out.skip(group)
                else:
                    out.take(group, answer())
                tally.count(group, new=answer is not None)
            tally.rest(aside.count)
        warnings = (*reader.warnings, *context_tally.warnings(columns, predictor.context))
    aside.remove_stale()
    return FileResult(
        output=None if callable(output) else Path(output),
        rows=tally.rows,
        rejected=aside.count,
        rejects=aside.path if aside.count and aside.kept else None,
        seconds=time.monotonic() - began,
        warnings=warnings,
        kept=tally.rows - tally.new,
    )


@contextlib.contextmanager
def _ready(
    groups: Iterable[Group], predictor: Predictor, out: Output, *, beside: bool
) -> Iterator[Iterator[tuple[Group, PredictGroup | None]]]:
    """Yield groups that wait for the model alone, None in its place where nothing is to do.

    The next group is read, prepared and tokenised `beside` the model; what people type is waited for where they can
    stop it.
    """

    def encoded(group: Group) -> PredictGroup | None:
        if not group.rows or group.number in out.finished:
            return None
        return partial(predictor.finish, predictor.encode(group.inputs))

    prepared = ((group, encoded(group)) for group in groups)
    if not beside:
        yield prepared
        return
    with prefetched(prepared) as ready:
        yield ready


@contextlib.contextmanager
def _ready_on_ray(
    groups: Iterable[Group],
    predictor: Predictor,
    out: Output,
    source: str | Path,
    columns: FileColumns,
    input_format: str | None,
    address: str | None,
    workers: int | None,
) -> Iterator[Iterator[tuple[Group, PredictGroup | None]]]:
    """Yield groups whose answers come from workers, None in its place where nothing is to do."""
    from insula.inference.cluster import Cluster, ReadPlan, cluster_logits

    if predictor.folder is None:
        raise DataError("The engine 'ray' needs a model that was opened from a folder. Use the engine 'local'.")
    reading = ReadPlan(str(Path(source).absolute()), columns, input_format, CHUNK, out.finished)
    with cluster_logits(predictor.folder, reading, Cluster(address, workers), predictor.engine) as logits_of:

        def answer(group: Group) -> list[Prediction]:
            return predictor.answer(group.inputs, logits_of(group.number))

        yield (
            (group, partial(answer, group) if group.rows and group.number not in out.finished else None)
            for group in groups
        )


def _check_engine(engine: str, source: str | Path, address: str | None, workers: int | None) -> None:
    if engine not in ENGINES:
        raise DataError(f"The engine must be one of {', '.join(ENGINES)}. Got {engine!r}.{nearest(engine, ENGINES)}")
    if engine == "local" and (address is not None or workers is not None):
        raise DataError("An address and a number of workers go with the engine 'ray'. Name it, or leave them out.")
    if workers is not None and workers < 1:
        raise DataError(f"The number of workers must be at least 1. Got {workers}; leave it out to use all processors.")
    if engine == "ray":
        require("ray", extra="ray", purpose="predict on several processes or machines")
        if str(source) == STDIN or not Path(source).is_file():
            raise DataError(f"The engine 'ray' reads files. Got {str(source)!r}; name a file, or use 'local'.")
        if address is not None:
            check_address(address)


class _Tally:
    """Counts rows and tells the progress: how many there may be, how many a second."""

    def __init__(self, progress: Progress) -> None:
        self.rows = self.new = self._seen = 0
        self._progress = progress
        self._began = time.monotonic()

    def count(self, group: Group, *, new: bool) -> None:
        """Count a group that is done; `new` where it was done just now."""
        self.rows += len(group.rows)
        self.new += len(group.rows) if new else 0
        if group.share:
            self._progress.expect(max(group.seen, round(group.seen / group.share)))
        if new:
            self._advance(group.seen)
            return
        if not self.new:  # the clock starts with the first group that has something to do
            self._began = time.monotonic()
        self._progress.skip(group.seen - self._seen)
        self._seen = group.seen

    def rest(self, rejected: int) -> None:
        """Count rows that were set aside after the last group."""
        if self.rows + rejected > self._seen:
            self._advance(self.rows + rejected)

    def _advance(self, seen: int) -> None:
        rate = self.new / max(time.monotonic() - self._began, 1e-9)
        self._progress.advance(seen - self._seen, **({"rows/s": rate} if self.new else {}))
        self._seen = seen


def _job(
    predictor: Predictor, source: str | Path, columns: FileColumns, given: str | None, kind: str | None
) -> dict[str, Any]:
    """Return what an output depends on: jobs that are alike give the same bytes."""
    return {
        "insula": __version__,
        "model": predictor.fingerprint,
        "input": sha256(source),
        "input format": given,
        "text column": columns.text,
        "context columns": [list(pair) for pair in columns.conversation.named] or None,
        "output format": kind,
        "rows a group": CHUNK,
    }


@contextlib.contextmanager
def _drawn(progress: Progress) -> Iterator[None]:
    progress.start("predicting")
    try:
        yield
    finally:
        progress.finish()


def _default_rejects(source: str | Path, output: str | Path | Sink) -> Path:
    if callable(output) or str(output) == STDOUT:
        name = "stdin" if str(source) == STDIN else Path(source).name
        return Path(f"{name}.rejects.jsonl")
    return Path(f"{output}.rejects.jsonl")
