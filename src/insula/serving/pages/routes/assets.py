"""`GET /pages/assets/NAME`: styles and htmx, open to everybody, as the page to sign in needs them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from insula.serving.http.problems import ProblemError
from insula.serving.pages.assets_index import FOLDER, KINDS, content_of

router = APIRouter()


@router.get(f"{FOLDER}/{{name}}")
async def asset(name: str) -> Response:
    """One of the files; their addresses change with their content, so browsers may keep them."""
    if name not in KINDS:
        raise ProblemError("not_found", "There is no such file.")
    return Response(content_of(name), media_type=KINDS[name], headers={"cache-control": "public, max-age=86400"})
