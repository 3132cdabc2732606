"""`GET /docs`: the API in a browser, rendered here from the OpenAPI document without a script or a foreign file."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.pages.api_view import list_operations
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import render_page

router = APIRouter(route_class=PageRoute)


@router.get("/docs")
async def show_api(request: Request) -> Response:
    """The operations with examples; open like `/openapi.json`."""
    address = f"{request.url.scheme}://{request.url.netloc}"
    return render_page(request, "api.html.j2", operations=list_operations(request.app.openapi(), address))
