"""`POST /v1/reply`: drafts of a reply, or a hand-off to a person; and `POST /v1/reply/feedback`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from insula import __version__
from insula.core.errors import DataError, OutputError
from insula.core.model_input import ModelInput
from insula.empathy.policy.choice import Choice, StrategyPolicy
from insula.empathy.policy.outcomes import append_outcomes, build_outcome
from insula.serving.http.bodies import build_json_response, describe_json_body, read_body
from insula.serving.http.problems import ProblemError, describe_responses
from insula.serving.replies import ReplyArguments, write_reply
from insula.serving.reply_schemas import ReplyFeedbackRequest, ReplyRequest, ReplyResponse
from insula.serving.service import Service, await_while_connected, get_service

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
    wanted = ReplyArguments(body.language, body.strategy, body.n, body.country)
    found = await await_while_connected(request, write_reply(service, model, given, wanted, max_wait))
    answer = found.to_dict()
    del answer["text"]
    return build_json_response({"model": model.name, "version": model.version, **answer})


CHOICE = {
    "id": "3e6fcbfd-eca4-40b5-a838-0be526a8cf40",
    "policy": "rules",
    "version": __version__,
    "why": "policy",
    "strategy": "question",
    "candidates": ["question", "affirmation"],
    "probabilities": [1.0, 0.0],
    "context": {
        "language": "en", "feeling": "sadness", "polarity": "negative", "intensity": "normal", "need": "heard",
        "moved": None, "asked": None, "answers": False, "sure": True, "turn": 1,
    },
}  # fmt: skip
FEEDBACK_EXAMPLES = {
    "Sent as it was": {"choice": CHOICE, "action": "sent"},
    "Another draft, with changes": {"choice": CHOICE, "action": "edited", "used": "affirmation"},
    "None was used": {"choice": CHOICE, "action": "rejected"},
}
PROBABILITY_ERROR = 1e-6


@router.post(
    "/v1/reply/feedback",
    summary="Send what a person did with the drafts of a reply",
    status_code=201,
    responses=describe_responses(
        "malformed", "timeout", "too_large", "unsupported_media", "validation", "disabled", "unavailable"
    ),
    openapi_extra=describe_json_body(ReplyFeedbackRequest, FEEDBACK_EXAMPLES),
)
async def reply_feedback(request: Request) -> Response:
    """Appended to the log `reply.outcomes`, from which `insula policy learn` learns; 501 if it is not set.

    The log has no text. The choice must be one that the policy of this service makes; the last feedback on a choice
    counts.
    """
    await store_reply_feedback(get_service(request), await read_body(request, ReplyFeedbackRequest))
    return build_json_response({"kept": True}, 201)


async def store_reply_feedback(service: Service, body: ReplyFeedbackRequest) -> None:
    """Append what a person did to the log; raise `ProblemError` if there is none, or the choice was not made here."""
    file, chooser = service.settings.reply.outcomes, service.drafts.chooser
    if file is None or chooser is None:
        raise ProblemError(
            "disabled", "This service does not record the outcomes of drafts. Its operator can set reply.outcomes."
        )
    try:
        choice = Choice.from_dict(body.choice.model_dump())
        _require_made_by(chooser.policy, choice)
        outcome = build_outcome(choice, body.action, body.used)
    except DataError as error:
        raise ProblemError("validation", str(error)) from None
    try:
        await run_in_threadpool(append_outcomes, file, [outcome])
    except OutputError:
        raise ProblemError("unavailable", "Feedback cannot be stored now. Try again later.") from None


def _require_made_by(policy: StrategyPolicy, choice: Choice) -> None:
    """Raise `DataError` for a choice of another policy, or with probabilities that the policy does not have."""
    if (choice.policy, choice.version) != (policy.name, policy.version):
        raise DataError(
            f"The choice must come from the policy {policy.name} {policy.version}. Got {choice.policy} "
            f"{choice.version}: the policy has changed since the reply. Its outcome is not recorded."
        )
    wanted = [1.0, *[0.0] * (len(choice.candidates) - 1)]
    if choice.why == "policy":
        wanted = list(policy.weigh(choice.context, choice.candidates))
    if any(abs(one - other) > PROBABILITY_ERROR for one, other in zip(wanted, choice.probabilities, strict=True)):
        raise DataError("The probabilities are not those of the policy. Send the choice unchanged.")
