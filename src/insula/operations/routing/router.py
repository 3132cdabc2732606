"""`Router`: finds the rules that apply to a message, and decides about it with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from insula.core.errors import DataError
from insula.core.model_input import ModelInput
from insula.operations.handoff.cases import QUEUE, NewCase
from insula.operations.routing.conditions import ConditionCheck, IncomingMessage, check_conditions
from insula.operations.routing.route_file import Acknowledge, Route, RouteFile
from insula.safety.signals.result import LEVELS, Level

Action = Literal["queue", "ignore", "none"]
SAFEGUARD = "safeguard"
"""The name of the rule that is always last: a message that a person must see for its risk is never without a case."""
SAFEGUARD_SECONDS = 3600


@dataclass(frozen=True)
class RouteStep:
    """A rule that was tried: its conditions for this message, and whether all of them are met."""

    rule: str
    applies: bool
    checks: tuple[ConditionCheck, ...]


@dataclass(frozen=True)
class RouteDecision:
    """The decision of the rules on a message.

    action       `queue`: a case is opened; `ignore`: a rule decided that none is; `none`: no rule decided
    rule         the rule that decided, None if none did; `safeguard` for a risk that no rule put into a queue
    queue        the queue of the case; None without one, as are `deadline` (seconds) and `priority`
    tags         the tags of all rules that applied
    reason       why, in a sentence
    steps        the rules that were tried, in order
    acknowledge  what the rule asks for; whether the message may be acknowledged, `insula.api.handoff.acknowledge`
                 finds out
    """

    action: Action
    rule: str | None
    queue: str | None
    deadline: int | None
    priority: Level | None
    tags: tuple[str, ...]
    reason: str
    steps: tuple[RouteStep, ...]
    acknowledge: Acknowledge = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)

    def build_case(
        self,
        given: ModelInput,
        message: IncomingMessage,
        *,
        source: str = "",
        subject: str | None = None,
    ) -> NewCase:
        """Return the case to open for a message that goes into a queue; `given.id` is the id of the message.

        Raises `DataError` if the message does not go into a queue, or has no id.
        """
        if self.queue is None or self.deadline is None or self.priority is None:
            raise DataError(
                f"A case needs a message that goes into a queue. Got the action {self.action!r}. Check `action` first."
            )
        if given.id is None:
            raise DataError(
                "A case needs the id of its message, so that it is opened once. Got none. Set `id` of the message."
            )
        return NewCase(
            message=given.id, text=given.text, deadline=self.deadline, source=source, queue=self.queue,
            risk=self.priority, reason=" ".join((self.reason, *message.risk.reasons)), rule=self.rule, tags=self.tags,
            turns=given.turns, speaker=given.speaker, target=given.target, customer=dict(message.attributes) or None,
            answer=message.prediction.to_dict(), subject=subject, language=message.prediction.language,
        )  # fmt: skip


class Router:
    """Applies the rules of a file to messages, in the order of the file."""

    def __init__(self, file: RouteFile) -> None:
        self.file = file

    def route(self, message: IncomingMessage) -> RouteDecision:
        """Return the decision about a message."""
        steps: list[RouteStep] = []
        applying: list[Route] = []
        for route in self.file.routes:
            checks = check_conditions(route, message)
            applies = all(check.is_met for check in checks)
            steps.append(RouteStep(route.name, applies, tuple(checks)))
            if applies:
                applying.append(route)
                if route.decides and self.file.match == "first":
                    break
        tags = tuple(dict.fromkeys(tag for route in applying for tag in route.tags))
        decision = _decide([route for route in applying if route.decides], steps, tags)
        return _apply_safeguard(decision, message)


def _decide(deciding: Sequence[Route], steps: Sequence[RouteStep], tags: tuple[str, ...]) -> RouteDecision:
    opening = [route for route in deciding if route.queue is not None]
    made: Mapping[str, Any] = {"tags": tags, "steps": tuple(steps)}
    if not deciding:
        return RouteDecision("none", None, None, None, None, reason="No rule decides about the message.", **made)
    first = (opening or deciding)[0]
    checks = next(step.checks for step in steps if step.rule == first.name)
    because = ": " + "; ".join(map(str, checks)) if checks else ", which applies to every message"
    reason = f"Rule {first.name!r}{because}."
    if not opening:
        return RouteDecision("ignore", first.name, None, None, None, reason=reason, **made)
    priority = max((route.priority or "none" for route in opening), key=LEVELS.index)
    deadline = min(route.seconds for route in opening)
    acknowledge = next((route.acknowledge for route in opening if route.acknowledge), False)
    return RouteDecision(
        "queue", first.name, first.queue, deadline, priority, reason=reason, acknowledge=acknowledge, **made
    )


def _apply_safeguard(decision: RouteDecision, message: IncomingMessage) -> RouteDecision:
    """Return the decision with the risk of the message: a case has at least its priority, and there is one."""
    risk = LEVELS[message.risk.priority]
    if decision.action == "queue":
        return replace(decision, priority=max(decision.priority or "none", risk, key=LEVELS.index))
    if not message.risk.needs_person:
        return decision
    reason = f"A person must see the message because of its risk ({risk}), and no rule puts it into a queue."
    return replace(
        decision, action="queue", rule=SAFEGUARD, queue=QUEUE, deadline=SAFEGUARD_SECONDS, priority=risk, reason=reason
    )
