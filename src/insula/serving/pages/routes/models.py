"""`GET /models`, `/models/NAME`, `/models/NAME/report`: the served models, their metrics, cards and reports."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from insula.evaluation.reports.page import hash_script
from insula.serving.http.problems import ProblemError
from insula.serving.pages.chinese_card import ChineseCard, chinese_card
from insula.serving.pages.language import language_of
from insula.serving.pages.metric_words import headline_sentence
from insula.serving.pages.model_view import facts_view, labels_view, measured_view, report_of
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import page
from insula.serving.pages.words import Speech
from insula.serving.served_models import ServedModel
from insula.serving.service import service_of

router = APIRouter(route_class=PageRoute)
# A report may be written by a stranger: it runs only our own script for its tables, loads nothing, and has no origin.
REPORT_POLICY = (
    f"sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src '{hash_script()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/models")
async def all_models(request: Request) -> Response:
    """The list of served models."""
    say = Speech(language_of(request))
    shown = [
        (model, headline_sentence(model.document, say), facts_view(model, say)) for model in service_of(request).models
    ]
    return page(request, "models.html.j2", shown=shown)


@router.get("/models/{name}")
async def one_model(request: Request, name: str) -> Response:
    """The labels, metrics and card of a model."""
    model = service_of(request).models.find(name)
    say = Speech(language_of(request))
    return page(
        request,
        "model.html.j2",
        model=model,
        headline=headline_sentence(model.document, say),
        facts=facts_view(model, say),
        labels=labels_view(model.predictor.scheme, say),
        measured=measured_view(model, say),
        card=await request.app.state.cards.html(model.name, model.card) if model.card else None,
        chinese=_chinese_card(model) if say.language == "zh" else None,
        has_report=report_of(model) is not None,
    )


def _chinese_card(model: ServedModel) -> ChineseCard | None:
    """Return the Chinese card, None for a model of which nothing was recorded."""
    return None if model.document.is_empty else chinese_card(model.document, model.predictor.scheme)


@router.get("/models/{name}/report")
async def report(request: Request, name: str) -> Response:
    """The report of the run, as `insula train` wrote it."""
    file = report_of(service_of(request).models.find(name))
    if file is None:
        raise ProblemError("not_found", "This model has no report. Serve the run that it comes from.")
    return FileResponse(file, media_type="text/html; charset=utf-8", headers={"content-security-policy": REPORT_POLICY})
