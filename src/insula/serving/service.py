"""`Service`: the state that the routes of one application share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import HTTPConnection, Request

from insula.core.errors import StoreError
from insula.core.model_input import EMPTY_TEXT, ModelInput, TextOrInput, count_characters, get_text
from insula.core.prediction import Prediction
from insula.serving.authentication.access_control import AccessControl
from insula.serving.blocking_pool import BlockingPool
from insula.serving.handoff.message_router import MessageRouter
from insula.serving.handoff.served_queue import ServedQueue
from insula.serving.http.body_limits import BodyMemory
from insula.serving.http.problems import ProblemError
from insula.serving.http.unexpected_errors import ClientGoneError
from insula.serving.jobs import JobRunner
from insula.serving.queueing.draft_queue import DraftQueue
from insula.serving.queueing.explanation_queue import ExplanationQueue, QueuedRequest, Result
from insula.serving.queueing.safety_queue import SafetyQueue
from insula.serving.retention_writer import RetentionWriter
from insula.serving.served_models import ServedModel, ServedModels
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings
from insula.serving.telemetry import Telemetry

WAIT_HEADER = "insula-wait-ms"
NUL = "\x00"
Answer = TypeVar("Answer")
SECONDS_BETWEEN_CHECKS = 1.0
UNWATCHED_SECONDS = 0.05  # most answers take less, so that watching for a disconnect is seldom needed


@dataclass(frozen=True)
class RequestPredictions:
    """The predictions of a request, one for each input, and their ids in the store; no ids if nothing is stored."""

    predictions: list[Prediction]
    stored_ids: list[str]


class Dependencies:
    """Checks whether the store and Redis answer, at most once a second, because anybody may probe."""

    def __init__(self, access: AccessControl, store: ServerStore, pool: BlockingPool) -> None:
        self._access = access
        self._store = store
        self._pool = pool
        self._checking: asyncio.Future[None] | None = None
        self._checked_at = float("-inf")

    async def check(self) -> None:
        """Raise `StoreError` if one of them does not answer."""
        if self._checking is None or (
            self._checking.done() and time.monotonic() - self._checked_at >= SECONDS_BETWEEN_CHECKS
        ):
            self._checked_at = time.monotonic()
            self._checking = asyncio.ensure_future(self._check())
        await asyncio.shield(self._checking)

    async def _check(self) -> None:
        await self._pool.run(self._store.has_keys)
        await self._access.check_limiter()


@dataclass
class Service:
    """Models, settings, telemetry, access control, store and background jobs of an application.

    handoff   the hand-off queue
    routing   decides which messages go into it
    pool      runs blocking calls of the store
    draining  True from the first stop signal on; accepted requests are still answered
    streams   number of open streams
    stop_by   when the service must have ended, by `time.monotonic`; None before the first stop signal
    """

    settings: Settings
    models: ServedModels
    telemetry: Telemetry
    jobs: JobRunner
    access: AccessControl
    retention: RetentionWriter
    store: ServerStore
    pool: BlockingPool
    body_memory: BodyMemory
    explanations: ExplanationQueue
    handoff: ServedQueue
    routing: MessageRouter
    safety: SafetyQueue
    drafts: DraftQueue
    draining: bool = False
    ready: bool = False
    streams: int = 0
    stop_by: float | None = None
    _dependencies: Dependencies = field(init=False)

    def __post_init__(self) -> None:
        self._dependencies = Dependencies(self.access, self.store, self.pool)

    @property
    def seconds_left(self) -> float:
        """The seconds that the service may take to end."""
        return self.settings.drain_seconds if self.stop_by is None else max(0.1, self.stop_by - time.monotonic())

    async def check_ready(self) -> None:
        """Raise `ProblemError` while the service accepts no requests, or what they need does not answer."""
        if self.draining or not self.ready:
            raise ProblemError("unavailable", "The service does not accept requests now. Try again later.")
        try:
            await self._dependencies.check()
        except StoreError:
            raise ProblemError("unavailable", "The store or Redis does not answer. Try again later.") from None

    def read_max_wait(self, connection: HTTPConnection, default_ms: float | None = None) -> float:
        """Return how many seconds a request may wait in the queue; raise `ProblemError` if its header is invalid.

        default_ms  milliseconds without the header; None for those of predictions
        """
        given = connection.headers.get(WAIT_HEADER)
        options = self.settings.queue
        if given is None:
            return (options.wait_ms if default_ms is None else default_ms) / 1000
        if not (given.isascii() and given.isdecimal() and len(given) < 10):
            raise ProblemError(
                "validation", f"The header {WAIT_HEADER} must be a whole number of milliseconds. Write for example 500."
            )
        return min(int(given), options.most_wait_ms) / 1000

    def reject_early(self, connection: HTTPConnection) -> float:
        """Return how many seconds a request may wait; raise `ProblemError` if the queue is too long for it."""
        max_wait = self.read_max_wait(connection)
        if len(self.models) == 1:
            self.models.default.batcher.admit(1, max_wait)
        return max_wait

    def check_inputs(self, inputs: Sequence[TextOrInput]) -> None:
        """Raise `ProblemError` if there are too many inputs, or one of them is empty, too long or contains NUL.

        The turns and the target of an input count towards its length.
        """
        limits = self.settings.limits
        if len(inputs) > limits.texts:
            raise ProblemError(
                "too_large",
                f"A request may have at most {limits.texts:,} texts. Got {len(inputs):,}. Send several requests.",
            )
        for row, given in enumerate(inputs):
            if (length := count_characters(given)) > limits.characters:
                raise ProblemError(
                    "too_large",
                    f"A text may have at most {limits.characters:,} characters. The text at position {row} has "
                    f"{length:,}. Shorten it.",
                )
            if not get_text(given).strip():
                raise ProblemError("validation", f"{EMPTY_TEXT} Got one at position {row}. Leave it out.")
            if NUL in get_text(given):
                raise ProblemError(
                    "validation", f"A text must not contain the NUL character. Got one at position {row}. Remove NUL."
                )
            if isinstance(given, ModelInput):
                self.check_context([turn.text for turn in given.turns], given.target)

    def check_context(self, turns: Sequence[str], target: str | None = None) -> None:
        """Raise `ProblemError` if a dialogue has too many turns, or NUL is in one of them or in the target."""
        most = self.settings.limits.turns
        if len(turns) > most:
            raise ProblemError(
                "too_large", f"A dialogue may have at most {most:,} turns. Got {len(turns):,}. Send only the newest."
            )
        if any(NUL in text for text in (*turns, target or "")):
            raise ProblemError(
                "validation", "A turn or a target must not contain the NUL character. Remove the character."
            )

    def drop_unread_context(self, model: ServedModel, inputs: Sequence[TextOrInput]) -> tuple[list[TextOrInput], int]:
        """Return the inputs without the context that a model does not read, and how many inputs have such context.

        Raises `ProblemError` as `check_inputs` does, but counts only the characters that the model reads: a
        conversation may be longer.
        """
        context, read = model.predictor.context, list[TextOrInput]()
        for given in inputs:
            if isinstance(given, ModelInput):
                self.check_context([turn.text for turn in given.turns], given.target)
                read.append(context.drop_unread(given))
            else:
                read.append(given)
        self.check_inputs(read)
        return read, model.predictor.count_unread(inputs)

    async def predict(
        self,
        model: ServedModel,
        inputs: Sequence[TextOrInput],
        max_wait: float,
        *,
        subject: str | None = None,
        language: str | None = None,
    ) -> RequestPredictions:
        """Predict the inputs, and store the predictions if `retention.days` is set.

        subject, language  for the stored rows

        The inputs are charged to the caller's quota, and refunded if they are not answered. Raises `ProblemError` if
        they are not answered in time or cannot be stored.
        """
        async with self.access.charge_texts(len(inputs)):
            try:
                async with asyncio.timeout(self.settings.limits.answer_seconds):
                    predictions = await model.batcher.predict(inputs, max_wait)
            except TimeoutError:
                raise ProblemError(
                    "unavailable", "The answer took too long. Send fewer texts, or repeat the request later."
                ) from None
            ids = await self.retention.store_predictions(
                model.name, inputs, predictions, subject=subject, language=language
            )
        self.telemetry.count_predictions(model.name, predictions)
        return RequestPredictions(predictions, ids)

    async def predict_for(
        self,
        request: Request,
        model: ServedModel,
        inputs: Sequence[TextOrInput],
        max_wait: float,
        *,
        subject: str | None = None,
        language: str | None = None,
    ) -> RequestPredictions:
        """Predict like `predict`; if the client disconnects, dequeue the inputs and raise `ClientGoneError`."""
        return await await_while_connected(
            request, self.predict(model, inputs, max_wait, subject=subject, language=language)
        )

    async def explain_for(
        self,
        request: Request,
        model: ServedModel,
        inputs: Sequence[TextOrInput],
        wanted: QueuedRequest[Result],
        max_wait: float,
    ) -> list[Result]:
        """Explain the inputs, or find edits; if the client disconnects, dequeue them and raise `ClientGoneError`.

        Each input is charged to the caller's quota as one text, and refunded if it is not answered. Nothing is stored.
        Raises `ProblemError` for too many or too long inputs, for an unknown label, and if they are not answered in
        time.
        """
        limits = self.settings.explain
        if len(inputs) > limits.texts:
            raise ProblemError(
                "too_large",
                f"A request may have at most {limits.texts:,} texts to explain. Got {len(inputs):,}. Send several "
                "requests.",
            )
        for row, given in enumerate(inputs):
            if (length := count_characters(given)) > limits.characters:
                raise ProblemError(
                    "too_large",
                    f"A text to explain may have at most {limits.characters:,} characters. The text at position {row} "
                    f"has {length:,}. Shorten it.",
                )
        names = model.predictor.scheme.names
        if not set(wanted.labels) <= set(names):
            # The request's own words are not repeated.
            raise ProblemError(
                "validation",
                f"All labels must be labels of the model: {', '.join(names)}. Correct or remove the others.",
            )
        return await await_while_connected(request, self._explain(model, inputs, wanted, max_wait))

    async def _explain(
        self, model: ServedModel, inputs: Sequence[TextOrInput], wanted: QueuedRequest[Result], max_wait: float
    ) -> list[Result]:
        async with self.access.charge_texts(len(inputs)):
            try:
                async with asyncio.timeout(self.settings.limits.answer_seconds):
                    return await self.explanations.explain(model, inputs, wanted, max_wait)
            except TimeoutError:
                raise ProblemError(
                    "unavailable", "The explanation took too long. Send fewer texts, or set a smaller budget_ms."
                ) from None


def get_service(connection: HTTPConnection) -> Service:
    """Return the service of the application that a request belongs to."""
    service: Service = connection.app.state.service
    return service


async def await_while_connected(request: Request, answer: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the answer; if the client disconnects before it is there, cancel it and raise `ClientGoneError`."""
    work = asyncio.ensure_future(answer)
    gone: asyncio.Future[None] | None = None
    try:
        done, _ = await asyncio.wait({work}, timeout=UNWATCHED_SECONDS)
        if not done:
            gone = asyncio.ensure_future(_wait_for_disconnect(request))
            either: set[asyncio.Future[Any]] = {work, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGoneError
        return await work
    finally:
        work.cancel()
        if gone is not None:
            gone.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
