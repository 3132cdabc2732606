"""`MessageRouter`: predicted messages against the routing rules of a service, and the cases that they open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from insula.core.errors import SettingsError
from insula.core.model_input import ModelInput, Turn
from insula.core.prediction import Prediction
from insula.empathy.acknowledgement import Acknowledgement
from insula.operations.handoff.case_rows import UNMASKED
from insula.operations.handoff.cases import Case, Field, NewCase
from insula.operations.routing.conditions import IncomingMessage
from insula.operations.routing.route_file import RouteFile, read_routes
from insula.operations.routing.router import RouteDecision, Router
from insula.safety.signals.detect import check_message
from insula.serving.handoff.acknowledgements import Outcome, acknowledge_messages
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.explanation_queue import ExplanationRequest
from insula.serving.settings.settings import Settings
from insula.text.language import detect_language

if TYPE_CHECKING:
    from insula.explanation.explanation import Explanation
    from insula.serving.served_models import ServedModel
    from insula.serving.service import Service

MASK_SECONDS = 10.0  # for all messages of a request that get a case; the words of later ones are not stored
EXPLAIN_SECONDS = 3.0  # for all of them; later ones have no words behind their prediction
MAX_WORDS = 5
SIGNAL = 0.5
"""The lowest score of a learned model that `check_message` takes for a signal."""


@dataclass(frozen=True)
class RoutingResult:
    """The outcome for a message.

    case        the case into which the decision puts it, if any
    handed_off  whether people deal with the message, so that nobody may answer it automatically
    outcome     the confirmation of receipt, why it is withheld, or None if no rule asks for one
    """

    message: IncomingMessage
    decision: RouteDecision
    case: Case | None
    handed_off: bool
    outcome: Outcome = None

    @property
    def acknowledgement(self) -> Acknowledgement | None:
        """The confirmation of receipt, the one automatic answer that may be sent."""
        return self.outcome if isinstance(self.outcome, Acknowledgement) else None


class MessageRouter:
    """Decides about messages by the rules of `handoff.routes`, whose labels belong to the first model.

    Raises `MissingFileError`, `DataError` if the file is not valid or names a label that the model does not have, and
    `SettingsError` for a rule that acknowledges messages while `safety.enabled` is false.
    """

    def __init__(self, settings: Settings, model: ServedModel) -> None:
        self._options = settings.handoff
        self.model = model
        self._router: Router | None = None
        if self._options.routes is not None:
            routes: RouteFile = read_routes(self._options.routes)
            routes.check_labels(model.predictor.scheme, repr(str(self._options.routes)))
            if not settings.safety.enabled and any(route.acknowledge for route in routes.routes):
                raise SettingsError(
                    f"A rule in {str(self._options.routes)!r} has acknowledge, which needs the check for danger. "
                    "Set safety.enabled to true, or remove acknowledge."
                )
            self._router = Router(routes)

    def require_rules(self) -> Router:
        """Return the rules; raise `ProblemError` if there are none."""
        if self._router is None:
            raise ProblemError(
                "disabled", "This service has no routing rules. Its operator can set handoff.routes to a file."
            )
        return self._router

    async def route(
        self,
        service: Service,
        inputs: Sequence[ModelInput],
        predictions: Sequence[Prediction],
        *,
        source: str,
        subject: str | None,
    ) -> list[RoutingResult]:
        """Return the decisions about messages, in order; one transaction opens either all cases of a request or none.

        A message that has a case already gets no second one. Raises `ProblemError` if the store does not answer.
        """
        router = self.require_rules()
        decided = [
            await asyncio.to_thread(_decide, router, given, predicted)
            for given, predicted in zip(inputs, predictions, strict=True)
        ]
        opening = [place for place, (_, decision) in enumerate(decided) if decision.action == "queue"]
        cases = dict[int, Case]()
        ids = [given.id or "" for given in inputs]
        known = set[str]()
        if any(decision.acknowledge for _, decision in decided):  # asked before the cases of this request are open
            known = await service.handoff.run(lambda queue: queue.find_handed_off(source, ids, subject=subject))
        if opening:
            new = [
                decided[place][1].build_case(inputs[place], decided[place][0], source=source, subject=subject)
                for place in opening
            ]
            ready = await self._add_words(service, router, await _mask_cases(service, new))
            opened = await service.handoff.run(lambda queue: queue.open(*ready))
            cases = dict(zip(opening, opened, strict=True))
        outcomes = await acknowledge_messages(service, inputs, decided, cases, known, has_subject=subject is not None)
        # Asked last: a case of this request is among them. The rules may have changed since the message got its case.
        handed_off = await service.handoff.run(lambda queue: queue.find_handed_off(source, ids, subject=subject))
        return [
            RoutingResult(message, decision, cases.get(place), ids[place] in handed_off, outcomes[place])
            for place, (message, decision) in enumerate(decided)
        ]

    async def _add_words(self, service: Service, router: Router, cases: Sequence[NewCase]) -> list[NewCase]:
        """Return the cases with the words behind their predictions, if they are found in time.

        The masked text is explained: its words can be shown as they are.
        """
        end = time.monotonic() + EXPLAIN_SECONDS
        found = []
        for case in cases:
            budget = min(self._options.explain_ms / 1000, end - time.monotonic())
            words: tuple[str, ...] = ()
            label = _choose_label(router, case)
            if service.settings.explain.enabled and budget > 0 and case.text and label is not None:
                words = await self._find_words(service, case, label, budget)
            found.append(replace(case, words=words))
        return found

    async def _find_words(self, service: Service, case: NewCase, label: str, seconds: float) -> tuple[str, ...]:
        text = case.text or ""
        given = ModelInput(text, turns=tuple(case.turns), speaker=case.speaker, target=case.target)
        wanted = ExplanationRequest(labels=(label,), budget=1000 * seconds, with_faithfulness=False)
        try:
            async with asyncio.timeout(2 * seconds):  # the budget does not count the wait for predictions
                (explanation,) = await service.explanations.explain(
                    self.model, [self.model.predictor.context.drop_unread(given)], wanted, seconds
                )
        except (ProblemError, TimeoutError):
            return ()  # a busy service opens the case without them
        return tuple(_iterate_strongest(explanation, label))


def _decide(router: Router, given: ModelInput, predicted: Prediction) -> tuple[IncomingMessage, RouteDecision]:
    language = given.language or predicted.language or detect_language(given.text)
    # A model that saw a sign of risk must not be overruled by rules that see none.
    risk = check_message(given.text, score=SIGNAL if predicted.at_risk else None, language=given.language)
    # The router sees the whole text; the model may have read only its beginning.
    prediction = replace(predicted, text=given.text, language=language)
    message = IncomingMessage(prediction, risk, given.attributes)
    return message, router.route(message)


def _choose_label(router: Router, case: NewCase) -> str | None:
    """Return the label to explain: a predicted one that the rule of the case names, else the first predicted one."""
    named = {label for route in router.file.routes if route.name == case.rule for label in route.labels}
    answer = case.answer or {}
    labels: list[str] = [*(answer.get("labels") or ())]
    scores = answer.get("scores") or {}
    ranked = sorted(labels, key=lambda label: (label not in named, -scores.get(label, 0.0)))
    return ranked[0] if ranked else None


def _iterate_strongest(explanation: Explanation, label: str) -> Iterator[str]:
    """Yield the strongest words for a label, each once, without the tokens that mask personal data."""
    seen = set[str]()
    for word, weight in explanation.top_words(label, len(explanation.words)):
        text = " ".join(word.text.split())
        start = explanation.prediction.text.rfind("[", 0, word.start + 1)
        is_masked = start >= 0 and explanation.prediction.text.find("]", start) + 1 >= word.end
        if weight > 0 and any(map(str.isalnum, text)) and not is_masked and text.lower() not in seen:
            seen.add(text.lower())
            yield text
        if len(seen) == MAX_WORDS:
            return


async def _mask_cases(service: Service, cases: Sequence[NewCase]) -> list[NewCase]:
    """Return the cases with personal data masked; one that cannot be masked in time has no words."""
    if not service.handoff.stores_texts:
        return [_drop_words(case) for case in cases]
    masked, end = list[NewCase](), time.monotonic() + MASK_SECONDS
    for case in cases:
        try:
            if time.monotonic() > end:
                raise TimeoutError
            async with asyncio.timeout(end - time.monotonic()):
                masked.append(_replace_texts(case, await service.retention.mask(list(_iterate_texts(case)))))
        except Exception:  # noqa: BLE001 - whatever is wrong with the masking, a person must see the message
            masked.append(replace(_drop_words(case), reason=UNMASKED))
    return masked


def _drop_words(case: NewCase) -> NewCase:
    return replace(case, text=None, turns=(), speaker=None, target=None, customer=None, reason="", words=())


def _iterate_texts(case: NewCase) -> Iterator[str]:
    """Yield every field of a case that may hold words of a person, in the order of `_replace_texts`."""
    yield from (case.text or "", case.reason, case.speaker or "", case.target or "")
    for turn in case.turns:
        yield from (turn.text, turn.speaker or "")
    yield from (value for value in (case.customer or {}).values() if isinstance(value, str))


def _replace_texts(case: NewCase, words: Iterable[str]) -> NewCase:
    masked = iter(words)
    text, reason, speaker, target = (next(masked) for _ in range(4))
    turns = tuple(Turn(next(masked), next(masked) or None) for _ in case.turns)
    customer: dict[str, Field] = {
        name: next(masked) if isinstance(value, str) else value for name, value in (case.customer or {}).items()
    }
    return replace(
        case,
        text=text,
        reason=reason,
        speaker=speaker or None,
        target=target or None,
        turns=turns,
        customer=customer or None,
    )
