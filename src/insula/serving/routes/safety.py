"""`POST /v1/safety`: signals of risk in incoming messages, and what a reply must not say."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.safety.signals.help_lines import DEFAULT, find_help, load_help_lines
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.reply_schemas import SafetyRequest, SafetyResponse
from insula.serving.service import await_while_connected, get_service

router = APIRouter(tags=["safety"])
PROBLEMS = describe_responses(
    "malformed", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "disabled", "unavailable"
)
EXAMPLES = {
    "A message": {"messages": ["I can't do this any more"]},
    "A reply before it is sent": {"replies": ["You should just stop the pills."]},
    "Both, with the help of a country": {"messages": ["我撑不下去了"], "replies": ["一切都会好的。"], "country": "CN"},
}


@router.post(
    "/v1/safety",
    summary="Check messages for signals of risk, and replies before they are sent",
    response_model=SafetyResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(SafetyRequest, EXAMPLES),
)
async def check(request: Request) -> Response:
    """Experimental, and not clinically validated: it misses messages from people at risk.

    It fails closed: a message that could not be checked, or not in time, has `needs_person` and gives the reason in
    `failure`; such a reply is not `allowed`. Treat any other answer than 200 like that, too. Each text counts as one
    text of the quota. Nothing is stored or logged, and nobody is notified.
    """
    service = get_service(request)
    service.safety.require_enabled()
    body = await read_body(request, SafetyRequest)
    messages, replies = body.messages or [], body.replies or []
    service.check_inputs([*messages, *replies])
    async with service.access.charge_texts(len(messages) + len(replies)):
        checks = await await_while_connected(request, service.safety.check_messages(messages))
        stopped = await await_while_connected(request, service.safety.check_replies(replies))
    country = (body.country or DEFAULT).upper()
    line = find_help(country if country in load_help_lines() and body.country else None)
    needs_person = any(one.needs_person for one in checks)
    for one in checks:
        service.telemetry.count_hand_off(one)
    return build_json_response(
        {
            "messages": [one.to_dict() for one in checks],
            "replies": [one.to_dict() for one in stopped],
            "help": {"en": line.sentence("en"), "zh": line.sentence("zh")} if needs_person else None,
            "notified": False,
        }
    )
