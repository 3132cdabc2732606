"""What is finished of an output, kept beside it until it can be joined: a killed job goes on from there."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.errors import DataError
from insula.core.files import output_errors, write_json
from insula.core.locks import exclusive_writer
from insula.data.formats.part_writer import Layout, PartFormat
from insula.data.formats.row_reader import Row

JOB, LAYOUT, ENDING = "job.json", "layout.json", ".part"
Job = Mapping[str, Any]


def parts_folder(output: str | Path) -> Path:
    """Return the hidden folder beside an output where its parts stand."""
    return Path(output).with_name(f".{Path(output).name}.parts")


def can_resume(output: str | Path) -> bool:
    """True where a stopped job left something of this output to go on with."""
    return (parts_folder(output) / JOB).exists()


class OutputParts:
    """The parts of one output, numbered by group.

    job.json     what they are parts of: model, input, columns; None where nobody can go on with them
    layout.json  what was found in all rows, or what the first ones fixed for all
    000007.part  the rows of group 7; it appears whole or not at all
    """

    def __init__(self, folder: Path, output: Path, form: PartFormat) -> None:
        self.folder = folder
        self._output = output
        self._form = form
        self._layout: Layout | None = None

    @property
    def finished(self) -> frozenset[int]:
        """The numbers of finished groups."""
        return frozenset(int(file.stem) for file in self._files())

    def write(self, number: int, rows: Sequence[Row]) -> None:
        """Write the rows of a group; `OutputError`, `DataError` where they do not fit the first ones."""
        with output_errors(self._output):
            self._keep(self._form.write(self._file(number), rows, self._layout))

    def set_layout(self, batches: Iterable[Sequence[Row]], more: Sequence[str]) -> None:
        """Find the layout in all rows before the first is written; the columns `more` come behind theirs."""
        with output_errors(self._output):
            self._keep(self._form.layout_of(batches, more))

    def join(self, columns: Sequence[str]) -> None:
        """Write the output; `columns` are its header where there are no rows."""
        self._form.join(self._files(), self._layout, columns)

    def start(self, job: Job | None, *, resume: bool) -> None:
        """Go on with what is there, or start anew; `DataError` where it is of another job."""
        file, layout = self.folder / JOB, self.folder / LAYOUT
        for cut_off in self.folder.glob(f".*{ENDING}"):
            cut_off.unlink()
        if resume and file.exists():
            _require_same(json.loads(file.read_text(encoding="utf-8")), job, self._output)
            if layout.exists():
                self._layout = json.loads(layout.read_text(encoding="utf-8"))
                return
        # A part without its layout is not gone on with, either: it was the first and is soon made again.
        for stale in (layout, file, *self._files()):
            stale.unlink(missing_ok=True)
        if job is not None:
            write_json(file, dict(job))

    def _keep(self, layout: Layout) -> None:
        if self._layout is None:
            write_json(self.folder / LAYOUT, layout)
            self._layout = layout

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"[0-9]*{ENDING}"))  # what is being written has a hidden name

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:09d}{ENDING}"


@contextlib.contextmanager
def open_parts(output: Path, form: PartFormat, job: Job | None, *, resume: bool) -> Iterator[OutputParts]:
    """Yield the parts of `output`; they are taken away at the end.

    Where the block was stopped or failed, they stay if a group is finished and the job can be gone on with; a refusal
    of the input (`DataError`) leaves nothing. `OutputError` where another process writes the same output.
    """
    folder = parts_folder(output)
    with output_errors(output):
        if output.is_dir():  # known before hours of work, not after
            raise IsADirectoryError(errno.EISDIR, "a folder", str(output))
        folder.mkdir(parents=True, exist_ok=True)
    with exclusive_writer(folder):
        parts = OutputParts(folder, output, form)
        keep = True  # of an earlier run, until it is known that this one takes over
        try:
            with output_errors(output):
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


def _require_same(known: Mapping[str, Any], job: Job | None, output: Path) -> None:
    if job is None:
        raise DataError("The input of a job that is gone on with must be a file. Got a stream; leave out resume.")
    if different := [name for name in job if known.get(name) != job[name]]:
        raise DataError(
            f"What is kept of {str(output)!r} is of another job: the {', '.join(different)} differ. "
            "Give what was given then, or leave out resume to start anew."
        )
