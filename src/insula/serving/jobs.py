"""`JobRunner`: predicts files in the background, one after another; a restart resumes unfinished ones."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from insula.core.errors import DataError, InsulaError, OutputError
from insula.core.progress import Silent
from insula.data.formats.row_reader import ReadLimits
from insula.inference.files import predict_file
from insula.serving.authentication.callers import Caller
from insula.serving.http.problems import ProblemError
from insula.serving.job_files import DONE, FAILED, REJECTS, RESULT, RUNNING, WAITING, Job, JobFiles
from insula.serving.queueing.batcher import Batcher
from insula.serving.queueing.low_priority import lower_priority
from insula.serving.served_models import ServedModels
from insula.serving.settings.settings import Settings

POLL_SECONDS = 0.5  # between two checks whether the service is stopping
# Seconds that a batch of a file waits for requests; without a limit a busy server would never predict the file.
MAX_YIELD = 1.0
TURN_SECONDS = 60.0  # after which a job yields to a job of another caller
MAX_FAILED = 20  # failed jobs of one caller that are stored; older ones are deleted
JOIN_SECONDS = 30.0
RETRY_SECONDS = 60.0
# Of a file, so that a batch of it stays small in memory. A read batch exists several times: read, encoded, computed.
BATCH_CHARACTERS, COLUMNS, UNREADABLE_ROWS = 1_000_000, 1_000, 10_000

log = logging.getLogger("insula.serving")


class QuotaError(Exception):
    """The daily quota of the job's caller is used up."""


class StoppedError(Exception):
    """The service stops, the job was deleted, or another caller waits; rows that are done stay."""


