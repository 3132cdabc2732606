"""`write_reply` and `score_pairs`: drafts of a reply, and the empathy of replies, by the queues of the service.

A message that cannot be checked goes to a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from insula.core.errors import InsulaError
from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.empathy.conversation import list_own_turns
from insula.empathy.generators.collect import ask_generator
from insula.empathy.replies import ReplyArguments as ReplyArguments
from insula.empathy.reply import (
    Reply,
    build_check_in,
    build_hand_off,
    choose_reply,
    choose_risk,
    is_weak_signal,
    read_request,
)
from insula.empathy.scoring.result import EmpathyScore
from insula.empathy.scoring.score import iterate_scores, send_predictions
from insula.serving.http.problems import ProblemError
from insula.serving.served_models import ServedModel
from insula.serving.service import Service
from insula.text.scripts import detect_language_by_script


async def write_reply(
    service: Service, model: ServedModel, given: ModelInput, wanted: ReplyArguments, max_wait: float
) -> Reply:
    """Return drafts, or a hand-off if the message or an earlier turn has a signal of risk or could not be checked.

    Only a message without a signal of risk, weak or not, is shown to a generator outside of this process. The message
    is charged to the caller's quota as one text, and refunded if it is not answered. Nothing is stored.
    Raises `ProblemError` if it is empty or too long, or if the drafts are not written in time.
    """
    service.safety.require_enabled()
    service.check_inputs([given])
    language, chooser = wanted.language or detect_language_by_script(given.text), service.drafts.chooser
    async with service.access.charge_texts(1):
        texts = [given.text, *(turn.text for turn in reversed(given.turns) if turn.text.strip())]
        checks = await service.safety.check_messages(texts)
        risk = choose_risk(checks)
        if risk is not None:
            service.telemetry.count_hand_off(risk)
        if risk is not None and not is_weak_signal(risk):
            return Reply(given.text, language, None, (), hand_off=build_hand_off(risk, language, wanted.country))
        *earlier, last = await _predict(service, model, given, max_wait)
        try:
            asked = await service.safety.run(
                lambda: read_request(
                    given,
                    last,
                    model.predictor.scheme,
                    language=language,
                    earlier=earlier,
                    strategy=wanted.strategy,
                    count=wanted.n,
                    chooser=chooser,
                )
            )
            if risk is not None:
                return await service.safety.run(lambda: build_check_in(asked, risk, wanted.country, chooser))
            slow = await service.drafts.ask(asked)
            return await service.safety.run(
                lambda: choose_reply(
                    asked, [*(ask_generator(one, asked) for one in service.drafts.local), *slow], chooser
                )
            )
        except InsulaError as error:
            raise ProblemError("validation", str(error)) from None


async def _predict(service: Service, model: ServedModel, given: ModelInput, max_wait: float) -> list[Prediction]:
    """Return the predictions of the speaker's earlier turns and of the message."""
    inputs, _ = service.drop_unread_context(model, [given])
    own = [turn.text for turn in list_own_turns(given) if turn.text.strip()]
    try:
        async with asyncio.timeout(service.settings.limits.answer_seconds):
            predictions = await model.batcher.predict([*own, *inputs], max_wait)
    except TimeoutError:
        raise ProblemError("unavailable", "The answer took too long. Repeat the request later.") from None
    service.telemetry.count_predictions(model.name, predictions)
    return predictions


async def score_pairs(
    service: Service, model: ServedModel, replies: Sequence[ModelInput], max_wait: float
) -> list[EmpathyScore]:
    """Return the empathy of each reply to its message; the predictions come from the queue of the model.

    Nothing is charged or stored. Raises `ProblemError` if the scores are not ready in time.
    """
    scoring = iterate_scores(replies, model.predictor.scheme)
    wanted, scores = next(scoring), None
    context = model.predictor.context
    try:
        async with asyncio.timeout(service.settings.limits.answer_seconds):
            while scores is None:
                inputs = [context.drop_unread(one) if isinstance(one, ModelInput) else one for one in wanted]
                predictions = await model.batcher.predict(inputs, max_wait) if inputs else []
                wanted, scores = await asyncio.to_thread(send_predictions, scoring, predictions)
        return scores
    except TimeoutError:
        raise ProblemError("unavailable", "The answer took too long. Repeat the request later.") from None
