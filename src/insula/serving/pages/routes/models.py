"""`GET /models`, `/models/NAME`, `/models/NAME/report`: the served models, their metrics, cards and reports."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.evaluation.reports.page import hash_script
from insula.serving.http.downloads import open_download
from insula.serving.http.problems import ProblemError
from insula.serving.pages.chinese_card import ChineseCard, build_chinese_card
from insula.serving.pages.language import get_language
from insula.serving.pages.metric_words import format_headline
from insula.serving.pages.model_view import build_metrics_view, find_report, list_labels, list_model_facts
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import render_page
from insula.serving.pages.words import Translator
from insula.serving.served_models import ServedModel
from insula.serving.service import get_service

router = APIRouter(route_class=PageRoute)
# A report may be written by a stranger: it runs only our own script for its tables, loads nothing, and has no origin.
REPORT_POLICY = (
    f"sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src '{hash_script()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/models")
async def list_models(request: Request) -> Response:
    """The list of served models."""
    say = Translator(get_language(request))
    shown = [
        (model, format_headline(model.document, say), list_model_facts(model, say))
        for model in get_service(request).models
    ]
    return render_page(request, "models.html.j2", shown=shown)


@router.get("/models/{name}")
async def show_model(request: Request, name: str) -> Response:
    """The labels, metrics and card of a model."""
    model = get_service(request).models.find(name)
    say = Translator(get_language(request))
    return render_page(
        request,
        "model.html.j2",
        model=model,
        headline=format_headline(model.document, say),
        facts=list_model_facts(model, say),
        labels=list_labels(model.predictor.scheme, say),
        measured=build_metrics_view(model, say),
        card=await request.app.state.cards.html(model.name, model.card) if model.card else None,
        chinese=_build_chinese_card(model) if say.language == "zh" else None,
        has_report=find_report(model) is not None,
    )


def _build_chinese_card(model: ServedModel) -> ChineseCard | None:
    """Return the Chinese card, None for a model of which nothing was recorded."""
    return None if model.document.is_empty else build_chinese_card(model.document, model.predictor.scheme)


@router.get("/models/{name}/report")
async def report(request: Request, name: str) -> Response:
    """The report of the run, as `insula train` wrote it."""
    file = find_report(get_service(request).models.find(name))
    if file is None:
        raise ProblemError("not_found", "This model has no report. Serve its run folder instead.")
    response = await open_download(request, file, kind="text/html; charset=utf-8")
    response.headers["content-security-policy"] = REPORT_POLICY
    return response