class JobRunner:
    """Predicts jobs in one thread, each in its own folder.

    charge  charges texts to a caller with a daily quota, and returns whether the quota had room for them

    A caller sees only its own jobs. Callers take turns: after `TURN_SECONDS` a job yields to one of another caller.
    """

    def __init__(
        self, settings: Settings, models: ServedModels, charge: Callable[[str, int, int], bool] = lambda *_: True
    ) -> None:
        self._settings = settings.jobs
        self._limits = ReadLimits(
            line_bytes=settings.jobs.line_bytes,
            batch_characters=BATCH_CHARACTERS,
            columns=COLUMNS,
            rejects=UNREADABLE_ROWS,
            text_characters=settings.limits.characters,
        )
        self._charge = charge
        self._models = models
        self._files = JobFiles(settings.jobs)
        self._jobs: dict[str, Job] = {}
        self._arriving: dict[str, str] = {}  # id and caller of jobs whose files are still being uploaded
        self._turns: dict[str, float] = {}  # by caller: when it had the thread last
        self._unsaved: dict[str, float] = {}  # by finished job whose state the disk did not take: when to try again
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load the jobs in the folder, and start the thread; raise `SettingsError` if the folder is not writable."""
        self._files.open()
        for job in sorted(self._files.load(), key=lambda job: job.created):
            self._jobs[job.id] = replace(job, status=WAITING) if job.status == RUNNING else job
        self._purge()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run_jobs, name="insula-jobs", daemon=True)
        self._thread.start()

    def request_stop(self) -> None:
        """Stop after the current batch, and start no further job; the next start resumes the rest."""
        self._stopping.set()

    def stop(self, timeout: float = JOIN_SECONDS) -> None:
        """Stop after the current batch, and wait for that at most `timeout` seconds."""
        self.request_stop()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
        self._files.close()

    @contextlib.contextmanager
    def reserved(self, caller: Caller) -> Iterator[tuple[str, Path]]:
        """Yield the id and the folder of one more job of a caller; raise `ProblemError` if there is no room for one.

        The folder is deleted if the block fails. Failed jobs take no room: they have no files.
        """
        self._purge()
        with self._changed:
            stored = sum(job.owner == caller.id and job.status != FAILED for job in self._jobs.values())
            if stored + list(self._arriving.values()).count(caller.id) >= self._settings.most:
                raise ProblemError(
                    "overloaded",
                    f"You have {self._settings.most:,} jobs, the maximum per caller. Delete finished jobs with DELETE.",
                    headers={"retry-after": "60"},
                )
            try:
                name, folder = self._files.create()
            except OSError:
                raise _build_storage_problem() from None
            self._arriving[name] = caller.id
        try:
            self.check_space(caller.id)
            yield name, folder
        except BaseException as error:
            with self._changed:
                self._jobs.pop(name, None)
            self._files.delete(name)
            if isinstance(error, OutputError):
                raise _build_storage_problem() from None
            raise
        finally:
            with self._changed:
                del self._arriving[name]

    def check_space(self, caller: str) -> None:
        """Raise `ProblemError` if the files of a caller occupy too much of the disk, also those that are arriving."""
        with self._changed:
            stored = [job.id for job in self._jobs.values() if job.owner == caller]
            arriving = [name for name, owner in self._arriving.items() if owner == caller]
        self._files.check_space({*stored, *arriving})

    def allowed(self, path: str) -> Path:
        """Return the path of a file that a job may read; raise the same `ProblemError` for every other path."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            whole = Path(path).resolve(strict=True)
            if whole.is_file() and any(whole.is_relative_to(folder.resolve()) for folder in self._settings.sources):
                return whole
        raise ProblemError(
            "not_found",
            "The path must be a file in one of the folders that jobs may read. Correct it, or upload the file.",
        )

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
            texts_per_day=caller.limits.texts_per_day,
        )
        with self._changed:
            self._files.save(job)
            self._jobs[job.id] = job
            self._changed.notify_all()
        return job

    def list_jobs(self, caller: Caller) -> list[Job]:
        """Return the jobs of a caller, the newest first."""
        with self._changed:
            own = [job for job in self._jobs.values() if job.owner == caller.id]
        return sorted(own, key=lambda job: job.created, reverse=True)

    def find(self, name: str, caller: Caller) -> Job:
        """Return a job; raise the same `ProblemError` if it does not exist or belongs to another caller."""
        job = self._jobs.get(name)
        if job is None or job.owner != caller.id:
            raise ProblemError("not_found", "The job does not exist. List your jobs with GET /v1/batches.")
        return job

    def file(self, name: str, which: str, caller: Caller) -> Path:
        """Return the result or the rejects of a job; raise `ProblemError` if it is not done, or has none."""
        job = self.find(name, caller)
        if job.status != DONE:
            raise ProblemError(
                "conflict",
                f"A job must be done before its result can be downloaded. This one is {job.status}. Check its "
                "progress first.",
            )
        file = self._files.folder / name / which
        if not file.exists():
            raise ProblemError(
                "not_found",
                "The job has no file of rejected rows, because no row was rejected. Download its result instead.",
            )
        return file

    def remove(self, name: str, caller: Caller) -> None:
        """Delete a job with all its files, even while it runs. Raises the errors of `find`."""
        self._remove(self.find(name, caller))

    def _remove(self, job: Job) -> None:
        name = job.id
        with self._changed:
            removed = self._jobs.pop(name, None)
            self._unsaved.pop(name, None)
        if (
            removed is not None and removed.status != RUNNING
        ):  # otherwise the thread deletes it once it has closed its files
            self._files.delete(name)

    def _replace_existing(self, job: Job) -> bool:
        """Set the state of a job; return False if it was deleted meanwhile."""
        with self._changed:
            if job.id not in self._jobs:
                return False
            self._jobs[job.id] = job
        return True

    def _save_finished(self, job: Job) -> None:
        """Store the state of a finished job; if the disk is full, its caller sees it, and it is stored later."""
        with self._changed:
            if job.id not in self._jobs:
                return
            try:
                self._files.save(job)
            except OSError as error:
                log.error("The state of the job %s cannot be saved: %s", job.id, error)
                self._unsaved[job.id] = time.monotonic() + RETRY_SECONDS
            else:
                self._unsaved.pop(job.id, None)

    def _purge(self) -> None:
        """Delete finished jobs after their hours, and the oldest failed ones of a caller with many of them."""
        oldest = time.time() - self._settings.keep_hours * 3600
        failed: Counter[str] = Counter()
        for job in sorted(self._jobs.values(), key=lambda job: job.created, reverse=True):
            failed[job.caller] += job.status == FAILED
            is_expired = job.status in (DONE, FAILED) and job.created < oldest
            if is_expired or (job.status == FAILED and failed[job.caller] > MAX_FAILED):
                self._remove(job)

    def _run_jobs(self) -> None:
        while (job := self._wait_for_job()) is not None:
            self._run(job)

    def _wait_for_job(self) -> Job | None:
        """Wait for a job, and return the oldest one of the caller that waits longest for a turn; None at the end."""
        with self._changed:
            while not self._stopping.is_set():
                now = time.monotonic()
                for name in [name for name, due in self._unsaved.items() if due <= now]:
                    self._save_finished(self._jobs[name])
                waiting = [job for job in self._jobs.values() if job.status == WAITING]
                if waiting:
                    job = min(waiting, key=lambda job: (self._turns.get(job.caller, 0.0), job.created))
                    self._turns[job.caller] = now
                    return job
                self._changed.wait(POLL_SECONDS)
        return None

    def _run(self, job: Job) -> None:
        """Predict the file of a job. Only its end is stored: a killed server starts again with one that was running."""
        job = replace(job, status=RUNNING, rows=0)
        if not self._replace_existing(job):
            return
        job = self._predict(job)
        if job.status == FAILED:
            self._files.delete_contents(job.id)
        if not self._replace_existing(job):
            self._files.delete(job.id)
        elif job.status != WAITING:
            self._save_finished(job)

    def _predict(self, job: Job) -> Job:
        """Return a job after its file was predicted, or after that stopped or failed."""
        folder = self._files.folder / job.id
        try:
            model = self._models.find(job.model)
            result = predict_file(
                lower_priority(model.predictor, partial(self._wait_for_batch, job, model.batcher)),
                job.source,
                folder / RESULT,
                text=job.text,
                **job.columns,
                rejects=folder / REJECTS,
                resume=True,
                progress=_JobProgress(self, job),
                limits=self._limits,
            )
            warnings = [_remove_path(warning, job) for warning in result.warnings]
            return replace(job, status=DONE, rows=result.rows, rejected=result.rejected, warnings=warnings)
        except StoppedError:
            return replace(job, status=WAITING)
        except QuotaError:
            return _mark_failed(job, "The quota of texts for today is used up. Send the file again tomorrow.", "quota")
        except ProblemError as error:
            return _mark_failed(job, error.detail, error.code)
        except OutputError as error:
            log.error("The result of the job %s cannot be stored: %s", job.id, error)
            return _mark_failed(job, "The result could not be stored. Send the file again later.", "unavailable")
        except InsulaError as error:
            # The message contains the path of the file on the server.
            known = error if isinstance(error, DataError) else DataError()
            return _mark_failed(job, _remove_path(str(error), job), known.code, known.values)
        except Exception as error:  # noqa: BLE001 - an error of one file must not end the thread
            log.error("A job failed with %s.", type(error).__name__)
            return _mark_failed(
                job, "The file could not be predicted. The error is in the log of the service.", "internal"
            )

    def _wait_for_batch(self, job: Job, batcher: Batcher) -> None:
        """Yield to requests before a batch of a file; raise `StoppedError` if the job must stop."""
        batcher.wait_until_idle(MAX_YIELD)
        if self._stopping.is_set() or job.id not in self._jobs:
            raise StoppedError

    def advance(self, job: Job, rows: int, *, are_new: bool) -> None:
        """Count rows of a job, and charge new ones to its caller.

        Raises `StoppedError` if the job must stop or yield, `QuotaError` if the quota is used up, `ProblemError` if the
        result occupies too much of the disk.
        """
        self.check_space(job.owner)
        if are_new and job.texts_per_day is not None and not self._charge(job.caller, rows, job.texts_per_day):
            raise QuotaError
        with self._changed:
            if self._stopping.is_set() or job.id not in self._jobs:
                raise StoppedError
            self._jobs[job.id] = replace(self._jobs[job.id], rows=self._jobs[job.id].rows + rows)
            others = any(one.status == WAITING and one.caller != job.caller for one in self._jobs.values())
            if are_new and others and time.monotonic() - self._turns.get(job.caller, 0.0) > TURN_SECONDS:
                raise StoppedError


class _JobProgress(Silent):
    """Counts the rows of a job; those that were predicted before a pause are not charged again."""

    def __init__(self, runner: JobRunner, job: Job) -> None:
        self._runner = runner
        self._job = job

    def advance(self, steps: int = 1, **figures: float) -> None:
        self._runner.advance(self._job, steps, are_new=True)

    def skip(self, steps: int) -> None:
        self._runner.advance(self._job, steps, are_new=False)


def _build_storage_problem() -> ProblemError:
    return ProblemError(
        "unavailable",
        "The file cannot be stored now. Send it again later.",
        headers={"retry-after": "60", "connection": "close"},
    )


def _mark_failed(job: Job, detail: str, reason: str, values: Mapping[str, object] = MappingProxyType({})) -> Job:
    return replace(job, status=FAILED, detail=detail, reason=reason, values=dict(values))


def _remove_path(sentence: str, job: Job) -> str:
    """Return a sentence about the file of a job without its path on the server."""
    return (
        sentence.replace(f"file {job.source!r}", "file")
        .replace(repr(job.source), "the file")
        .replace(job.source, "the file")
    )
