"""`/v1/batches`: a file of messages in, a file of predictions out, in the background."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from insula.serving.http.bodies import read_body
from insula.serving.http.downloads import Download, open_download
from insula.serving.http.media_type import JSON, read_media_type
from insula.serving.http.problems import ProblemError, describe_responses
from insula.serving.job_files import REJECTS, RESULT, Job
from insula.serving.job_schemas import JobList, JobOptions, JobRequest, JobStatus
from insula.serving.service import get_service

router = APIRouter(tags=["batches"])
# Types that a page of another origin cannot send without a preflight request, and that are read line by line.
ENDINGS = {"text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/x-ndjson": ".jsonl"}
LINES = "application/x-ndjson"
GZIP = b"\x1f\x8b"  # with which readers recognise and unpack a file, whatever its name
CLOSE = {"connection": "close"}  # the rest of the file is not read
BYTES_BETWEEN_CHECKS = 4_000_000  # of the room on the disk
GONE = describe_responses("not_found", "validation")
LINES_CONTENT = {"content": {LINES: {"schema": {"type": "string"}}}}
FILE: dict[int | str, dict[str, Any]] = {
    200: LINES_CONTENT,
    206: {"description": "The range of bytes that the request asks for", **LINES_CONTENT},
    **describe_responses("conflict", "range"),
    **GONE,
}
UPLOAD = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"$ref": "#/components/schemas/JobRequest"},
                "examples": {
                    "A file on the server": {"value": {"path": "/data/messages.csv", "text": "message"}},
                    "Conversations": {
                        "value": {
                            "path": "/data/chats.csv",
                            "text": "utterance",
                            "dialogue": "chat_id",
                            "speaker": "who",
                        }
                    },
                },
            },
            **dict.fromkeys(ENDINGS, UPLOAD),
        },
    }
}


@router.post(
    "/v1/batches",
    summary="Predict a file in the background",
    status_code=202,
    response_model=JobStatus,
    responses=describe_responses(
        "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "unavailable"
    ),
    openapi_extra=BODY,
)
async def create(
    request: Request,
    options: Annotated[JobOptions, Query(description="Model, columns and format of an upload.")],
) -> Response:
    """Upload a file as the body with its media type, or choose a file in a folder of `jobs.sources` in JSON.

    The query parameters are for an upload; a JSON body has the same fields. If none is given, a model
    that reads conversations detects their columns from common column names.
    """
    service = get_service(request)
    caller = service.access.get_caller()
    kind = read_media_type(request.headers)
    if kind == JSON:
        body = await read_body(request, JobRequest)
        source, name = service.jobs.allowed(body.path), service.models.find(body.model).name
        with service.jobs.reserved(caller) as (id, _):
            job = service.jobs.add(id, source, name, body.given_columns, caller)
    elif kind in ENDINGS:
        job = await upload_job(request, ENDINGS[kind], options)
    else:
        raise ProblemError(
            "unsupported_media", f"The Content-Type must be one of: {', '.join((JSON, *ENDINGS))}. Set it."
        )
    headers = {"location": f"/v1/batches/{job.id}"}
    return Response(to_json(job.to_public_dict()), 202, headers=headers, media_type=JSON)


@router.get("/v1/batches", summary="List your jobs", response_model=JobList)
async def list_jobs(request: Request) -> dict[str, Any]:
    """The jobs of the caller, the newest first."""
    service = get_service(request)
    return {"jobs": [job.to_public_dict() for job in service.jobs.list_jobs(service.access.get_caller())]}


@router.get("/v1/batches/{id}", summary="Show the progress of a job", response_model=JobStatus, responses=GONE)
async def show(request: Request, id: str) -> dict[str, Any]:
    """The state of a job; `rows` is the number of rows predicted so far."""
    service = get_service(request)
    return service.jobs.find(id, service.access.get_caller()).to_public_dict()


@router.get(
    "/v1/batches/{id}/result",
    summary="Download the predictions of a job",
    response_class=StreamingResponse,
    responses=FILE,
)
async def result(request: Request, id: str) -> Download:
    """JSON Lines with all columns of the file."""
    service = get_service(request)
    return await open_download(request, service.jobs.file(id, RESULT, service.access.get_caller()), kind=LINES)


@router.get(
    "/v1/batches/{id}/rejects",
    summary="Download the rows that could not be predicted",
    response_class=StreamingResponse,
    responses=FILE,
)
async def rejects(request: Request, id: str) -> Download:
    """JSON Lines with line numbers and reasons; 404 if no row was rejected."""
    service = get_service(request)
    return await open_download(request, service.jobs.file(id, REJECTS, service.access.get_caller()), kind=LINES)


@router.delete("/v1/batches/{id}", summary="Delete a job", status_code=204, responses=GONE)
async def remove(request: Request, id: str) -> Response:
    """Delete a job with its files; a running job stops."""
    service = get_service(request)
    service.jobs.remove(id, service.access.get_caller())
    return Response(status_code=204)


async def upload_job(request: Request, ending: str, options: JobOptions) -> Job:
    """Return a new job for the file in the body of a request; raise `ProblemError` if there is no room for it."""
    service = get_service(request)
    caller, model = service.access.get_caller(), service.models.find(options.model)
    with service.jobs.reserved(caller) as (id, folder):
        source = folder / f"source{ending}"
        await _save_upload(request, source, partial(service.jobs.check_space, caller.id))
        return service.jobs.add(id, source, model.name, options.given_columns, caller)


async def _save_upload(request: Request, file: Path, check_space: Callable[[], None]) -> None:
    """Write the body of a request into a file; `check_space` raises `ProblemError` if it occupies too much."""
    head, unchecked = b"", 0
    try:
        with file.open("wb") as out:
            async for part in request.stream():
                head += part[: len(GZIP) - len(head)]
                if head == GZIP:
                    raise ProblemError("unsupported_media", "The file must not be compressed. Unpack it.")
                out.write(part)
                unchecked += len(part)
                if unchecked >= BYTES_BETWEEN_CHECKS:
                    check_space()
                    unchecked = 0
        check_space()
    except OSError:
        raise ProblemError(
            "unavailable", "The file cannot be stored now. Send it again later.", headers=CLOSE
        ) from None
    except ProblemError as problem:
        problem.headers |= CLOSE
        raise
