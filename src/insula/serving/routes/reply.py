"""`POST /v1/reply`: drafts of a reply, or a hand-off to a person."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.core.model_input import ModelInput
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.replies import WantedReply, write_reply
from insula.serving.reply_schemas import ReplyRequest, ReplyResponse
from insula.serving.service import await_while_connected, get_service

router = APIRouter(tags=["reply"])
PROBLEMS = describe_responses(
    "malformed",
    "not_found",
    "timeout",
    "too_large",
    "unsupported_media",
    "validation",
    "overloaded",
    "disabled",
    "unavailable",
)
EXAMPLES = {
    "A message": {"text": "I failed the exam again. I can't tell my parents."},
    "In Chinese": {"text": "等了两个小时，还是没人回电话。", "n": 1},
    "In a conversation": {
        "text": "Fine.",
        "speaker": "A",
        "turns": [{"speaker": "A", "text": "I lost my job."}, {"speaker": "B", "text": "How are you?"}],
    },
}


@router.post(
    "/v1/reply",
    summary="Draft replies to a message, for a person to read and send",
    response_model=ReplyResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(ReplyRequest, EXAMPLES),
)
async def reply(request: Request) -> Response:
    """Drafts are written by a machine: a person must read one before it is sent. Experimental.

    If the message or an earlier turn has a signal of risk, or could not be checked in time, there are no drafts but a
    `hand_off`, whose `notified` says whether somebody was notified. The check misses messages and is not clinically
    validated. Treat any other answer than 200 as a hand-off, too. The message counts as one text of the quota; nothing
    is stored or logged.
    """
    service = get_service(request)
    max_wait = service.read_max_wait(request)
    service.safety.require_enabled()
    body = await read_body(request, ReplyRequest)
    model = service.models.find(body.model)
    given = ModelInput(body.text, turns=tuple(turn.to_core() for turn in body.turns or ()), speaker=body.speaker)
    wanted = WantedReply(body.language, body.strategy, body.n, body.country)
    found = await await_while_connected(request, write_reply(service, model, given, wanted, max_wait))
    answer = found.to_dict()
    del answer["text"]
    return build_json_response({"model": model.name, "version": model.version, **answer})
