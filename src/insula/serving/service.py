"""`Service`: everything that the routes of one application share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request

from insula.core.model_input import ModelInput, TextOrInput, character_count, text_of
from insula.core.prediction import Prediction
from insula.serving.authentication.access_control import AccessControl
from insula.serving.blocking_pool import BlockingPool
from insula.serving.http.last_resort import ClientGoneError
from insula.serving.http.problems import ProblemError
from insula.serving.jobs import JobRunner
from insula.serving.keeping import Keeper
from insula.serving.served_models import ServedModel, ServedModels
from insula.serving.server_store import ServerStore
from insula.serving.settings.settings import Settings
from insula.serving.telemetry import Telemetry

WAIT_HEADER = "insula-wait-ms"
NUL = "\x00"
SECONDS_UNWATCHED = 0.05  # most answers take less, so that nobody needs to watch for a disconnect


@dataclass
class Service:
    """Models, settings, telemetry, access control, store and background jobs of an application.

    pool      runs blocking calls of the store
    draining  True from the first signal to stop: requests that were accepted are still answered
    streams   how many are open
    """

    settings: Settings
    models: ServedModels
    telemetry: Telemetry
    jobs: JobRunner
    access: AccessControl
    keeper: Keeper
    store: ServerStore
    pool: BlockingPool
    draining: bool = False
    ready: bool = False
    streams: int = 0

    def patience(self, connection: HTTPConnection) -> float:
        """Return how many seconds a request may wait for its turn; raise `ProblemError` if its header is wrong."""
        given = connection.headers.get(WAIT_HEADER)
        options = self.settings.queue
        if given is None:
            return options.wait_ms / 1000
        if not (given.isascii() and given.isdecimal() and len(given) < 10):
            raise ProblemError("validation", f"The header {WAIT_HEADER} must be whole milliseconds.")
        return min(int(given), options.most_wait_ms) / 1000

    def refuse_early(self, connection: HTTPConnection) -> float:
        """Return the patience of a request; raise `ProblemError` if no model could answer any text within it."""
        patience = self.patience(connection)
        if len(self.models) == 1:
            self.models.default.batcher.admit(1, patience)
        return patience

    def check_inputs(self, inputs: Sequence[TextOrInput]) -> None:
        """Raise `ProblemError` if there are too many inputs, or one of them is too long or contains NUL.

        The turns and the target of an input count towards its length.
        """
        limits = self.settings.limits
        if len(inputs) > limits.texts:
            raise ProblemError("too_large", f"A request may hold {limits.texts:,} texts. Send the rest in others.")
        for row, given in enumerate(inputs):
            if character_count(given) > limits.characters:
                raise ProblemError(
                    "too_large", f"A text may have {limits.characters:,} characters; number {row} has more."
                )
            if NUL in text_of(given):
                raise ProblemError("validation", f"A text must not hold the character NUL; number {row} does.")
            if isinstance(given, ModelInput):
                self.check_context([turn.text for turn in given.turns], given.target)

    def check_context(self, turns: Sequence[str], target: str | None = None) -> None:
        """Raise `ProblemError` if a dialogue has too many turns, or NUL is in one of them or in the target."""
        most = self.settings.limits.turns
        if len(turns) > most:
            raise ProblemError("too_large", f"A dialogue may have {most:,} turns. Got {len(turns):,}: send the newest.")
        if any(NUL in text for text in (*turns, target or "")):
            raise ProblemError("validation", "A turn or a target must not hold the character NUL.")

    def drop_unread(self, model: ServedModel, inputs: Sequence[TextOrInput]) -> tuple[list[TextOrInput], int]:
        """Return the inputs without the turns and targets that a model does not read, and how many have some unread.

        Raises `ProblemError` as `check_inputs` does, where only the length of what is read counts: a conversation may
        grow longer than that.
        """
        context, read = model.predictor.context, list[TextOrInput]()
        for given in inputs:
            if isinstance(given, ModelInput):
                self.check_context([turn.text for turn in given.turns], given.target)
                read.append(context.read(given))
            else:
                read.append(given)
        self.check_inputs(read)
        return read, model.predictor.unread(inputs)

    async def predict(self, model: ServedModel, inputs: Sequence[TextOrInput], patience: float) -> list[Prediction]:
        """Return one prediction for each input, in order; raise `ProblemError` if that takes too long.

        The inputs are charged to the caller's quota, and refunded if they are not answered.
        """
        try:
            async with self.access.charged(len(inputs)), asyncio.timeout(self.settings.limits.answer_seconds):
                predictions = await model.batcher.predict(inputs, patience)
        except TimeoutError:
            raise ProblemError(
                "unavailable", "The answer took too long. Send fewer texts, or ask again later."
            ) from None
        self.telemetry.predicted(model.name, predictions)
        return predictions

    async def predict_for(
        self, request: Request, model: ServedModel, inputs: Sequence[TextOrInput], patience: float
    ) -> list[Prediction]:
        """Do the same, but take the inputs out of the queue and raise `ClientGoneError` if the client disconnects."""
        work = asyncio.ensure_future(self.predict(model, inputs, patience))
        try:
            done, _ = await asyncio.wait({work}, timeout=SECONDS_UNWATCHED)
            if not done:
                await self._watched(request, work)
            return await work
        finally:
            work.cancel()

    async def _watched(self, request: Request, work: asyncio.Future[list[Prediction]]) -> None:
        gone = asyncio.ensure_future(_disconnected(request))
        either: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGoneError
        finally:
            gone.cancel()


def service_of(connection: HTTPConnection) -> Service:
    """Return the service of the application that a request belongs to."""
    service: Service = connection.app.state.service
    return service


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
