"""`/v1/streams`, `/v1/trend`, `/v1/deliveries`: the streams that monitors keep in the store of the service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from insula.operations.monitoring.trend import read_trend
from insula.operations.outbox.outbox import STATES, Outbox
from insula.operations.store.database import Database
from insula.serving.http.bodies import build_json_response
from insula.serving.http.problems import ProblemError, describe_responses
from insula.serving.monitoring.schemas import DeliveryFilter, DeliveryList, StreamList, TrendFilter, TrendResponse
from insula.serving.monitoring.stored_trends import NO_STREAM, read_store, read_streams
from insula.serving.service import get_service

router = APIRouter(tags=["trend"])
READING = describe_responses("validation", "unavailable")
FINDING = describe_responses("not_found", "validation", "unavailable")


@router.get("/v1/streams", summary="List monitored streams", response_model=StreamList, responses=READING)
async def show_streams(request: Request) -> Response:
    """The streams that `insula monitor` reads or has read, the last updated first."""
    streams = await read_streams(get_service(request))
    return build_json_response({"streams": [one.to_dict() for one in streams]})


@router.get("/v1/trend", summary="Show a trend", response_model=TrendResponse, responses=FINDING)
async def show_trend(request: Request, wanted: Annotated[TrendFilter, Query()]) -> Response:
    """The development of the emotions in a stream: its newest windows with 95% intervals, and its newest alerts.

    Windows have counts, and no text. `GET /v1/streams` lists the streams and their attributes.
    """
    service = get_service(request)
    if not await read_streams(service):
        raise ProblemError("not_found", NO_STREAM)

    def read(store: Database) -> dict[str, Any]:
        found = read_trend(store, wanted.stream, last=wanted.last, by=tuple(wanted.by), where=wanted.attributes)
        return found.to_dict()

    return build_json_response(await read_store(service, read) or {})


@router.get("/v1/deliveries", summary="List deliveries", response_model=DeliveryList, responses=READING)
async def show_deliveries(request: Request, wanted: Annotated[DeliveryFilter, Query()]) -> Response:
    """Notifications of alerts and cases to their receivers, the newest first, and how many there are in each state."""

    def read(store: Database) -> dict[str, Any]:
        outbox = Outbox(store)
        found = outbox.list_deliveries(state=wanted.state, limit=wanted.limit)
        return {"counts": outbox.count_by_state(STATES), "deliveries": [one.to_dict() for one in found]}

    empty: dict[str, Any] = {"counts": dict.fromkeys(STATES, 0), "deliveries": []}
    return build_json_response(await read_store(get_service(request), read) or empty)
