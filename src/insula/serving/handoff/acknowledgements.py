"""`acknowledge_messages`: the automatic confirmations of receipt that routing rules ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from insula.core.model_input import ModelInput
from insula.empathy.acknowledgement import Acknowledgement, Withheld, write_acknowledgement
from insula.operations.handoff.cases import Case
from insula.operations.routing.conditions import IncomingMessage
from insula.operations.routing.router import RouteDecision
from insula.serving.http.problems import ProblemError

if TYPE_CHECKING:
    from insula.serving.service import Service

Outcome = Acknowledgement | Withheld | None


async def acknowledge_messages(
    service: Service,
    inputs: Sequence[ModelInput],
    decided: Sequence[tuple[IncomingMessage, RouteDecision]],
    cases: Mapping[int, Case],
    known: Collection[str],
    *,
    has_subject: bool,
) -> list[Outcome]:
    """Return for each message of a request its acknowledgement, why it is withheld, or None if no rule asks for one.

    cases        the cases of the request, by the position of their message
    known        ids of messages that people dealt with before the request
    has_subject  whether all messages are from one person, who gets one acknowledgement, none if one of them may
                 show a danger

    Each is recorded in its case before it is returned: what is lost on the way to the caller is not sent again. The
    texts are checked as those of `/v1/safety` are; without an answer in time they count as dangerous.
    """
    wanted = [place for place, (_, decision) in enumerate(decided) if decision.acknowledge]
    outcomes: list[Outcome] = [None] * len(decided)
    if not wanted:
        return outcomes
    checks = await service.safety.check_messages([inputs[place].text for place in wanted])
    dangerous = has_subject and any(message.risk.needs_person for message, _ in decided)
    besides = {case.id for case in cases.values()}
    seen = set(known)
    for place, check in zip(wanted, checks, strict=True):
        given, (message, decision) = inputs[place], decided[place]
        outcome: Outcome = "danger"
        if not dangerous:
            language, priority = message.prediction.language, decision.priority
            risks = (message.risk, check)
            outcome = write_acknowledgement(given, decision.acknowledge, risks, language=language, priority=priority)
        if isinstance(outcome, Acknowledgement):
            is_first = given.id not in seen and (not has_subject or place == min(cases))
            if not is_first or not await _record(service, cases[place].id, besides):
                outcome = "handed_off"
        seen.add(given.id or "")
        outcomes[place] = outcome
        service.telemetry.count_acknowledgement("drafted" if isinstance(outcome, Acknowledgement) else str(outcome))
    return outcomes


async def _record(service: Service, case: int, besides: Collection[int]) -> bool:
    """Return whether the acknowledgement of a case may be sent; not if the store does not answer."""
    try:
        return await service.handoff.run(lambda queue: queue.acknowledge(case, besides=besides))
    except ProblemError:  # the case is open: without an acknowledgement the answer is still right
        return False
