"""`/dashboard`: the streams that monitors keep in the store, a page that updates itself."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.operations.monitoring.trend import list_streams, read_trend
from insula.operations.outbox.outbox import STATES, Outbox
from insula.operations.store.database import Database
from insula.serving.monitoring.stored_trends import read_store
from insula.serving.pages.language import get_language
from insula.serving.pages.monitoring.dashboard_view import LASTS, DashboardFilter, DashboardView, build_dashboard_view
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import render_page
from insula.serving.pages.words import Translator
from insula.serving.service import get_service

router = APIRouter(route_class=PageRoute)
SECONDS = 15  # between two updates
DELIVERIES = 20


@router.get("/dashboard")
async def show_dashboard(request: Request) -> Response:
    """The page."""
    view = await _build_view(request)
    is_live = request.query_params.get("live") != "off"
    return render_page(
        request, "dashboard.html.j2", board=view, lasts=LASTS, seconds=SECONDS, is_live=is_live,
        everything=replace(view.choice, where="").to_query(),
    )  # fmt: skip


@router.get("/pages/dashboard")
async def show_board(request: Request) -> Response:
    """The part of the page that changes, or no content if the browser shows it already."""
    view = await _build_view(request)
    if request.query_params.get("seen") == view.seen:
        return Response(status_code=204)
    return render_page(request, "board.html.j2", board=view)


async def _build_view(request: Request) -> DashboardView:
    say = Translator(get_language(request))

    def read(store: Database) -> DashboardView:
        streams = list_streams(store)
        choice = DashboardFilter.read(request.query_params, streams)
        by = (choice.by,) if choice.by else ()
        trend = read_trend(store, choice.stream, last=choice.last, by=by, where=choice.attributes) if streams else None
        outbox = Outbox(store)
        deliveries = outbox.list_deliveries(limit=DELIVERIES)
        return build_dashboard_view(choice, streams, trend, deliveries, outbox.count_by_state(STATES), say)

    found = await read_store(get_service(request), read)
    return found or build_dashboard_view(DashboardFilter(), (), None, (), {}, say)
