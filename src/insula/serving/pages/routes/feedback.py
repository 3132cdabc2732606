"""`POST /pages/feedback`: whether a prediction was right, and which labels are; stored as `POST /v1/feedback` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.http.problems import ProblemError
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import language_of
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import is_fragment, page
from insula.serving.pages.visits import visitors_of
from insula.serving.routes.feedback import store_feedback
from insula.serving.schemas import FeedbackRequest
from insula.serving.service import service_of
from insula.text.turn_lines import parse_turns

router = APIRouter(route_class=PageRoute)
RIGHT = "right"
LABEL = "label-"  # and the place of the label in the scheme
FIELDS = 12  # besides those of labels


@router.post("/pages/feedback")
async def feedback(request: Request) -> Response:
    """A word of thanks, or what is wrong: a fragment for htmx, the whole page for a plain form."""
    service = service_of(request)
    most_labels = max(len(model.predictor.scheme.names) for model in service.models)
    form = await read_form(request, max_fields=FIELDS + most_labels)
    language = language_of(request, form.get("lang"))
    if not visitors_of(request).has_csrf_token(request, form):
        return _page(request, language, stale=True, status=403)
    try:
        body = _request_of(form)
        if body.labels == [] and form.get("verdict") != RIGHT and form.get("several") != "yes":
            return _page(request, language, code="no_label", status=422)
        await store_feedback(service, body)
    except ValidationError:
        return _page(request, language, code="malformed", status=422)
    except ProblemError as problem:
        service.telemetry.rejected(problem.code)
        return _page(request, language, code=problem.code, status=problem.status)
    return _page(request, language)


def _request_of(form: Mapping[str, str]) -> FeedbackRequest:
    """Return the feedback of a form; raise `ValidationError` if it is none."""
    predicted = _labels(form.get("predicted", ""))
    chosen = [value for name, value in form.items() if name.startswith(LABEL)]
    return FeedbackRequest(
        text=form.get("text", ""),
        turns=[{"text": turn.text, "speaker": turn.speaker} for turn in parse_turns(form.get("turns", ""))],  # type: ignore[misc]
        speaker=form.get("speaker", "").strip() or None,
        target=form.get("target", "").strip() or None,
        model=form.get("model"),
        predicted=predicted,
        labels=predicted if form.get("verdict") == RIGHT else chosen,
        prediction=form.get("prediction") or None,
    )


def _labels(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _page(request: Request, language: str, **values: Any) -> Response:
    template = "thanks.html.j2" if is_fragment(request) else "thanks_page.html.j2"
    known: dict[str, Any] = {"code": None, "stale": False, "seconds": None}
    return page(request, template, language=language, **{**known, **values})
