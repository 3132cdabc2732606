"""`/reply` and its forms: drafts of a reply to a message and their empathy, with the queues and limits of the API."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from insula.core.model_input import ModelInput
from insula.empathy.reply import Reply
from insula.empathy.scoring.result import EmpathyScore
from insula.empathy.scoring.score import build_pair
from insula.empathy.scoring.trained import is_scorer
from insula.empathy.state import LANGUAGES
from insula.empathy.strategies import STRATEGIES
from insula.serving.http.problems import ProblemError
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import RETRY, PageRoute
from insula.serving.pages.rendering import is_fragment, render_page
from insula.serving.pages.reply_view import EmpathyView, build_empathy_view, build_reply_view, list_countries
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import Translator
from insula.serving.replies import ReplyArguments, score_pairs, write_reply
from insula.serving.reply_schemas import ReplyFeedbackRequest
from insula.serving.routes.reply import store_reply_feedback
from insula.serving.served_models import ServedModel
from insula.serving.service import Service, await_while_connected, get_service
from insula.text.turn_lines import parse_turns

router = APIRouter(route_class=PageRoute)
PART = "reply_part.html.j2"
TYPED = ("text", "turns", "speaker", "drafts_in", "strategy", "country")
# A draft of a machine discloses nothing about itself.
OFFERED = tuple(one for one in STRATEGIES if one != "self_disclosure")


@router.get("/reply")
async def show_form(request: Request) -> Response:
    """The form for a message."""
    return _render(request, get_service(request).models.find(request.query_params.get("model")))


@router.post("/pages/reply")
async def draft(request: Request) -> Response:
    """Drafts or a hand-off: a fragment for htmx, the whole page for a plain form."""
    service = get_service(request)
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    model = service.models.find(form.get("model"))
    shown: dict[str, Any] = {"language": language, **{name: form.get(name, "") for name in TYPED}}
    if not get_visitors(request).has_csrf_token(request, form):
        return _render(request, model, **shown, stale=True, status=403)
    if not shown["text"].strip():
        return _render(request, model, **shown, code="empty", status=422)
    given = ModelInput(
        shown["text"], turns=tuple(parse_turns(shown["turns"])), speaker=shown["speaker"].strip() or None
    )
    wanted = ReplyArguments(
        language=shown["drafts_in"] if shown["drafts_in"] in LANGUAGES else None,
        strategy=shown["strategy"] if shown["strategy"] in OFFERED else "auto",
        country=shown["country"] or None,
    )
    try:
        max_wait = service.read_max_wait(request)
        reply, scores = await await_while_connected(request, _write(service, model, given, wanted, max_wait))
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        seconds = problem.headers.get(RETRY)
        headers = {RETRY: seconds} if seconds else {}
        return _render(
            request, model, **shown, code=problem.code, seconds=seconds, status=problem.status, headers=headers
        )
    records = service.settings.reply.outcomes is not None
    view = build_reply_view(reply, Translator(language), scores, records=records)
    return _render(request, model, **shown, view=view)


@router.post("/pages/reply/empathy")
async def score_draft(request: Request) -> Response:
    """The empathy of a draft that a person has changed: a fragment for htmx. It counts as one text of the quota."""
    service = get_service(request)
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    number = int(form["number"]) if form.get("number", "").isdecimal() else 0
    pair = build_pair(form.get("text", ""), form.get(f"draft-{number}", ""))
    if not get_visitors(request).has_csrf_token(request, form):
        return _render_empathy(request, number, language, stale=True, status=403)
    if not pair.text.strip() or not pair.turns[0].text.strip():
        return _render_empathy(request, number, language, code="empty", status=422)
    try:
        model = _choose_scorer(service, service.models.find(form.get("model")))
        service.check_inputs([pair])
        async with service.access.charge_texts(1):
            max_wait = service.read_max_wait(request)
            (score,) = await await_while_connected(request, score_pairs(service, model, [pair], max_wait))
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return _render_empathy(request, number, language, code=problem.code, status=problem.status)
    return _render_empathy(request, number, language, build_empathy_view(number, score, Translator(language)))


async def _write(
    service: Service, model: ServedModel, given: ModelInput, wanted: ReplyArguments, max_wait: float
) -> tuple[Reply, list[EmpathyScore] | None]:
    """Return the drafts and their scores; None instead of the scores if they failed, which costs no draft."""
    reply = await write_reply(service, model, given, wanted, max_wait)
    pairs = [build_pair(given.text, one.text) for one in reply.drafts]
    try:
        return reply, await score_pairs(service, _choose_scorer(service, model), pairs, max_wait) if pairs else []
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return reply, None


def _choose_scorer(service: Service, model: ServedModel) -> ServedModel:
    """Return the first model that was trained to score empathy, else `model`, with which the rules score."""
    return next((one for one in service.models if is_scorer(one.predictor.scheme)), model)


def _render_empathy(
    request: Request, number: int, language: str, view: EmpathyView | None = None, *, status: int = 200, **problem: Any
) -> Response:
    """Return the fragment with the empathy of a draft, or with what went wrong."""
    known = {"code": None, "seconds": None, "stale": False, "fragment": True, "is_open": True}
    return render_page(
        request,
        "reply_empathy_part.html.j2",
        status=status,
        language=language,
        headers={} if view else {"HX-Reswap": "none"},  # the old score stays below an error
        number=number,
        empathy=view,
        **{**known, **problem},
    )


@router.post("/pages/reply/feedback")
async def send_outcome(request: Request) -> Response:
    """The action of a person on the drafts: a sentence for htmx, the whole page for a plain form."""
    service = get_service(request)
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return _render_outcome(request, language, stale=True, status=403)
    action, _, used = form.get("did", "").partition(":")
    try:
        given = {"choice": json.loads(form.get("choice", "")), "action": action, "used": used or None}
        body = ReplyFeedbackRequest.model_validate_json(json.dumps(given))
        await store_reply_feedback(service, body)
    except (ValidationError, ValueError):
        return _render_outcome(request, language, code="malformed", status=422)
    except ProblemError as problem:
        service.telemetry.count_rejection(problem.code)
        return _render_outcome(request, language, code=problem.code, status=problem.status)
    return _render_outcome(request, language, recorded=Translator(language)(f"outcome_{body.action}"))


def _render_outcome(request: Request, language: str, **values: Any) -> Response:
    template = "outcome.html.j2" if is_fragment(request) else "outcome_page.html.j2"
    known: dict[str, Any] = {"code": None, "stale": False, "seconds": None, "recorded": ""}
    return render_page(request, template, language=language, **{**known, **values})


def _render(request: Request, model: ServedModel, *, language: str | None = None, **values: Any) -> Response:
    """Return the page, or for htmx only its answer."""
    say = Translator(get_language(request, language))
    known: dict[str, Any] = {"view": None, "code": None, "seconds": None, "stale": False}
    known |= dict.fromkeys(TYPED, "")
    template = PART if request.method == "POST" and is_fragment(request) else "reply.html.j2"
    return render_page(
        request,
        template,
        language=language,
        model=model,
        models=list(get_service(request).models),
        fragment=template == PART,
        asks_endpoint=bool(get_service(request).drafts.slow),
        strategies=[(name, say(f"strategy_{name}")) for name in OFFERED],
        languages=[(code, say(f"lang_{code}")) for code in LANGUAGES],
        countries=list_countries(say),
        **{**known, **values},
    )
