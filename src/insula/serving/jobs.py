"""Files predicted in the background, one after another; a restart goes on where the last one stopped."""

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
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from insula.api.prediction import predict_file
from insula.core.errors import InsulaError, OutputError, SettingsError
from insula.core.files import output_errors, write_json
from insula.core.progress import Silent
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.giving_way import giving_way
from insula.serving.served_models import ServedModels
from insula.serving.settings.settings import Jobs as JobSettings

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
JOB, RESULT, REJECTS = "job.json", "result.jsonl", "rejects.jsonl"
LOOKS = 0.5  # seconds between looks whether the service is about to stop
MOST_WAY = 1.0  # seconds for which a batch of a file gives way to requests; without an end none would ever be done

log = logging.getLogger("insula.serving")


@dataclass(frozen=True)
class Job:
    """One file.

    source    where its rows are
    model     who judges them
    text      the column with the text; None to find it
    created   seconds since 1970
    caller    whose quota its texts count against, `texts_a_day`; None for no quota
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

    def said(self) -> dict[str, Any]:
        """Return what its owner may know: no path of this machine."""
        return {name: getattr(self, name) for name in ("id", "status", "model", "rows", "rejected", "detail")}


class QuotaError(Exception):
    """The texts of the day of whoever gave the job are used up."""


class StoppedError(Exception):
    """The service stops, or the job was taken away: what is finished of it stays."""


class JobRunner:
    """Keeps jobs in a folder, a folder each, and works through them in one thread.

    `spend` counts a caller's texts against a quota a day, and returns whether there was room for them.

    Who knows a job's id, 128 random bits, may see it.
    """

    def __init__(
        self, settings: JobSettings, models: ServedModels, spend: Callable[[str, int, int], bool] = lambda *_: True
    ) -> None:
        self._settings = settings
        self._spend = spend
        self._models = models
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder = Path()

    def start(self) -> None:
        """Read the folder, take up what was not finished, and begin; `SettingsError` where it cannot be written."""
        if self._settings.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="insula-jobs-")
        self._folder = Path(self._temporary.name if self._temporary else str(self._settings.folder))
        try:
            with output_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
        except InsulaError as error:
            raise SettingsError(f"The setting jobs.folder is wrong: {error}") from error
        for job in sorted(self._stored(), key=lambda job: job.created):
            self._jobs[job.id] = job
            if job.status in (WAITING, RUNNING):
                self._queue.put(job.id)
        self._purge()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="insula-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the rows that are computed just now; what is left is gone on with by the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._temporary is not None:
            self._temporary.cleanup()

    def room(self) -> None:
        """Raise `ProblemError` where no further job is kept."""
        self._purge()
        if len(self._jobs) >= self._settings.most:
            raise ProblemError(
                "overloaded",
                "No further job is kept here. Take finished ones away with DELETE.",
                headers={"retry-after": "60"},
            )

    def allowed(self, path: str) -> Path:
        """Return a file that a job may read; `ProblemError`, the same for each reason, where it may not."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            whole = Path(path).resolve(strict=True)
            if whole.is_file() and any(whole.is_relative_to(folder.resolve()) for folder in self._settings.sources):
                return whole
        raise ProblemError("not_found", "The path must be a file in one of the folders that jobs may read.")

    def new_folder(self) -> tuple[str, Path]:
        """Return the id and the folder of a job to be."""
        name = secrets.token_hex(16)
        folder = self._folder / name
        folder.mkdir(mode=0o700)
        return name, folder

    def forget(self, name: str) -> None:
        """Take a folder away that became no job."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def add(
        self, name: str, source: Path, model: str, text: str | None, quota: tuple[str, int | None] = ("", None)
    ) -> Job:
        """Queue a job, whose texts count against the `quota` of a caller."""
        caller, texts_a_day = quota
        job = Job(name, WAITING, model, str(source), text, 0, 0, None, time.time(), caller, texts_a_day)
        with self._lock:
            self._note(job)
        self._queue.put(name)
        return job

    def find(self, name: str) -> Job:
        """Return a job; `ProblemError` where there is none."""
        job = self._jobs.get(name)
        if job is None:
            raise ProblemError("not_found", "There is no such job.")
        return job

    def file(self, name: str, which: str) -> Path:
        """Return the result or the rejects of a job; `ProblemError` where it is not done, or has none."""
        job = self.find(name)
        if job.status != DONE:
            raise ProblemError("conflict", f"The job is {job.status}: there is no result.")
        file = self._folder / name / which
        if not file.exists():
            raise ProblemError("not_found", "The job has no such file.")
        return file

    def remove(self, name: str) -> None:
        """Take a job away with all its files, whatever it is doing."""
        self.find(name)
        with self._lock:
            running = self._jobs.pop(name).status == RUNNING
        if not running:  # else the thread does it, when it is no longer at work there
            self.forget(name)

    def _stored(self) -> list[Job]:
        found = []
        for file in self._folder.glob(f"*/{JOB}"):
            try:
                found.append(Job(**json.loads(file.read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError):
                log.error("The job %s cannot be read and is left alone.", file.parent.name)
        return found

    def _keep(self, job: Job) -> bool:
        """Note what became of a job; False where it was taken away meanwhile."""
        with self._lock:
            if job.id not in self._jobs:
                return False
            self._note(job)
        return True

    def _note(self, job: Job) -> None:
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
                job = self._jobs.get(self._queue.get(timeout=LOOKS))
                if job is not None:
                    self._run_safely(job)

    def _run_safely(self, job: Job) -> None:
        try:
            self._run(job)
        except OutputError as error:  # a full disk: the next start takes the job up, the others go on now
            log.error("The job %s cannot be noted: %s", job.id, error)

    def _run(self, job: Job) -> None:
        folder = self._folder / job.id
        job = replace(job, status=RUNNING, rows=0)
        if not self._keep(job):
            return
        try:
            model = self._models.find(job.model)
            result = predict_file(
                job.source,
                folder / RESULT,
                giving_way(model.predictor, partial(model.batcher.let_pass, MOST_WAY)),
                text=job.text,
                rejects=folder / REJECTS,
                resume=True,
                progress=_Told(self, job),
            )
            job = replace(job, status=DONE, rows=result.rows, rejected=result.rejected)
        except StoppedError:
            job = replace(job, status=WAITING)
        except QuotaError:
            job = replace(
                job, status=FAILED, detail="The quota of texts a day was used up. Send the file again tomorrow."
            )
        except ProblemError as error:
            job = replace(job, status=FAILED, detail=error.detail)
        except InsulaError as error:
            # Its words are about the file, but name its place on this machine.
            job = replace(job, status=FAILED, detail=str(error).replace(job.source, "the file"))
        except Exception as error:  # noqa: BLE001 - one file must not end all others
            log.error("A job failed with %s.", type(error).__name__)
            job = replace(job, status=FAILED, detail="The file could not be predicted. It was written down.")
        if not self._keep(job):
            self.forget(job.id)

    def told(self, job: Job, rows: int) -> None:
        """Note how far a job is; `StoppedError` where it should go no further, `QuotaError` where it may not."""
        if job.texts_a_day is not None and not self._spend(job.caller, rows, job.texts_a_day):
            raise QuotaError
        with self._lock:
            if self._stopping.is_set() or job.id not in self._jobs:
                raise StoppedError
            self._jobs[job.id] = replace(self._jobs[job.id], rows=self._jobs[job.id].rows + rows)


class _Told(Silent):
    """A progress that tells the runner."""

    def __init__(self, runner: JobRunner, job: Job) -> None:
        self._runner = runner
        self._job = job

    def advance(self, steps: int = 1, **figures: float) -> None:
        self._runner.told(self._job, steps)
