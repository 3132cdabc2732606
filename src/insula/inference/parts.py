"""The finished parts of an output, stored next to it until they are joined, so that a killed job can be resumed."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.errors import DataError
from insula.core.files import convert_output_errors, write_json
from insula.core.locks import lock_for_writing
from insula.core.outputs import require_different
from insula.core.progress import Progress
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import ReadOptions, find_written_format, scan_rows
from insula.data.formats.part_writer import BINARY, Layout, PartWriter
from insula.data.formats.row_reader import Row, RowReader
from insula.data.formats.writers import STDOUT, open_writer
from insula.data.renamed_columns import RenamedColumns

JOB, LAYOUT, ENDING = "job.json", "layout.json", ".part"
NESTED = ("jsonl", "json")  # formats whose cells may be objects; others hold them as JSON text
Job = Mapping[str, Any]


def get_parts_folder(output: str | Path) -> Path:
    """Return the hidden folder for the parts of an output, next to it."""
    return Path(output).with_name(f".{Path(output).name}.parts")


def can_resume(output: str | Path) -> bool:
    """Return whether an interrupted job left parts of this output."""
    return (get_parts_folder(output) / JOB).exists()


class OutputParts:
    """The parts of one output, numbered by batch.

    job.json     the job that they belong to (model, input, columns); missing if it cannot be resumed
    layout.json  the columns and types of all rows, or those that the first rows fixed
    000007.part  the rows of batch 7, written atomically
    """

    def __init__(self, folder: Path, output: Path, part_format: PartWriter) -> None:
        self.folder = folder
        self._output = output
        self._format = part_format
        self._layout: Layout | None = None

    @property
    def finished(self) -> frozenset[int]:
        """The numbers of finished batches."""
        return frozenset(int(file.stem) for file in self._list_files())

    def write(self, number: int, rows: Sequence[Row]) -> None:
        """Write the rows of a batch. Raises `OutputError`, and `DataError` if they do not match the first rows."""
        with convert_output_errors(self._output):
            self._store_layout(self._format.write(self._get_file(number), rows, self._layout))

    def set_layout(self, batches: Iterable[Sequence[Row]], more: Sequence[str]) -> None:
        """Find the layout of all rows before the first is written; the columns `more` are appended."""
        with convert_output_errors(self._output):
            self._store_layout(self._format.build_layout(batches, more))

    def join(self, columns: Sequence[str]) -> None:
        """Join the parts into the output; `columns` is the header if there are no rows."""
        self._format.join(self._list_files(), self._layout, columns)

    def start(self, job: Job | None, *, resume: bool) -> None:
        """Resume with the existing parts, or remove them. Raises `DataError` if they belong to another job."""
        file, layout = self.folder / JOB, self.folder / LAYOUT
        for incomplete in self.folder.glob(f".*{ENDING}"):
            incomplete.unlink()
        if resume and file.exists():
            _require_same_job(json.loads(file.read_text(encoding="utf-8")), job, self._output)
            if layout.exists():
                self._layout = json.loads(layout.read_text(encoding="utf-8"))
                return
        # A part without a layout is the first one: it is removed too, and soon written again.
        for stale in (layout, file, *self._list_files()):
            stale.unlink(missing_ok=True)
        if job is not None:
            write_json(file, dict(job))

    def _store_layout(self, layout: Layout) -> None:
        if self._layout is None:
            write_json(self.folder / LAYOUT, layout)
            self._layout = layout

    def _list_files(self) -> list[Path]:
        return sorted(self.folder.glob(f"[0-9]*{ENDING}"))  # unfinished files have hidden names

    def _get_file(self, number: int) -> Path:
        return self.folder / f"{number:09d}{ENDING}"


@contextlib.contextmanager
def open_parts(output: Path, part_format: PartWriter, job: Job | None, *, resume: bool) -> Iterator[OutputParts]:
    """Yield the parts of `output`, and remove them at the end.

    If the block was interrupted or failed, they are kept if a batch is finished and the job can be resumed. They are
    removed if the input was rejected (`DataError`). Raises `OutputError` if another process writes the same output.
    """
    folder = get_parts_folder(output)
    with convert_output_errors(output):
        if output.is_dir():  # fail before hours of work, not after
            raise IsADirectoryError(errno.EISDIR, "a folder", str(output))
        folder.mkdir(parents=True, exist_ok=True)
    with lock_for_writing(folder):
        parts = OutputParts(folder, output, part_format)
        keep = True  # keep the parts of an earlier run until this one has taken over
        try:
            with convert_output_errors(output):
                parts.start(job, resume=resume)
            keep = False
            yield parts
        except DataError:
            raise
        except BaseException:
            keep = job is not None and bool(parts.finished)
            raise
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class ExtendedFile:
    """The result of writing the rows of a file with further columns.

    output    the file written
    rows      number of rows written; an earlier, resumed run had written `kept` of them
    rejected  number of rows that could not be read or had no text; `first_reject` gives line and reason of the first
    seconds   wall-clock time
    warnings  sentences on columns that were chosen, on context that was not read, and on what was repaired
    """

    output: Path
    rows: int
    rejected: int
    first_reject: str | None
    seconds: float
    warnings: tuple[str, ...]
    kept: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.__dict__,
            "output": str(self.output),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class ExtendedOutput:
    """An output with the columns of the input and more.

    kept      the columns of the input
    finished  numbers of batches that an earlier run finished
    put       writes rows of the batch with a number
    nested    whether a cell may hold an object; otherwise it holds JSON text
    progress  of the rows
    """

    kept: RenamedColumns
    finished: frozenset[int]
    put: Callable[[int, list[Row]], None]
    nested: bool
    progress: Progress

    def keep(self, number: int, rows: Sequence[Row]) -> bool:
        """Return whether an earlier run finished the batch with this number; its rows count as done then."""
        if number not in self.finished:
            return False
        self.kept.add_columns(rows)
        self.progress.skip(len(rows))
        return True

    def write(self, number: int, rows: Sequence[Row], added: Sequence[Row]) -> None:
        """Write the rows of a batch, each with its cells for the added columns."""
        if rows:
            self.put(number, [self.kept.rename_columns(row) | new for row, new in zip(rows, added, strict=True)])


def check_extended_output(source: str | Path, output: str | Path, *, resume: bool, what: str) -> tuple[str, bool]:
    """Return the format of a widened output, and whether the input is a file, not a stream.

    what  completes the sentence "Only ... from a file into a file can be resumed."

    Raises `DataError` for the same file twice, an unknown format, and a stream that is to be resumed.
    """
    if str(source) != STDIN:
        require_different(output, source)
    kind = "jsonl" if str(output) == STDOUT else find_written_format(output)
    is_file = str(source) != STDIN and Path(source).is_file()
    if resume and not (is_file and str(output) != STDOUT):
        raise DataError(f"Only {what} from a file into a file can be resumed. Pass both, or leave out resume.")
    return kind, is_file


@contextlib.contextmanager
def open_extended_output(
    output: str | Path,
    kind: str,
    reader: RowReader,
    added: Sequence[str],
    job: Job | None,
    *,
    list_types: Callable[[], Mapping[str, Any]],
    resume: bool,
    source: str | Path,
    reading: ReadOptions,
    batch_size: int,
    progress: Progress,
) -> Iterator[ExtendedOutput]:
    """Yield an output for the rows of `reader` with added columns; it appears at the end of the block.

    kind        the format of the output, such as `jsonl`
    added       the added columns; a column of the input with such a name becomes `input_NAME`
    job         everything that the output depends on; None for a stream
    list_types  returns the Arrow types of the added columns
    source, reading, batch_size  the input, which is read twice if its columns may differ and the output is a table
    """
    kept, nested = RenamedColumns(reader.columns, added), kind in NESTED
    if str(output) == STDOUT:
        with open_writer(output) as writer:
            yield ExtendedOutput(kept, frozenset(), lambda _, rows: writer.write(rows), nested, progress)
        return
    types = kept.rename_types(reader.types) | dict(list_types()) if kind in BINARY else None
    part_format = PartWriter(Path(output), kind, types=types)
    with open_parts(Path(output), part_format, job, resume=resume) as parts:
        must_scan = reader.columns_vary and job is not None
        if must_scan and part_format.is_table and (kind not in BINARY or not reader.types):
            scan = scan_rows(source, batch_size=batch_size, reading=reading, progress=progress)
            parts.set_layout(([kept.rename_columns(row) for row in some] for some in scan), added)
        yield ExtendedOutput(kept, parts.finished, parts.write, nested, progress)
        parts.join([*kept.renamed_columns, *added])


def _require_same_job(known: Mapping[str, Any], job: Job | None, output: Path) -> None:
    if job is None:
        raise DataError("The input of a resumed job must be a file. Got a stream. Leave out resume.")
    if different := [name for name in job if known.get(name) != job[name]]:
        raise DataError(
            f"The unfinished parts of {str(output)!r} belong to another job with different {', '.join(different)}. "
            "Repeat the arguments of that job, or leave out resume to start again."
        )
