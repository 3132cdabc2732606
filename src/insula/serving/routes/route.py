"""`POST /v1/route`: messages that are predicted, and handed to people if the routing rules ask for it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from insula.serving.answers import DIGITS
from insula.serving.handoff.message_router import RoutingResult
from insula.serving.handoff.schemas import RouteRequest, RouteResponse
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import describe_responses
from insula.serving.service import get_service

router = APIRouter(tags=["route"])
PROBLEMS = describe_responses(
    "malformed", "timeout", "too_large", "unsupported_media", "validation", "overloaded", "disabled", "unavailable"
)
EXAMPLES = {
    "A message": {
        "source": "mail",
        "messages": [
            {
                "id": "m-17",
                "text": "I have waited three weeks. I want my money back NOW.",
                "attributes": {"tier": "gold"},
            }
        ],
    },
    "In its conversation": {
        "source": "chat",
        "subject": "customer-4711",
        "messages": [
            {
                "id": "c-9-4",
                "text": "呵呵，真好。",
                "speaker": "客户",
                "turns": [{"speaker": "客服", "text": "要晚两个星期。"}],
            }
        ],
    },
}


@router.post(
    "/v1/route",
    summary="Predict messages, and hand them to people if a rule asks for it",
    response_model=RouteResponse,
    responses=PROBLEMS,
    openapi_extra=describe_json_body(RouteRequest, EXAMPLES),
)
async def route(request: Request) -> Response:
    """The decision of the routing rules on each message, in order. A message that goes into a queue has a `case`.

    All cases of a request are opened before the answer, or none is: send it again after an error. A message whose `id`
    has a case already in this `source` gets no second one. A message with a risk that no rule covers gets a case by the
    rule `safeguard`. Send no automatic answer to a message that is `handed_off`, except its `acknowledgement`, nor
    after an error. Each message counts as one text of the quota, and is predicted by the first model.
    """
    service = get_service(request)
    service.routing.require_rules()
    max_wait = service.reject_early(request)
    body = await read_body(request, RouteRequest)
    model = service.routing.model
    given = [message.model_input for message in body.messages]
    inputs, _ = service.drop_unread_context(model, given)
    predicted = await service.predict_for(request, model, inputs, max_wait, subject=body.subject)
    routed = await service.routing.route(
        service, given, predicted.predictions, source=body.source, subject=body.subject
    )
    rows = [{"id": one.id, **_build_row(found)} for one, found in zip(given, routed, strict=True)]
    return build_json_response({"model": model.name, "version": model.version, "messages": rows})


def _build_row(routed: RoutingResult) -> dict[str, Any]:
    decision, prediction = routed.decision, routed.message.prediction
    return {
        **{name: getattr(decision, name) for name in ("action", "rule", "queue", "deadline", "priority", "tags")},
        "reason": decision.reason,
        "case": None if routed.case is None else {"id": routed.case.id, "state": routed.case.state},
        "handed_off": routed.handed_off,
        "acknowledgement": None if routed.acknowledgement is None else routed.acknowledgement.to_dict(),
        "withheld": routed.outcome if isinstance(routed.outcome, str) else None,
        "prediction": {
            "labels": prediction.labels,
            "label": prediction.label,
            "scores": {name: round(score, DIGITS) for name, score in prediction.scores.items()},
            "confidence": None if prediction.confidence is None else round(prediction.confidence, DIGITS),
            "abstained": prediction.abstained,
        },
    }
