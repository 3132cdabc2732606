"""`Service`: what the routes of one application share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request

from insula.core.prediction import Prediction
from insula.serving.authentication.gate import Gate
from insula.serving.http.last_resort import ClientGoneError
from insula.serving.http.problems import ProblemError
from insula.serving.jobs import JobRunner
from insula.serving.keeping import Keeper
from insula.serving.served_models import ServedModel, ServedModels
from insula.serving.settings.settings import Settings
from insula.serving.telemetry import Telemetry

WAIT_HEADER = "insula-wait-ms"
NUL = "\x00"
SECONDS_UNWATCHED = 0.05  # most answers are there by then, and need nobody to watch the connection


@dataclass
class Service:
    """Models, settings, telemetry and background jobs of an application.

    streams   how many are open
    draining  True from the first signal to stop: what was accepted is still answered
    """

    settings: Settings
    models: ServedModels
    telemetry: Telemetry
    jobs: JobRunner
    gate: Gate
    keeper: Keeper
    draining: bool = False
    ready: bool = False
    streams: int = 0

    def patience(self, connection: HTTPConnection) -> float:
        """Return how many seconds a request may wait for its turn; `ProblemError` where its header is wrong."""
        given = connection.headers.get(WAIT_HEADER)
        options = self.settings.queue
        if given is None:
            return options.wait_ms / 1000
        if not (given.isascii() and given.isdecimal() and len(given) < 10):
            raise ProblemError("validation", f"The header {WAIT_HEADER} must be whole milliseconds.")
        return min(int(given), options.most_wait_ms) / 1000

    def refuse_early(self, connection: HTTPConnection) -> float:
        """Return the patience of a request; `ProblemError` where no model could answer in time whatever it says."""
        patience = self.patience(connection)
        if len(self.models) == 1:
            self.models.default.batcher.admit(1, patience)
        return patience

    def check_texts(self, texts: Sequence[str]) -> None:
        """Raise `ProblemError` where there are too many texts, or one is too long or holds NUL."""
        limits = self.settings.limits
        if len(texts) > limits.texts:
            raise ProblemError("too_large", f"A request may hold {limits.texts:,} texts. Send the rest in others.")
        for row, text in enumerate(texts):
            if len(text) > limits.characters:
                raise ProblemError(
                    "too_large", f"A text may have {limits.characters:,} characters; number {row} has more."
                )
            if NUL in text:
                raise ProblemError("validation", f"A text must not hold the character NUL; number {row} does.")

    async def predict(self, model: ServedModel, texts: Sequence[str], patience: float) -> list[Prediction]:
        """Return a prediction a text, in order, in the queue of a model; `ProblemError` where that takes too long.

        The texts count against the quota of whoever calls, unless they are not answered.
        """
        try:
            async with self.gate.spending(len(texts)), asyncio.timeout(self.settings.limits.answer_seconds):
                predictions = await model.batcher.predict(texts, patience)
        except TimeoutError:
            raise ProblemError(
                "unavailable", "The answer took too long. Send fewer texts, or ask again later."
            ) from None
        self.telemetry.predicted(model.name, predictions)
        return predictions

    async def predict_for(
        self, request: Request, model: ServedModel, texts: Sequence[str], patience: float
    ) -> list[Prediction]:
        """Do as `predict`, and take the texts out of the queue where the client leaves: `ClientGoneError`."""
        work = asyncio.ensure_future(self.predict(model, texts, patience))
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
    """Return the service that a request asks."""
    service: Service = connection.app.state.service
    return service


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
