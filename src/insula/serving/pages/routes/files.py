"""`/files`: upload a file, see how far its job is, download the predictions; the jobs are those of `/v1/batches`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from insula.evaluation.reports.readable import format_file_size
from insula.serving.http.downloads import Download, open_download
from insula.serving.http.media_type import read_media_type
from insula.serving.http.problems import ProblemError
from insula.serving.job_files import DONE, REJECTS, RESULT, RUNNING, WAITING
from insula.serving.job_schemas import JobOptions
from insula.serving.pages.forms import is_same_origin, read_form
from insula.serving.pages.job_view import build_job_view
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import build_address, render_page
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import Translator
from insula.serving.routes.batches import ENDINGS, LINES, upload_job
from insula.serving.service import get_service

router = APIRouter(route_class=PageRoute)
UPLOADS = "/pages/files"
TOKEN = "x-csrf-token"
FILES_ANSWER = {
    "unsupported_media": "file_kind",
    "too_large": "file_size",
    "overloaded": "file_room",
}  # what these problems mean here


@router.get("/files")
async def show_files(request: Request) -> Response:
    """The form for a file, and the jobs of the visitor."""
    settings = get_service(request).settings.jobs
    return render_page(
        request,
        "files.html.j2",
        models=list(get_service(request).models),
        most_bytes=format_file_size(settings.upload_bytes).replace(".0 ", " ").replace(" ", "\N{NO-BREAK SPACE}"),
        keep_hours=f"{settings.keep_hours:g}",
        fragment=False,
        **_list_jobs(request, Translator(get_language(request))),
    )


@router.get("/pages/files/jobs")
async def show_jobs(request: Request) -> Response:
    """The list of jobs as a fragment; it asks for itself again while one is not done."""
    return render_page(request, "jobs.html.j2", **_list_jobs(request, Translator(get_language(request))))


@router.post(UPLOADS)
async def upload(request: Request, options: Annotated[JobOptions, Query()]) -> Response:
    """Start a job with the file that is the body, sent by the script of the page; the answer has its id, or a sentence.

    Raises `ProblemError` if it does not come from a page of the visitor's session.
    """
    say = Translator(get_language(request))
    if not is_same_origin(request):
        raise ProblemError(
            "forbidden", "A file must come from a page of this service. Load the page and upload the file there."
        )
    if not get_visitors(request).has_csrf_token(request, {"token": request.headers.get(TOKEN, "")}):
        return JSONResponse({"message": say("stale_file")}, 403)
    service, kind = get_service(request), read_media_type(request.headers)
    try:
        if kind not in ENDINGS:
            raise ProblemError(
                "unsupported_media", "The file must be CSV, TSV or JSON Lines. Convert it, or choose another file."
            )
        job = await upload_job(request, ENDINGS[kind], options)
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        message = say.describe_problem(FILES_ANSWER.get(problem.code, problem.code))
        return JSONResponse({"message": message}, problem.status, headers=problem.headers)
    return JSONResponse({"id": job.id}, 202)


@router.get("/files/{id}/result")
async def download_result(request: Request, id: str) -> Download:
    """The predictions of a job, as a download."""
    return await _download(request, id, RESULT, "predictions.jsonl")


@router.get("/files/{id}/rejects")
async def rejects(request: Request, id: str) -> Download:
    """The rows of a job that could not be predicted, as a download."""
    return await _download(request, id, REJECTS, "rejects.jsonl")


@router.post("/pages/files/{id}/delete")
async def delete(request: Request, id: str) -> Response:
    """Delete a job with its files."""
    form = await read_form(request)
    if not get_visitors(request).has_csrf_token(request, form):
        raise ProblemError("forbidden", "The form must come from a page of this session. Load the page again.")
    service = get_service(request)
    service.jobs.remove(id, service.access.get_caller())
    return RedirectResponse(build_address("files", lang=get_language(request, form.get("lang"))), 303)


async def _download(request: Request, id: str, which: str, name: str) -> Download:
    service = get_service(request)
    file = service.jobs.file(id, which, service.access.get_caller())
    return await open_download(request, file, kind=LINES, name=name)


def _list_jobs(request: Request, say: Translator) -> dict[str, Any]:
    service = get_service(request)
    own = service.jobs.list_jobs(service.access.get_caller())
    return {
        "jobs": [build_job_view(job, say, done=job.status == DONE) for job in own],
        "active": any(job.status in (WAITING, RUNNING) for job in own),
    }
