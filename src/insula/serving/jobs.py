"""`JobRunner`: predicts files in the background, one after another; a restart resumes unfinished ones."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from insula.api.prediction import predict_file
from insula.core.errors import InsulaError, OutputError, SettingsError
from insula.core.files import output_errors, write_json
from insula.core.progress import Silent
from insula.serving.authentication.callers import Caller
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.low_priority import at_low_priority
from insula.serving.served_models import ServedModels
from insula.serving.settings.sections import Jobs as JobSettings

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
PUBLIC = ("id", "status", "model", "rows", "rejected", "detail", "warnings")
JOB, RESULT, REJECTS = "job.json", "result.jsonl", "rejects.jsonl"
POLL_SECONDS = 0.5  # between two checks whether the service is stopping
# Seconds that a batch of a file waits for requests; without a limit a busy server would never predict the file.
MAX_YIELD = 1.0

log = logging.getLogger("insula.serving")


@dataclass(frozen=True)
class Job:
    """One file.

    source       the file with its rows
    model        the model that predicts them
    text         the column with the text; None to find it
    columns      the columns of conversations, as options of `predict_file`
    created      seconds since 1970
    caller       id of the caller whose quota is charged
    texts_a_day  the daily quota of the caller, None for no quota
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
    texts_a_day: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def public(self) -> dict[str, Any]:
        """Return the fields that its caller may see: no path of the server is among them."""
        return {name: getattr(self, name) for name in PUBLIC}


class QuotaError(Exception):
    """The daily quota of the job's caller is used up."""


class StoppedError(Exception):
    """The service stops, or the job was deleted; rows that are done stay."""


