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
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import is_fragment, render_page
from insula.serving.pages.visits import get_visitors
from insula.serving.routes.feedback import store_feedback
from insula.serving.schemas import FeedbackRequest
from insula.serving.service import get_service
from insula.text.turn_lines import parse_turns

router = APIRouter(route_class=PageRoute)
RIGHT = "right"
LABEL = "label-"  # and the place of the label in the scheme
FIELDS = 12  # besides those of labels


@router.post("/pages/feedback")
async def send_feedback(request: Request) -> Response:
    """Return a word of thanks or the problem: a fragment for htmx, the whole page for a plain form."""
    service = get_service(request)
    most_labels = max(len(model.predictor.scheme.names) for model in service.models)
    form = await read_form(request, max_fields=FIELDS + most_labels)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return _render(request, language, stale=True, status=403)
    try:
        body = _parse_feedback(form)
        if body.labels == [] and form.get("verdict") != RIGHT and form.get("several") != "yes":
            return _render(request, language, code="no_label", status=422)
        await store_feedback(service, body)
    except ValidationError:
        return _render(request, language, code="malformed", status=422)
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return _render(request, language, code=problem.code, status=problem.status)
    return _render(request, language)


def _parse_feedback(form: Mapping[str, str]) -> FeedbackRequest:
    """Return the feedback of a form; raise `ValidationError` if it is none."""
    predicted = _parse_labels(form.get("predicted", ""))
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


def _parse_labels(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _render(request: Request, language: str, **values: Any) -> Response:
    template = "thanks.html.j2" if is_fragment(request) else "thanks_page.html.j2"
    known: dict[str, Any] = {"code": None, "stale": False, "seconds": None}
    return render_page(request, template, language=language, **{**known, **values})
