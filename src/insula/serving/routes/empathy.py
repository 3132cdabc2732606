"""`POST /v1/empathy`: the empathy that replies show."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.core.model_input import EMPTY_TEXT
from insula.empathy.scoring.score import build_pair
from insula.serving.empathy_schemas import EmpathyRequest, EmpathyResponse
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import ProblemError, describe_responses
from insula.serving.replies import score_pairs
from insula.serving.service import await_while_connected, get_service

router = APIRouter(tags=["reply"])
PROBLEMS = describe_responses(
    "malformed", "not_found", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "unavailable"
)
EXAMPLES = {
    "A pair": {"pairs": [{"message": "I failed the exam again.", "reply": "I'm so sorry. What happened?"}]},
    "In Chinese": {"pairs": [{"message": "我又没考上。", "reply": "好心疼你，一定很难受吧。"}]},
}


@router.post(
    "/v1/empathy",
    summary="Score the empathy that replies show",
    response_model=EmpathyResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(EmpathyRequest, EXAMPLES),
)
async def score(request: Request) -> Response:
    """Scores describe words, not people. Experimental. Each pair counts as one text of the quota; nothing is stored."""
    service = get_service(request)
    max_wait = service.read_max_wait(request)
    body = await read_body(request, EmpathyRequest)
    model = service.models.find(body.model)
    replies = [build_pair(pair.message, pair.reply) for pair in body.pairs]
    service.check_inputs(replies)
    for number, pair in enumerate(body.pairs):
        if not pair.message.strip():
            raise ProblemError("validation", f"{EMPTY_TEXT} The message of pair {number} is empty. Leave the pair out.")
    async with service.access.charge_texts(len(replies)):
        scores = await await_while_connected(request, score_pairs(service, model, replies, max_wait))
    rows = [one.to_dict() for one in scores]
    for row in rows:
        del row["message"], row["reply"]
    return build_json_response({"model": model.name, "version": model.version, "scores": rows})
