"""`/v1/queue`: the hand-off queue for agents and for the systems that they work in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from insula.operations.handoff.case_rows import MAX_NUMBER
from insula.operations.handoff.cases import DEADLINE, Case
from insula.operations.handoff.queue import HandoffQueue
from insula.serving.handoff.schemas import (
    AgentRequest,
    CaseDetails,
    CaseFilter,
    CaseList,
    CaseResponse,
    ClaimedCase,
    ClaimNextRequest,
    CloseRequest,
    Filter,
    LeaseRequest,
    QueueStatsResponse,
    ReassignRequest,
    ReopenRequest,
)
from insula.serving.handoff.served_queue import get_agent
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.service import get_service

router = APIRouter(tags=["queue"])
READING = describe_responses("not_found", "validation", "disabled", "unavailable")
STEP = describe_responses(
    "malformed", "not_found", "conflict", "timeout", "too_large", "unsupported_media", "validation", "disabled",
    "unavailable",
)  # fmt: skip
CaseNumber = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="The number of the case.")]
Step = TypeVar("Step", bound=AgentRequest)


@router.get("/v1/queue", summary="List cases", response_model=CaseList, responses=READING)
async def list_cases(request: Request, wanted: Annotated[CaseFilter, Query()]) -> Response:
    """Cases in the order in which they are to be handled: the highest risk first, then the earliest deadline."""
    found = await get_service(request).handoff.run(
        lambda queue: queue.list_cases(
            states=wanted.state,
            queue=wanted.queue,
            agent=wanted.agent,
            late=wanted.late,
            limit=wanted.limit,
            offset=wanted.offset,
        )
    )
    return build_json_response({"cases": [case.to_dict() for case in found]})


@router.get("/v1/queue/stats", summary="Show counts and times", response_model=QueueStatsResponse, responses=READING)
async def show_stats(
    request: Request,
    queue: Annotated[Filter | None, Query(description="Only cases in this queue (default: all).")] = None,
) -> Response:
    """The number of waiting cases, their age, and the time to handle them."""
    stats = await get_service(request).handoff.run(lambda cases: cases.stats(queue=queue))
    return build_json_response(stats.to_dict())


@router.post(
    "/v1/queue/claim",
    summary="Claim the first waiting case",
    response_model=ClaimedCase,
    responses=STEP,
    openapi_extra=describe_json_body(
        ClaimNextRequest, {"The first case": {}, "Of a queue": {"queue": "care", "lease": 600}}
    ),
)
async def claim_next(request: Request) -> Response:
    """The case that is to be handled first, held by the agent until its lease ends; null if none waits.

    No two agents ever hold one case. A call whose answer is lost may have claimed a case: `GET /v1/queue?agent=NAME`
    lists it.
    """
    service = get_service(request)
    body = await read_body(request, ClaimNextRequest)
    agent = get_agent(service.access.get_caller(), body.agent)
    lease = body.lease or service.handoff.lease
    found = await service.handoff.run(lambda queue: queue.claim(agent, lease=lease, queue=body.queue))
    return build_json_response({"case": None if found is None else found.to_dict()})


@router.get("/v1/queue/{case:int}", summary="Show a case", response_model=CaseDetails, responses=READING)
async def show_case(request: Request, case: CaseNumber) -> Response:
    """A case with everything that happened to it."""
    found, events = await get_service(request).handoff.run(lambda queue: (queue.find(case), queue.events(case)))
    return build_json_response({**found.to_dict(), "events": [event.to_dict() for event in events]})


@router.post(
    "/v1/queue/{case:int}/claim",
    summary="Claim a case",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(LeaseRequest, {"Claim": {}}),
)
async def claim(request: Request, case: CaseNumber) -> Response:
    """The case, held by the agent; a case that the agent holds already is held for longer."""
    service = get_service(request)

    def build(body: LeaseRequest, agent: str) -> Callable[[HandoffQueue], Any]:
        return lambda queue: queue.claim(agent, case=case, lease=body.lease or service.handoff.lease)

    return await _change_case(request, LeaseRequest, build)


@router.post(
    "/v1/queue/{case:int}/renew",
    summary="Hold a case for longer",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(LeaseRequest, {"Renew": {"lease": 900}}),
)
async def renew(request: Request, case: CaseNumber) -> Response:
    """Restart the lease of a case, and return the case."""
    service = get_service(request)

    def build(body: LeaseRequest, agent: str) -> Callable[[HandoffQueue], Case]:
        return lambda queue: queue.renew(case, agent, lease=body.lease or service.handoff.lease)

    return await _change_case(request, LeaseRequest, build)


@router.post(
    "/v1/queue/{case:int}/release",
    summary="Release a case",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(AgentRequest, {"Release": {}}),
)
async def release(request: Request, case: CaseNumber) -> Response:
    """The case, which waits again with the same deadline."""
    return await _change_case(request, AgentRequest, lambda _, agent: lambda queue: queue.release(case, agent))


@router.post(
    "/v1/queue/{case:int}/reassign",
    summary="Move a case to another agent or queue",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(
        ReassignRequest, {"To an agent": {"to": "ben"}, "To a queue": {"queue": "billing"}}
    ),
)
async def reassign(request: Request, case: CaseNumber) -> Response:
    """The case; `agent` is who moves it, and need not hold it."""
    service = get_service(request)

    def build(body: ReassignRequest, agent: str) -> Callable[[HandoffQueue], Case]:
        lease = body.lease or service.handoff.lease
        return lambda queue: queue.reassign(case, actor=agent, agent=body.to, queue=body.queue, lease=lease)

    return await _change_case(request, ReassignRequest, build)


@router.post(
    "/v1/queue/{case:int}/close",
    summary="Close a case",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(CloseRequest, {"CloseRequest": {"outcome": "resolved", "note": "Refunded."}}),
)
async def close(request: Request, case: CaseNumber) -> Response:
    """The case, closed with an outcome by the agent who holds it. Closing it again with the same outcome is allowed."""
    service = get_service(request)
    body = await read_body(request, CloseRequest)
    agent = get_agent(service.access.get_caller(), body.agent)
    note = None
    if body.note and service.handoff.stores_texts:
        (note,) = await service.retention.mask([body.note])
    found = await service.handoff.run(lambda queue: queue.close(case, agent, outcome=body.outcome, note=note))
    return build_json_response(found.to_dict())


@router.post(
    "/v1/queue/{case:int}/reopen",
    summary="Open a closed case again",
    response_model=CaseResponse,
    responses=STEP,
    openapi_extra=describe_json_body(ReopenRequest, {"ReopenRequest": {"deadline": 3600}}),
)
async def reopen(request: Request, case: CaseNumber) -> Response:
    """The case, which waits again with a new deadline."""

    def build(body: ReopenRequest, agent: str) -> Callable[[HandoffQueue], Case]:
        return lambda queue: queue.reopen(case, agent, deadline=body.deadline or DEADLINE)

    return await _change_case(request, ReopenRequest, build)


async def _change_case(
    request: Request, kind: type[Step], build: Callable[[Step, str], Callable[[HandoffQueue], Case]]
) -> Response:
    """Read the body of a step, do it as the agent who acts, and answer with the case."""
    service = get_service(request)
    body = await read_body(request, kind)
    agent = get_agent(service.access.get_caller(), body.agent)
    return build_json_response((await service.handoff.run(build(body, agent))).to_dict())
