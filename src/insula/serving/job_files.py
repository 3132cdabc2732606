"""`JobFiles`: the folder of each job on the disk, with its state, upload and result, and how much they may occupy."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from insula.core.errors import InsulaError, SettingsError
from insula.core.files import convert_output_errors, write_json
from insula.serving.authentication.callers import LOCAL
from insula.serving.http.problems import ProblemError
from insula.serving.settings.sections import Jobs
from insula.serving.temporary_folder import TemporaryFolder

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
PUBLIC = ("id", "status", "model", "rows", "rejected", "detail", "warnings")
JOB, RESULT, REJECTS = "job.json", "result.jsonl", "rejects.jsonl"

log = logging.getLogger("insula.serving")


@dataclass(frozen=True)
class Job:
    """One file.

    source       the file with its rows
    model        the model that predicts them
    text         the column with the text; None to find it
    columns      the columns of conversations and the format, as options of `predict_file`
    created      seconds since 1970
    caller       id of the caller whose quota is charged
    texts_per_day  the daily quota of the caller, None for no quota
    detail       why it failed, in English; `reason` is the code of that and `values` the values in it, by which the
                 pages say it in their own words
    """

    id: str
    status: str
    model: str
    source: str
    text: str | None = None
    rows: int = 0
    rejected: int = 0
    detail: str | None = None
    created: float = 0.0
    caller: str = ""
    texts_per_day: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    reason: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The id of the caller that the job belongs to; jobs of older services name none."""
        return self.caller or LOCAL.id

    def to_public_dict(self) -> dict[str, Any]:
        """Return the fields that its caller may see, without paths of the server."""
        return {name: getattr(self, name) for name in PUBLIC}


def _read_job(file: Path) -> Job:
    fields = json.loads(file.read_text(encoding="utf-8"))
    if "texts_a_day" in fields:  # a service before version 0.3 stored it
        fields["texts_per_day"] = fields.pop("texts_a_day")
    return Job(**fields)


class JobFiles:
    """The folders of jobs, in `jobs.folder` or in a temporary folder."""

    def __init__(self, settings: Jobs) -> None:
        self._settings = settings
        self._temporary: TemporaryFolder | None = None
        self.folder = Path()

    def open(self) -> None:
        """Create the folder if it is missing; raise `SettingsError` if it is not writable."""
        if self._settings.folder is None:
            self._temporary = TemporaryFolder()
        self.folder = self._temporary.path if self._temporary else Path(str(self._settings.folder))
        try:
            with convert_output_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
        except InsulaError as error:
            raise SettingsError(f"The setting jobs.folder is wrong: {error}") from error

    def close(self) -> None:
        """Delete the folder if it is a temporary one."""
        if self._temporary is not None:
            self._temporary.remove()

    def create(self) -> tuple[str, Path]:
        """Return the id and the folder of a future job."""
        name = secrets.token_hex(16)
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        return name, folder

    def delete(self, name: str) -> None:
        """Delete the folder of a job."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def delete_contents(self, name: str) -> None:
        """Delete the upload and the parts of the result of a job, as far as the disk allows, but not its state."""
        with contextlib.suppress(OSError):
            for path in list((self.folder / name).iterdir()):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name != JOB:
                    path.unlink(missing_ok=True)

    def save(self, job: Job) -> None:
        """Store the state of a job; raise `OutputError` if the disk does not take it."""
        write_json(self.folder / job.id / JOB, asdict(job))

    def load(self) -> Iterator[Job]:
        """Yield the stored jobs that can be read."""
        for file in self.folder.glob(f"*/{JOB}"):
            try:
                yield _read_job(file)
            except (OSError, ValueError, TypeError):
                log.error("The job %s cannot be read and is skipped.", file.parent.name)

    def check_space(self, names: Iterable[str]) -> None:
        """Raise `ProblemError` if the jobs of one caller, by these ids, occupy too much, or the disk is nearly full."""
        settings = self._settings
        if sum(_count_bytes(self.folder / name) for name in names) > settings.caller_bytes:
            raise ProblemError(
                "overloaded",
                f"Your files and their results may occupy {settings.caller_bytes:,} bytes. Delete finished jobs, or "
                "send a smaller file.",
                headers={"retry-after": "60"},
            )
        if shutil.disk_usage(self.folder).free < settings.free_bytes:
            raise ProblemError(
                "unavailable",
                "The disk of the service is nearly full. Send the file again later.",
                headers={"retry-after": "60"},
            )


def _count_bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder, which others may change meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):  # skips folders that vanish
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
