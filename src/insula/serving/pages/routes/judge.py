"""`GET /`, `POST /pages/judge` and `/pages/explain`: predict a text, or a conversation, and explain the answer.

They have the queues and limits of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.serving.http.problems import ProblemError
from insula.serving.pages.answer_view import answer_view, reading_notes
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import language_of
from insula.serving.pages.model_view import labels_view
from insula.serving.pages.page_route import RETRY, PageRoute
from insula.serving.pages.rendering import is_fragment, page
from insula.serving.pages.visits import visitors_of
from insula.serving.pages.why_view import why_view
from insula.serving.pages.words import Speech
from insula.serving.queueing.explanation_queue import Wanted
from insula.serving.served_models import ServedModel
from insula.serving.service import Service, service_of
from insula.text.turn_lines import parse_turns

router = APIRouter(route_class=PageRoute)
PART = "answer.html.j2"
TYPED = ("text", "turns", "speaker", "target")


@router.get("/")
async def first(request: Request) -> Response:
    """The form for a text, empty or with one of the examples."""
    model = service_of(request).models.find(request.query_params.get("model"))
    examples = Speech(language_of(request)).examples
    wanted = request.query_params.get("example", "")
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 3 else 0
    return _page(request, model, text=examples[number - 1] if 0 < number <= len(examples) else "")


@router.post("/pages/judge")
async def judge(request: Request) -> Response:
    """The answer to a text: a fragment for htmx, the whole page for a plain form."""
    service = service_of(request)
    form = await read_form(request)
    language, text = language_of(request, form.get("lang")), form.get("text", "")
    model = service.models.find(form.get("model"))
    shown: dict[str, Any] = {"language": language, **{name: form.get(name, "") for name in TYPED}}
    if not visitors_of(request).has_csrf_token(request, form):
        return _page(request, model, **shown, stale=True, status=403)
    if not text.strip():
        return _page(request, model, **shown, code="empty", status=422)
    try:
        max_wait = service.reject_early(request)
        given = _typed_input(form)
        inputs, _ = service.drop_unread_context(model, [given])
        predicted = await service.predict_for(request, model, inputs, max_wait, language=language)
    except ProblemError as problem:
        return _problem(request, model, problem, **shown)
    days = service.settings.retention.days
    return _page(
        request,
        model,
        **shown,
        **_answered(service, model, given, predicted.predictions[0], Speech(language)),
        kept=predicted.stored_ids[0] if predicted.stored_ids else None,
        days=f"{days:g}" if days else "",
    )


@router.post("/pages/explain")
async def explain(request: Request) -> Response:
    """The words behind the answer to a text: a fragment for htmx, the whole page with the answer for a plain form."""
    service = service_of(request)
    form = await read_form(request)
    language = language_of(request, form.get("lang"))
    model, chosen = service.models.find(form.get("model")), form.get("label", "")
    shown: dict[str, Any] = {"language": language, **{name: form.get(name, "") for name in TYPED}}
    if not visitors_of(request).has_csrf_token(request, form):
        return _page(request, model, "why_part.html.j2", **shown, stale=True, status=403)
    try:
        max_wait = service.max_wait(request, service.settings.explain.wait_ms)
        given = _typed_input(form)
        inputs, _ = service.drop_unread_context(model, [given])
        wanted = Wanted(labels=(chosen,) if chosen else ())
        (explanation,) = await service.explain_for(request, model, inputs, wanted, max_wait)
    except ProblemError as problem:
        return _problem(request, model, problem, "why_part.html.j2", **shown)
    say = Speech(language)
    return _page(
        request,
        model,
        "why_part.html.j2",
        **shown,
        **_answered(service, model, given, explanation.prediction, say),
        why=why_view(model.predictor.scheme, explanation, say),
        why_chosen=chosen,
    )


def _answered(
    service: Service, model: ServedModel, given: ModelInput, prediction: Prediction, say: Speech
) -> dict[str, Any]:
    """Return what a page shows of a prediction."""
    scheme = model.predictor.scheme
    names = scheme.names if service.settings.explain.enabled else ()
    return {
        "answer": answer_view(scheme, prediction, say),
        "notes": reading_notes(given, prediction, model.predictor.context, say),
        "choices": labels_view(scheme, say) if _takes_feedback(service, model) else [],
        "predicted": list(prediction.labels),
        "why_labels": [(name, scheme.display_name(name, say.language)) for name in names],
    }


def _problem(request: Request, model: ServedModel, problem: ProblemError, part: str = PART, **shown: Any) -> Response:
    """Return the page with a problem in place of the answer."""
    service_of(request).telemetry.rejected(problem.code)
    seconds = problem.headers.get(RETRY)
    headers = {RETRY: seconds} if seconds else {}
    return _page(
        request, model, part, **shown, code=problem.code, seconds=seconds, status=problem.status, headers=headers
    )


def _takes_feedback(service: Service, model: ServedModel) -> bool:
    """Whether the service stores feedback, and the model has labels to choose from."""
    is_stored = service.settings.feedback.file is not None or service.retention.is_enabled
    return is_stored and model.predictor.scheme.is_categorical


def _typed_input(form: Mapping[str, str]) -> ModelInput:
    """Return the input of a form: its text, the turns (one on each line), the speaker and the target."""
    return ModelInput(
        form.get("text", ""),
        turns=parse_turns(form.get("turns", "")),
        speaker=form.get("speaker", "").strip() or None,
        target=form.get("target", "").strip() or None,
    )


def _page(
    request: Request, model: ServedModel, part: str = PART, *, language: str | None = None, **values: Any
) -> Response:
    """Return the page, or for htmx only the fragment `part`."""
    known: dict[str, Any] = {
        "answer": None,
        "kept": None,
        "days": "",
        "code": None,
        "seconds": None,
        "stale": False,
        "notes": [],
        "choices": [],
        "predicted": [],
        "why": [],
        "why_labels": [],
        "why_chosen": "",
    }
    known |= dict.fromkeys(TYPED, "")
    served = list(service_of(request).models)
    template = part if request.method == "POST" and is_fragment(request) else "judge.html.j2"
    return page(
        request,
        template,
        language=language,
        model=model,
        models=served,
        stored_texts=service_of(request).settings.retention.texts,
        reads_turns=any(one.predictor.context.turns for one in served),
        reads_target=any(one.predictor.context.target for one in served),
        fragment=template == part,
        **{**known, **values},
    )
