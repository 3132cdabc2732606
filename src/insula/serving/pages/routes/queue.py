"""`/queue`: cases of the hand-off queue for agents, with a key for each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from insula.operations.handoff.cases import DEADLINE, Case
from insula.operations.handoff.queue import HandoffQueue
from insula.serving.handoff.schemas import CloseRequest, ReassignRequest
from insula.serving.http.problems import ProblemError
from insula.serving.pages.forms import read_form
from insula.serving.pages.handoff.case_view import build_case_line, build_case_view
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import build_address, render_page
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import Translator
from insula.serving.service import Service, get_service

router = APIRouter(route_class=PageRoute)
SHOWN = 100
FILTERS: Mapping[str, Mapping[str, Any]] = {
    "open": {},
    "mine": {"states": ("claimed",)},
    "late": {"late": True},
    "closed": {"states": ("closed",)},
}
KEYS = (
    ("j", "down"), ("k", "up"), ("n", "next"), ("c", "claim"), ("d", "done"), ("w", "renew"), ("r", "release"),
    ("u", "back"),
)  # fmt: skip
BACK_TO_THE_LIST = ("release", "done")
"""Steps after which the agent no longer holds the case."""


@router.get("/queue")
async def show_queue(request: Request) -> Response:
    """The cases in the order in which they are to be handled."""
    return await _show_list(request)


@router.get("/queue/{case:int}")
async def show_case(request: Request, case: int) -> Response:
    """One case, with everything that was stored of its message."""
    return await _show_case(request, case)


@router.post("/pages/queue/next")
async def claim_next(request: Request) -> Response:
    """Claim the first waiting case, and show it."""
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return await _show_list(request, language, wrong="stale_queue", status=403)
    service = get_service(request)
    agent, lease = service.access.get_caller().name, service.handoff.lease
    found = await service.handoff.run(lambda queue: queue.claim(agent, lease=lease))
    return _redirect_to("queue" if found is None else f"queue/{found.id}", language)


@router.post("/pages/queue/{case:int}/{step}")
async def change_case(request: Request, case: int, step: str) -> Response:
    """Do a step with a case and redirect; if it is not possible, show the case with the reason."""
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return await _show_case(request, case, language, wrong="stale_queue", status=403)
    service = get_service(request)
    try:
        await service.handoff.run(await _build_step(service, case, step, form))
    except ValidationError:
        return await _show_case(request, case, language, wrong="case_incomplete", status=422)
    except ProblemError as problem:
        if problem.code != "conflict":
            raise
        service.telemetry.count_rejection(problem.code)
        reason = f"conflict_{problem.more.get('reason')}"
        wrong = reason if Translator(language).has_sentence(reason) else "conflict_other"
        return await _show_case(request, case, language, wrong=wrong, status=problem.status)
    return _redirect_to("queue" if step in BACK_TO_THE_LIST else f"queue/{case}", language)


async def _build_step(
    service: Service, case: int, step: str, form: Mapping[str, str]
) -> Callable[[HandoffQueue], Case | None]:
    """Return a function for the step. Raises `ProblemError` if it is unknown, `ValidationError` for a bad form."""
    agent, lease = service.access.get_caller().name, service.handoff.lease
    if step == "done":
        end = CloseRequest(outcome=form.get("outcome", "").strip(), note=form.get("note", "").strip() or None)
        note = end.note
        if note and service.handoff.stores_texts:
            (note,) = await service.retention.mask([note])
        return lambda queue: queue.close(case, agent, outcome=end.outcome, note=note)
    if step == "move":
        to = ReassignRequest(to=form.get("to", "").strip()).to
        return lambda queue: queue.reassign(case, actor=agent, agent=to, lease=lease)
    steps: Mapping[str, Callable[[HandoffQueue], Case | None]] = {
        "claim": lambda queue: queue.claim(agent, case=case, lease=lease),
        "renew": lambda queue: queue.renew(case, agent, lease=lease),
        "release": lambda queue: queue.release(case, agent),
        "reopen": lambda queue: queue.reopen(case, agent, deadline=DEADLINE),
    }
    if step not in steps:
        raise ProblemError("not_found", "A case has no such step. Load the page and use its buttons.")
    return steps[step]


async def _show_list(request: Request, language: str | None = None, *, wrong: str = "", status: int = 200) -> Response:
    service, say = get_service(request), Translator(get_language(request, language))
    agent = service.access.get_caller().name
    show = request.query_params.get("show", "open")
    show = show if show in FILTERS else "open"
    options = dict(FILTERS[show]) | ({"agent": agent} if show == "mine" else {})
    cases, depth = await service.handoff.run(
        lambda queue: (queue.list_cases(**options, limit=SHOWN + 1), queue.depth())
    )
    now = datetime.now(UTC)
    return render_page(
        request,
        "queue.html.j2",
        status=status,
        language=language,
        cases=[build_case_line(case, now, say) for case in cases[:SHOWN]],
        more=SHOWN if len(cases) > SHOWN else 0,
        depth=depth,
        agent=agent,
        filters=tuple(FILTERS),
        show=show,
        wrong=wrong,
        keys=KEYS,
    )


async def _show_case(
    request: Request, case: int, language: str | None = None, *, wrong: str = "", status: int = 200
) -> Response:
    service, say = get_service(request), Translator(get_language(request, language))
    agent = service.access.get_caller().name
    found, events, listed = await service.handoff.run(
        lambda queue: (queue.find(case), queue.events(case), queue.list_cases(limit=SHOWN))
    )
    order = [one.id for one in listed]
    place = order.index(case) if case in order else None
    scheme = service.models.default.predictor.scheme
    return render_page(
        request,
        "case.html.j2",
        status=status,
        language=language,
        case=build_case_view(found, events, datetime.now(UTC), agent, scheme, say),
        earlier=order[place - 1] if place else None,
        later=order[place + 1] if place is not None and place + 1 < len(order) else None,
        agent=agent,
        wrong=wrong,
        keys=KEYS,
    )


def _redirect_to(path: str, language: str) -> Response:
    return RedirectResponse(build_address(path, lang=language), 303)
