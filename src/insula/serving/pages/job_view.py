"""View model of a job: its state in words, how many rows are predicted, and since when it exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from insula.core.sentences import shorten
from insula.evaluation.reports.readable import format_count
from insula.serving.job_files import Job
from insula.serving.pages.words import Translator

MAX_NAME_CHARACTERS = 60  # characters of a name or cell that a reason quotes


@dataclass(frozen=True)
class JobView:
    """A job in the words of a language.

    title     what the job is called until the browser, which alone knows it, shows the name of the file
    rejected  how many rows could not be predicted, an empty text for none
    reason    why it failed, an empty text if it did not
    detail    the same in English, where the language has no words for it
    """

    id: str
    title: str
    status: str
    done: bool
    model: str
    rows: str
    rejected: str
    time: str
    reason: str
    detail: str
    warnings: Sequence[str]


def build_job_view(job: Job, say: Translator, *, done: bool) -> JobView:
    """Return the view of a job; `done` if its result can be downloaded."""
    explained = _describe_failure(job, say)
    return JobView(
        id=job.id,
        title=say("job", id=job.id[:8]),
        status=say(f"job_{job.status}"),
        done=done,
        model=job.model,
        rows=format_count(job.rows),
        rejected=format_count(job.rejected) if job.rejected else "",
        time=say.format_time(datetime.fromtimestamp(job.created, UTC)),
        reason=explained or (say("reason_other") if job.detail else ""),
        detail="" if explained else job.detail or "",
        warnings=job.warnings,
    )


def _describe_failure(job: Job, say: Translator) -> str:
    """Return why a job failed, in the words of the page; an empty text if the page has none for it."""
    name = f"reason_{job.reason}"
    if not job.reason or not say.has_sentence(name):
        return ""
    return say(name, **{key: _format_value(value, say) for key, value in job.values.items()})


def _format_value(value: object, say: Translator) -> str:
    """Return a number with separators, the names of a list with commas, and quotes around texts."""
    if isinstance(value, int):
        return format_count(value)
    if isinstance(value, str):
        return say("quoted", text=shorten(value, MAX_NAME_CHARACTERS))
    return say("comma").join(_format_value(one, say) for one in value) if isinstance(value, Sequence) else str(value)