class JobRunner:
    """Stores each job in a folder of its own, and predicts them in one thread.

    charge  charges texts to a caller with a daily quota, and returns whether the quota had room for them

    Everybody who knows a job's id, 128 random bits, may see it.
    """

    def __init__(
        self, settings: JobSettings, models: ServedModels, charge: Callable[[str, int, int], bool] = lambda *_: True
    ) -> None:
        self._settings = settings
        self._charge = charge
        self._models = models
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder = Path()

    def start(self) -> None:
        """Queue the unfinished jobs in the folder, and start; raise `SettingsError` if it cannot be written."""
        if self._settings.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="insula-jobs-")
        self._folder = Path(self._temporary.name if self._temporary else str(self._settings.folder))
        try:
            with output_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
        except InsulaError as error:
            raise SettingsError(f"The setting jobs.folder is wrong: {error}") from error
        for job in sorted(self._load(), key=lambda job: job.created):
            self._jobs[job.id] = job
            if job.status in (WAITING, RUNNING):
                self._queue.put(job.id)
        self._purge()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="insula-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current rows; the next start resumes the rest."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._temporary is not None:
            self._temporary.cleanup()

    def check_room(self) -> None:
        """Raise `ProblemError` if there is no room for another job."""
        self._purge()
        if len(self._jobs) >= self._settings.most:
            raise ProblemError(
                "overloaded",
                "There are too many jobs. Delete finished ones with DELETE.",
                headers={"retry-after": "60"},
            )

    def allowed(self, path: str) -> Path:
        """Return the path of a file that a job may read; raise the same `ProblemError` for every other path."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            whole = Path(path).resolve(strict=True)
            if whole.is_file() and any(whole.is_relative_to(folder.resolve()) for folder in self._settings.sources):
                return whole
        raise ProblemError("not_found", "The path must be a file in one of the folders that jobs may read.")

    def new_folder(self) -> tuple[str, Path]:
        """Return the id and the folder of a future job."""
        name = secrets.token_hex(16)
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        return name, folder

    def delete_folder(self, name: str) -> None:
        """Delete the folder of a failed upload or a removed job."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def add(self, name: str, source: Path, model: str, columns: Mapping[str, Any], caller: Caller) -> Job:
        """Queue a job, whose texts are charged to its caller; `columns` are options of `predict_file`."""
        job = Job(
            name,
            WAITING,
            model,
            str(source),
            columns.get("text"),
            columns={option: column for option, column in columns.items() if option != "text"},
            created=time.time(),
            caller=caller.id,
            texts_a_day=caller.limits.texts_a_day,
        )
        with self._lock:
            self._save(job)
        self._queue.put(name)
        return job

    def find(self, name: str) -> Job:
        """Return a job; raise `ProblemError` if it does not exist."""
        job = self._jobs.get(name)
        if job is None:
            raise ProblemError("not_found", "The job does not exist.")
        return job

    def file(self, name: str, which: str) -> Path:
        """Return the result or the rejects of a job; raise `ProblemError` if it is not done, or has none."""
        job = self.find(name)
        if job.status != DONE:
            raise ProblemError("conflict", f"The job must be done to have a result. It is {job.status}.")
        file = self._folder / name / which
        if not file.exists():
            raise ProblemError("not_found", "The job has no such file: no row was rejected.")
        return file

    def remove(self, name: str) -> None:
        """Delete a job with all its files, even while it runs."""
        self.find(name)
        with self._lock:
            running = self._jobs.pop(name).status == RUNNING
        if not running:  # otherwise the thread deletes it once it has closed its files
            self.delete_folder(name)

    def _load(self) -> list[Job]:
        found = []
        for file in self._folder.glob(f"*/{JOB}"):
            try:
                found.append(Job(**json.loads(file.read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError):
                log.error("The job %s cannot be read and is skipped.", file.parent.name)
        return found

    def _save_existing(self, job: Job) -> bool:
        """Save the state of a job; return False if it was deleted meanwhile."""
        with self._lock:
            if job.id not in self._jobs:
                return False
            self._save(job)
        return True

    def _save(self, job: Job) -> None:
        self._jobs[job.id] = job
        write_json(self._folder / job.id / JOB, asdict(job))

    def _purge(self) -> None:
        oldest = time.time() - self._settings.keep_hours * 3600
        for job in [job for job in self._jobs.values() if job.status in (DONE, FAILED) and job.created < oldest]:
            with contextlib.suppress(ProblemError):
                self.remove(job.id)

    def _work(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                job = self._jobs.get(self._queue.get(timeout=POLL_SECONDS))
                if job is not None:
                    self._run_safely(job)

    def _run_safely(self, job: Job) -> None:
        try:
            self._run(job)
        except OutputError as error:  # a full disk; the next start resumes this job, the others run now
            log.error("The state of the job %s cannot be saved: %s", job.id, error)

    def _run(self, job: Job) -> None:
        folder = self._folder / job.id
        job = replace(job, status=RUNNING, rows=0)
        if not self._save_existing(job):
            return
        try:
            model = self._models.find(job.model)
            result = predict_file(
                job.source,
                folder / RESULT,
                at_low_priority(model.predictor, partial(model.batcher.wait_until_idle, MAX_YIELD)),
                text=job.text,
                **job.columns,
                rejects=folder / REJECTS,
                resume=True,
                progress=_JobProgress(self, job),
            )
            warnings = [warning.replace(job.source, "the file") for warning in result.warnings]
            job = replace(job, status=DONE, rows=result.rows, rejected=result.rejected, warnings=warnings)
        except StoppedError:
            job = replace(job, status=WAITING)
        except QuotaError:
            job = replace(
                job, status=FAILED, detail="The quota of texts for today is used up. Send the file again tomorrow."
            )
        except ProblemError as error:
            job = replace(job, status=FAILED, detail=error.detail)
        except InsulaError as error:
            # The message contains the path of the file on the server.
            job = replace(job, status=FAILED, detail=str(error).replace(job.source, "the file"))
        except Exception as error:  # noqa: BLE001 - an error of one file must not end the thread
            log.error("A job failed with %s.", type(error).__name__)
            job = replace(
                job, status=FAILED, detail="The file could not be predicted. The error is in the log of the service."
            )
        if not self._save_existing(job):
            self.delete_folder(job.id)

    def advance(self, job: Job, rows: int) -> None:
        """Count rows of a job; raise `StoppedError` if it must stop, `QuotaError` if its caller's quota is used up."""
        if job.texts_a_day is not None and not self._charge(job.caller, rows, job.texts_a_day):
            raise QuotaError
        with self._lock:
            if self._stopping.is_set() or job.id not in self._jobs:
                raise StoppedError
            self._jobs[job.id] = replace(self._jobs[job.id], rows=self._jobs[job.id].rows + rows)


class _JobProgress(Silent):
    """Counts the rows of a job."""

    def __init__(self, runner: JobRunner, job: Job) -> None:
        self._runner = runner
        self._job = job

    def advance(self, steps: int = 1, **figures: float) -> None:
        self._runner.advance(self._job, steps)
