"""`/v1/keys`: the access keys of the service, for administrators; served only with `access.manage_keys`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.key_management.schemas import CreatedKey, KeyList, KeyRequest, KeyResponse
from insula.serving.key_management.served_keys import create_key, list_keys, revoke_key
from insula.serving.service import get_service

router = APIRouter(tags=["keys"])
READING = describe_responses("unavailable")
CREATING = describe_responses("malformed", "too_large", "unsupported_media", "validation", "timeout", "unavailable")
REVOKING = describe_responses("not_found", "conflict", "validation", "unavailable")
KeyId = Annotated[str, Path(max_length=32, description="Id of the key, as the list shows it.")]
EXAMPLES = {
    "Predictions": {"name": "care-desk", "expires": "90d", "texts_per_day": 100_000},
    "A reviewer": {"name": "Anna", "scopes": ["review"]},
}


@router.get("/v1/keys", summary="List keys", response_model=KeyList, responses=READING)
async def show_keys(request: Request) -> Response:
    """All keys that were ever created, with their scopes, state and last use; never a secret."""
    now = datetime.now(UTC)
    return build_json_response({"keys": [record.to_dict(now) for record in await list_keys(get_service(request))]})


@router.post(
    "/v1/keys",
    summary="Create a key",
    status_code=201,
    response_model=CreatedKey,
    responses=CREATING,
    openapi_extra=describe_json_body(KeyRequest, EXAMPLES),
)
async def create(request: Request) -> Response:
    """The new key with its secret, which is not shown again: the store keeps only its digest."""
    made = await create_key(get_service(request), await read_body(request, KeyRequest))
    return build_json_response({"key": made.secret, **made.record.to_dict()}, 201)


@router.delete("/v1/keys/{id}", summary="Revoke a key", response_model=KeyResponse, responses=REVOKING)
async def revoke(request: Request, id: KeyId) -> Response:
    """The key, revoked: running services deny it within `access.remembered_seconds`. A key cannot revoke itself."""
    return build_json_response((await revoke_key(get_service(request), id)).to_dict())
