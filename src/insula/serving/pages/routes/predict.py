"""`GET /`, `POST /pages/predict` and `/pages/explain`: predict a text, or a conversation, and explain the answer.

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
from insula.explanation.counterfactual import Counterfactual
from insula.serving.http.problems import ProblemError
from insula.serving.pages.answer_view import build_answer_view, list_reading_notes
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import get_language
from insula.serving.pages.model_view import list_labels
from insula.serving.pages.page_route import RETRY, PageRoute
from insula.serving.pages.rendering import is_fragment, render_page
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.why_view import build_edit_view, build_why_view, describe_rules
from insula.serving.pages.words import Translator
from insula.serving.queueing.explanation_queue import CounterfactualRequest, ExplanationRequest
from insula.serving.served_models import ServedModel
from insula.serving.service import Service, get_service
from insula.text.turn_lines import parse_turns

router = APIRouter(route_class=PageRoute)
PART = "answer.html.j2"
FIELDS = ("text", "turns", "speaker", "target")


@router.get("/")
async def show_form(request: Request) -> Response:
    """The form for a text, empty or with one of the examples."""
    model = get_service(request).models.find(request.query_params.get("model"))
    examples = Translator(get_language(request)).examples
    wanted = request.query_params.get("example", "")
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 3 else 0
    return _render(request, model, text=examples[number - 1] if 0 < number <= len(examples) else "")


@router.post("/pages/predict")
@router.post("/pages/judge")  # the name until version 0.3, for pages that are still open
async def predict(request: Request) -> Response:
    """Return the prediction for a text: a fragment for htmx, the whole page for a plain form."""
    service = get_service(request)
    form = await read_form(request)
    language, text = get_language(request, form.get("lang")), form.get("text", "")
    model = service.models.find(form.get("model"))
    shown: dict[str, Any] = {"language": language, **{name: form.get(name, "") for name in FIELDS}}
    if not get_visitors(request).has_csrf_token(request, form):
        return _render(request, model, **shown, stale=True, status=403)
    if not text.strip():
        return _render(request, model, **shown, code="empty", status=422)
    try:
        max_wait = service.reject_early(request)
        given = _parse_input(form)
        inputs, _ = service.drop_unread_context(model, [given])
        predicted = await service.predict_for(request, model, inputs, max_wait, language=language)
    except ProblemError as problem:
        return _render_problem(request, model, problem, **shown)
    days = service.settings.retention.days
    return _render(
        request,
        model,
        **shown,
        **_build_answer(service, model, given, predicted.predictions[0], Translator(language)),
        kept=predicted.stored_ids[0] if predicted.stored_ids else None,
        days=f"{days:g}" if days else "",
    )


@router.post("/pages/explain")
async def explain(request: Request) -> Response:
    """Return the words behind a prediction: a fragment for htmx, the whole page for a plain form."""
    service = get_service(request)
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    model, chosen = service.models.find(form.get("model")), form.get("label", "")
    shown: dict[str, Any] = {"language": language, **{name: form.get(name, "") for name in FIELDS}}
    if not get_visitors(request).has_csrf_token(request, form):
        return _render(request, model, "why_part.html.j2", **shown, stale=True, status=403)
    try:
        max_wait = service.read_max_wait(request, service.settings.explain.wait_ms)
        given = _parse_input(form)
        inputs, _ = service.drop_unread_context(model, [given])
        if form.get("ask") == "edit":
            (found,) = await service.explain_for(request, model, inputs, CounterfactualRequest(), max_wait)
            return _render_edit(request, model, given, found, **shown)
        wanted = ExplanationRequest(labels=(chosen,) if chosen else ())
        (explanation,) = await service.explain_for(request, model, inputs, wanted, max_wait)
    except ProblemError as problem:
        return _render_problem(request, model, problem, "why_part.html.j2", **shown)
    say = Translator(language)
    return _render(
        request,
        model,
        "why_part.html.j2",
        **shown,
        **_build_answer(service, model, given, explanation.prediction, say),
        why=build_why_view(model.predictor.scheme, explanation, say),
        why_chosen=chosen,
    )


def _render_edit(
    request: Request, model: ServedModel, given: ModelInput, found: Counterfactual, *, language: str, **shown: Any
) -> Response:
    """Return the edits that change the answer, and those that do not."""
    say = Translator(language)
    return _render(
        request,
        model,
        "why_part.html.j2",
        language=language,
        **shown,
        **_build_answer(get_service(request), model, given, found.prediction, say),
        edits=build_edit_view(model.predictor.scheme, found, say),
        is_edited=True,
    )


def _build_answer(
    service: Service, model: ServedModel, given: ModelInput, prediction: Prediction, say: Translator
) -> dict[str, Any]:
    """Return the parts of a prediction that a page shows."""
    scheme = model.predictor.scheme
    names = scheme.names if service.settings.explain.enabled else ()
    return {
        "answer": build_answer_view(scheme, prediction, say),
        "notes": [
            *filter(None, [describe_rules(scheme, prediction, say)]),
            *list_reading_notes(given, prediction, model.predictor.context, say),
        ],
        "choices": list_labels(scheme, say) if _takes_feedback(service, model) else [],
        "predicted": list(prediction.labels),
        "why_labels": [(name, scheme.display_name(name, say.language)) for name in names],
    }


def _render_problem(
    request: Request, model: ServedModel, problem: ProblemError, part: str = PART, **shown: Any
) -> Response:
    """Return the page with a problem in place of the answer."""
    get_service(request).telemetry.count_rejection(problem.code)
    seconds = problem.headers.get(RETRY)
    headers = {RETRY: seconds} if seconds else {}
    return _render(
        request, model, part, **shown, code=problem.code, seconds=seconds, status=problem.status, headers=headers
    )


def _takes_feedback(service: Service, model: ServedModel) -> bool:
    """Whether the service stores feedback, and the model has labels to choose from."""
    is_stored = service.settings.feedback.file is not None or service.retention.is_enabled
    return is_stored and model.predictor.scheme.is_categorical


def _parse_input(form: Mapping[str, str]) -> ModelInput:
    """Return the input of a form: its text, the turns (one on each line), the speaker and the target."""
    return ModelInput(
        form.get("text", ""),
        turns=parse_turns(form.get("turns", "")),
        speaker=form.get("speaker", "").strip() or None,
        target=form.get("target", "").strip() or None,
    )


def _render(
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
        "edits": [],
        "is_edited": False,
    }
    known |= dict.fromkeys(FIELDS, "")
    served = list(get_service(request).models)
    template = part if request.method == "POST" and is_fragment(request) else "predict.html.j2"
    return render_page(
        request,
        template,
        language=language,
        model=model,
        models=served,
        stored_texts=get_service(request).settings.retention.texts,
        reads_turns=any(one.predictor.context.turns for one in served),
        reads_target=any(one.predictor.context.target for one in served),
        fragment=template == part,
        **{**known, **values},
    )
