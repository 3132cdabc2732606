"""`open_queue`, `check_routes`, `try_route`, `acknowledge`: messages for people, and the rules that decide which."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.model_input import ModelInput, TextOrInput
from insula.core.starter import STARTER
from insula.operations.audit.log import STORE
from insula.operations.store.open_store import open_store

if TYPE_CHECKING:
    from insula.empathy.acknowledgement import Acknowledgement, Withheld
    from insula.inference.predictor import Predictor
    from insula.operations.handoff.queue import HandoffQueue
    from insula.operations.routing.conditions import IncomingMessage
    from insula.operations.routing.coverage import RouteProblem
    from insula.operations.routing.route_file import RouteFile
    from insula.operations.routing.router import RouteDecision

CLOSED_DAYS = 90.0


@contextmanager
def open_queue(
    store: str | Path = STORE,
    *,
    days: float = CLOSED_DAYS,
    texts: bool = True,
    kinds: Collection[str] | None = None,
) -> Iterator[HandoffQueue]:
    """Open the hand-off queue for a `with` block; its methods open, claim, close and list cases.

    store   the server's data folder, or the address of its database
    days    days for which a closed case is kept; others are kept until they are closed
    texts   whether the words of messages are stored, masked; without them agents read a message in its source
    kinds   kinds of personal data to mask (default: all)

    Raises `StoreError` if the store cannot be used, `StoreUnreachableError` if it does not answer, `DataError` for an
    unknown kind.
    """
    from insula.operations.store.retention import Retention
    from insula.safety.find import check_kinds
    from insula.safety.mask import mask

    wanted = check_kinds(kinds)
    retention = Retention(days, mask=(lambda text: mask(text, kinds=wanted).text) if texts else None)
    with open_store(store, purpose="keep the hand-off queue") as database:
        from insula.operations.handoff.queue import HandoffQueue

        yield HandoffQueue(database, retention)


def check_routes(file: str | Path, *, model: str | Path | None = None) -> tuple[RouteFile, list[RouteProblem]]:
    """Return the rules of a file and their problems: rules that never decide, contradictions, uncovered messages.

    model  a model whose labels the rules must name; None to accept any label

    Raises `MissingFileError`, and `DataError` if the file is not valid or names a label that the model does not have.
    """
    from insula.inference.predictor import Predictor
    from insula.operations.routing.coverage import find_problems
    from insula.operations.routing.route_file import read_routes

    routes = read_routes(file)
    if model is not None:
        routes.check_labels(Predictor.load(model).scheme, repr(str(file)))
    return routes, find_problems(routes)


def try_route(
    given: TextOrInput, file: str | Path, model: str | Path | Predictor = STARTER
) -> tuple[IncomingMessage, RouteDecision]:
    """Predict a text and check it for risk; return both with the decision of the rules in a file.

    The rules see the attributes of a `ModelInput`, and its language, which is detected if it has none. Raises as
    `check_routes` does.
    """
    from insula.inference.predictor import Predictor
    from insula.operations.routing.conditions import IncomingMessage
    from insula.operations.routing.route_file import read_routes
    from insula.operations.routing.router import Router
    from insula.safety.signals.detect import check_message
    from insula.text.language import detect_language

    routes = read_routes(file)
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    routes.check_labels(predictor.scheme, repr(str(file)))
    found = given if isinstance(given, ModelInput) else ModelInput(given)
    (prediction,) = predictor.predict([found])
    # From a score of 0.5 on, a learned model has seen a signal: rules that see none must not overrule it.
    risk = check_message(found.text, score=0.5 if prediction.at_risk else None, language=found.language)
    language = found.language or prediction.language or detect_language(found.text)
    message = IncomingMessage(replace(prediction, language=language), risk, found.attributes)
    return message, Router(routes).route(message)


def acknowledge(
    given: ModelInput, message: IncomingMessage, decision: RouteDecision
) -> Acknowledgement | Withheld | None:
    """Return the confirmation of receipt that a rule asks for, why it is withheld, or None if the rule asks for none.

    given              the message with its turns
    message, decision  what `try_route` returns

    The text is checked for danger once more, also by the learned score. Before you send the acknowledgement, open the
    case and record it with `queue.acknowledge(case.id)`, which returns False if it must not be sent.
    """
    from insula.empathy.acknowledgement import write_acknowledgement
    from insula.inference.risk.check import check_messages

    risks = [message.risk, *(check_messages([given.text]) if decision.acknowledge else ())]
    return write_acknowledgement(
        given, decision.acknowledge, risks, language=message.prediction.language, priority=decision.priority
    )
