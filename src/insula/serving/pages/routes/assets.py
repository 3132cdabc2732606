"""`GET /pages/assets/NAME`: static files, open to everyone because the login page needs them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from insula.serving.http.problems import ProblemError
from insula.serving.pages.assets_index import FOLDER, KINDS, read_asset

router = APIRouter()


@router.get(f"{FOLDER}/{{name}}")
async def send_asset(name: str) -> Response:
    """A static file; its address changes with its content, so browsers may cache it."""
    if name not in KINDS:
        raise ProblemError("not_found", "The file does not exist. Check its address.")
    return Response(read_asset(name), media_type=KINDS[name], headers={"cache-control": "public, max-age=86400"})
