"""Search, read, correct and export stored predictions; the audit log records each read."""

from __future__ import annotations

import asyncio
import functools
import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from insula.core.errors import OutputError
from insula.core.files import append_lines
from insula.data.formats.text_writers import DelimitedWriter, JsonLinesWriter
from insula.operations.audit.chain import Fact
from insula.operations.store.review import FilterChoices, PredictionPage, PredictionReview, ReviewedPrediction
from insula.serving.http.head_requests import HEAD
from insula.serving.http.problems import ProblemError, convert_store_errors
from insula.serving.review.schemas import PredictionExport, PredictionSearch
from insula.serving.service import Service

Result = TypeVar("Result")
ROWS_PER_PAGE = 500
MARK = "\ufeff".encode()
COLUMNS = (
    "id", "created", "caller", "model", "language", "text", "speaker", "target", "labels", "confidence", "abstained",
    "corrected", "corrected_labels",
)  # fmt: skip
"""The columns of a CSV export; `corrected` is the time of the newest correction, empty if there is none."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
OTHER_CALLERS = ("text", "speaker", "target")  # columns with words of others
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


async def search_predictions(service: Service, wanted: PredictionSearch) -> PredictionPage:
    """Return one part of a search."""
    conditions = wanted.to_filter()
    found = await _read(service, lambda review: review.search(conditions, limit=wanted.limit, after=wanted.after))
    await _record(service, "predictions.searched", rows=len(found.predictions), conditions=conditions.names)
    return found


async def find_prediction(service: Service, id: str) -> ReviewedPrediction:
    """Return one prediction."""
    found = await _read(service, lambda review: review.find(id))
    await _record(service, "prediction.read", prediction=found.id)
    return found


async def list_choices(service: Service) -> FilterChoices:
    """Return the models, languages and callers of the newest predictions."""
    return await _read(service, lambda review: review.list_choices())


async def correct_prediction(service: Service, id: str, labels: list[str]) -> ReviewedPrediction:
    """Store the labels that a prediction should have had, and return it with them.

    They are also a line of `feedback.file` if there is one, and the text is stored.
    """
    caller = service.access.get_caller().id
    found = await _read(service, lambda review: review.correct(id, labels, caller=caller))
    correction, file = found.feedback[0], service.settings.feedback.file
    if file is not None and found.text is not None:
        row = {
            **{name: value for name in ("text", "turns", "speaker", "target") if (value := getattr(found, name))},
            "labels": list(correction.labels),
            "predicted": list(found.labels),
            "model": found.model,
            "time": correction.created.isoformat(timespec="seconds"),
        }
        try:
            await run_in_threadpool(append_lines, file, [json.dumps(row, ensure_ascii=False)])
        except OutputError:
            service.retention.discard([correction.id])
            raise ProblemError("unavailable", "Feedback cannot be stored now. Try again later.") from None
    await _record(service, "prediction.corrected", prediction=found.id)
    return found


async def export_predictions(request: Request, service: Service, wanted: PredictionExport) -> StreamingResponse:
    """Return all predictions of a search as a download that is sent while it is read.

    The audit log has its begin, and its end with the number of rows that were sent.
    """
    conditions = wanted.to_filter()
    await _read(service, lambda review: review.search(conditions, limit=1))  # a problem is an answer, not half a file
    await _record(service, "predictions.export_started", conditions=conditions.names, format=wanted.format)
    parts = _iterate_parts(service, wanted) if HEAD not in request.scope else _iterate_nothing()
    name = f"predictions-{datetime.now(UTC):%Y-%m-%d}.{wanted.format}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, headers=headers, media_type=MEDIA_TYPES[wanted.format])


async def _iterate_parts(service: Service, wanted: PredictionExport) -> AsyncIterator[bytes]:
    conditions, after, rows = wanted.to_filter(), None, 0
    caller = service.access.get_caller().id
    if wanted.format == "csv":
        header = io.BytesIO(MARK if wanted.bom else b"")
        header.seek(0, io.SEEK_END)
        DelimitedWriter(header, COLUMNS).finish()
        yield header.getvalue()
    try:
        while True:
            found = await _read(
                service,
                lambda review, after=after: review.search(conditions, limit=ROWS_PER_PAGE, after=after),  # type: ignore[misc]
            )
            rows += len(found.predictions)
            yield _format_rows(found.predictions, wanted.format, for_excel=wanted.bom)
            after = found.after
            if after is None:
                return
    finally:
        # Not awaited: this also runs while the request of a client that left is cancelled.
        record = functools.partial(service.store.record, "predictions.exported", caller=caller, rows=rows)
        asyncio.get_running_loop().run_in_executor(None, record)


async def _iterate_nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _format_rows(predictions: list[ReviewedPrediction], kind: str, *, for_excel: bool = False) -> bytes:
    stream = io.BytesIO()
    if kind == "jsonl":
        JsonLinesWriter(stream, None).write([one.to_dict() for one in predictions])
    else:
        rows = [_build_csv_row(one) for one in predictions]
        if for_excel:
            rows = [_quote_formulas(row) for row in rows]
        DelimitedWriter(stream, COLUMNS, header=COLUMNS).write(rows)
    return stream.getvalue()


def _build_csv_row(prediction: ReviewedPrediction) -> dict[str, Any]:
    row = prediction.to_dict()
    newest = row["feedback"][0] if row["feedback"] else {"created": None, "labels": None}
    return {**row, "corrected": newest["created"], "corrected_labels": newest["labels"]}


def _quote_formulas(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with an apostrophe before words of strangers that a spreadsheet would run as a formula."""
    quoted = {name: f"'{row[name]}" for name in OTHER_CALLERS if (row[name] or "").startswith(FORMULA_STARTS)}
    return row | quoted


async def _read(service: Service, call: Callable[[PredictionReview], Result]) -> Result:
    """Return what a call reads; raise `ProblemError` if nothing is stored, or the store does not answer."""
    database = service.store.open_database() if service.retention.is_enabled else None
    if database is None:
        raise ProblemError(
            "disabled",
            "This service does not store predictions. Its operator can set retention.days and retention.texts.",
        )
    with convert_store_errors():
        return await service.pool.run(lambda: call(PredictionReview(database)))


async def _record(service: Service, event: str, **facts: Fact) -> None:
    """Write a read of the caller into the audit log; what cannot be written is not shown."""
    caller = service.access.get_caller().id
    try:
        await run_in_threadpool(lambda: service.store.record(event, required=True, caller=caller, **facts))
    except OutputError:
        raise ProblemError(
            "unavailable", "The audit log cannot be written, so nothing is shown. Tell the operator of the service."
        ) from None
