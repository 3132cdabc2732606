"""`/v1/batches`: a file of messages in, a file of predictions out, in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from insula.serving.http.bodies import JSON, read_body
from insula.serving.http.problems import ProblemError, responses
from insula.serving.jobs import REJECTS, RESULT, Job
from insula.serving.schemas import JobRequest, JobStatus
from insula.serving.service import service_of

router = APIRouter(tags=["batches"])
# Types that a page of another origin cannot send without a preflight request, and that are read line by line.
ENDINGS = {"text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/x-ndjson": ".jsonl"}
LINES = "application/x-ndjson"
GONE = responses("not_found", "validation")
UPLOAD = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"$ref": "#/components/schemas/JobRequest"},
                "examples": {"A file that is there": {"value": {"path": "/data/messages.csv", "text": "message"}}},
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
    responses=responses(
        "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded"
    ),
    openapi_extra=BODY,
)
async def create(
    request: Request,
    model: Annotated[str | None, Query(max_length=200, description="Name of a served model, for an upload.")] = None,
    text: Annotated[str | None, Query(max_length=200, description="The column with the text, for an upload.")] = None,
) -> Response:
    """Upload a file as the body, with its kind as Content-Type; or name one in a folder of `jobs.sources` in JSON."""
    service = service_of(request)
    service.jobs.check_room()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        asked = await read_body(request, JobRequest)
        source, model, text = service.jobs.allowed(asked.path), asked.model, asked.text
        name = service.models.find(model).name
        job = service.jobs.add(service.jobs.new_folder()[0], source, name, text, service.access.caller())
    elif kind in ENDINGS:
        job = await _uploaded(request, ENDINGS[kind], model, text)
    else:
        raise ProblemError("unsupported_media", f"The body must be one of: {', '.join((JSON, *ENDINGS))}.")
    headers = {"location": f"/v1/batches/{job.id}"}
    return Response(to_json(job.public()), 202, headers=headers, media_type=JSON)


@router.get("/v1/batches/{id}", summary="Show the progress of a job", response_model=JobStatus, responses=GONE)
async def show(request: Request, id: str) -> dict[str, Any]:
    """`rows` is the number of rows predicted so far."""
    return service_of(request).jobs.find(id).public()


@router.get(
    "/v1/batches/{id}/result",
    summary="The predictions of a job",
    response_class=FileResponse,
    responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}, **responses("conflict"), **GONE},
)
async def result(request: Request, id: str) -> FileResponse:
    """JSON Lines with all columns of the file."""
    return FileResponse(service_of(request).jobs.file(id, RESULT), media_type=LINES)


@router.get(
    "/v1/batches/{id}/rejects",
    summary="The rows that could not be predicted",
    response_class=FileResponse,
    responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}, **responses("conflict"), **GONE},
)
async def rejects(request: Request, id: str) -> FileResponse:
    """JSON Lines with line numbers and reasons; 404 if there are none."""
    return FileResponse(service_of(request).jobs.file(id, REJECTS), media_type=LINES)


@router.delete("/v1/batches/{id}", summary="Delete a job", status_code=204, responses=GONE)
async def remove(request: Request, id: str) -> Response:
    """Its files are deleted, too; a running job stops."""
    service_of(request).jobs.remove(id)
    return Response(status_code=204)


async def _uploaded(request: Request, ending: str, model: str | None, text: str | None) -> Job:
    service = service_of(request)
    found = service.models.find(model)
    name, folder = service.jobs.new_folder()
    try:
        source: Path = folder / f"source{ending}"
        with source.open("wb") as out:
            async for part in request.stream():
                out.write(part)
        return service.jobs.add(name, source, found.name, text, service.access.caller())
    except BaseException:
        service.jobs.forget(name)
        raise
