"""View model of a job: its state in words, how many rows are predicted, and since when it exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from insula.evaluation.reports.readable import format_count
from insula.serving.job_files import Job
from insula.serving.pages.words import Translator

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class JobView:
    """A job in the words of a language.

    title     what the job is called until the browser, which alone knows it, shows the name of the file
    rejected  how many rows could not be predicted, an empty text for none
    """

    id: str
    title: str
    status: str
    done: bool
    model: str
    rows: str
    rejected: str
    time: str
    detail: str
    warnings: Sequence[str]


def build_job_view(job: Job, say: Translator, *, done: bool) -> JobView:
    """Return the view of a job; `done` if its result can be downloaded."""
    return JobView(
        id=job.id,
        title=say("job", id=job.id[:8]),
        status=say(f"job_{job.status}"),
        done=done,
        model=job.model,
        rows=format_count(job.rows),
        rejected=format_count(job.rejected) if job.rejected else "",
        time=_format_time(job.created, say),
        detail=job.detail or "",
        warnings=job.warnings,
    )


def _format_time(seconds: float, say: Translator) -> str:
    zone = BEIJING if say.language == "zh" else UTC
    return say("time", time=datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M"))
