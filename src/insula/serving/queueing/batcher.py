"""`Batcher`: texts of many requests, computed together by one model; what cannot be in time is refused at the door."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Protocol

from insula.core.model_input import TextOrInput, character_count
from insula.core.prediction import Prediction
from insula.inference.backends import has_token_stages
from insula.inference.predictor import Encoded, Predictor
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.admission import Pace, check_wait
from insula.serving.queueing.waiting import Piece, Request, Waiting, estimated_tokens
from insula.serving.settings.sections import Queue

WORKERS = 2  # one computes, the other prepares the next batch
# What is computed before the first request, so that its wait can be estimated: alone, and together.
FIRST_TEXTS = ("Two hours on hold and nobody called back.", "等了两个小时，还是没人回电话。", "So happy!", "ok")
MANY_CHARACTERS = 20_000  # are tokenised beside the loop that takes requests, which would stand still

log = logging.getLogger("insula.serving")


class Watcher(Protocol):
    """Is told what a batcher does."""

    def batch(self, model: str, texts: int, seconds: float) -> None:
        """A batch was computed."""

    def waiting(self, model: str, texts: int) -> None:
        """So many texts wait now."""


class Batcher:
    """A queue for one model, and the threads that empty it.

    Threads begin with `start`. `stop` lets them end after all that was accepted is answered.
    """

    def __init__(self, name: str, predictor: Predictor, options: Queue, watcher: Watcher) -> None:
        self.name = name
        self.predictor = predictor
        self._options = options
        self._watcher = watcher
        self._has_tokens = has_token_stages(predictor.backend)
        self._waiting = Waiting(tokens=options.batch_tokens, texts=options.batch_texts, padded=self._has_tokens)
        self._pace = Pace()
        self._changed = threading.Condition()
        self._computing = threading.Lock()
        self._under_way = 0  # batches taken and not finished: at most one a worker
        self._prepared = 0  # their tokens, while another batch is computed
        self._done_at = 0.0  # when the batch that is computed is expected to be
        self._last_done = 0.0  # when the one before it was
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Compute a few texts to learn the pace, and begin to take requests."""
        nobody = Request(None, [], 0)
        for texts in ([FIRST_TEXTS[0]], [FIRST_TEXTS[0]] * 16, [FIRST_TEXTS[0]], list(FIRST_TEXTS)):
            pieces = self._pieces(nobody, texts)
            began = time.monotonic()
            self.predictor.finish(self._encoded(pieces))
            self._pace.learn(self._cost(pieces), time.monotonic() - began)
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"insula-{self.name}-{number}", daemon=True)
            for number in range(WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer what waits, and end the threads."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    @property
    def texts_waiting(self) -> int:
        """How many texts wait for their turn."""
        return len(self._waiting)

    def wait(self) -> float:
        """Return how many seconds a text that came now would wait for its turn, by what was measured."""
        with self._changed:
            return self._wait()

    def let_pass(self, seconds: float) -> None:
        """Wait until no text of a request waits or is computed, at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not len(self._waiting) and not self._under_way, seconds)

    def admit(self, texts: int, patience: float) -> None:
        """Raise `ProblemError` where so many more texts would wait longer than `patience` seconds, or find no room."""
        with self._changed:
            self._admit(texts, patience)

    async def predict(self, inputs: Sequence[TextOrInput], patience: float) -> list[Prediction]:
        """Return a prediction an input, in order; `ProblemError` where their turn would not come in time.

        Where the caller is cancelled, the inputs that still wait leave the queue.
        """
        if not inputs:
            return []
        self.admit(len(inputs), patience)
        request = Request(asyncio.get_running_loop().create_future(), [None] * len(inputs), len(inputs))
        if sum(map(character_count, inputs)) > MANY_CHARACTERS:
            pieces = await asyncio.to_thread(self._pieces, request, inputs)
        else:
            pieces = self._pieces(request, inputs)
        with self._changed:
            self._admit(len(pieces), patience)
            self._waiting.add(pieces)
            self._changed.notify()
            count = len(self._waiting)
        self._watcher.waiting(self.name, count)
        try:
            answers: list[Prediction] = await request.future
        except asyncio.CancelledError:
            request.gone = True
            with self._changed:
                self._waiting.drop(request)
            raise
        return answers

    def _pieces(self, request: Request, inputs: Sequence[TextOrInput]) -> list[Piece]:
        """Return the pieces of a request; for a neural model they are tokenised, so that their length is known."""
        if not self._has_tokens:
            most = self._options.batch_tokens
            return [Piece(request, row, given, estimated_tokens(given, most)) for row, given in enumerate(inputs)]
        rows = self.predictor.encode(inputs).state
        return [
            Piece(request, row, given, len(ids), ids) for row, (given, ids) in enumerate(zip(inputs, rows, strict=True))
        ]

    def _encoded(self, pieces: Sequence[Piece]) -> Encoded:
        """Return a batch that waits for the model alone."""
        inputs = [piece.given for piece in pieces]
        return Encoded(inputs, [piece.ids for piece in pieces]) if self._has_tokens else self.predictor.encode(inputs)

    def _cost(self, pieces: Sequence[Piece]) -> int:
        """Return what a batch is computed for, in tokens: with its padding, where there is any."""
        lengths = [piece.tokens for piece in pieces]
        return max(lengths) * len(lengths) if self._has_tokens else sum(lengths)

    def _admit(self, texts: int, patience: float) -> None:
        if self._stopping or not self._threads:
            raise ProblemError("unavailable", "The service is about to stop. Ask another one, or again in a moment.")
        check_wait(self._wait(), patience, has_room=len(self._waiting) + texts <= self._options.most_texts)

    def _wait(self) -> float:
        tokens = self._waiting.tokens + self._prepared
        batches = self._waiting.batches + bool(self._prepared)
        return self._pace.seconds(tokens, batches=batches) + max(0.0, self._done_at - time.monotonic())

    def _work(self) -> None:
        while pieces := self._taken():
            try:
                self._answer(pieces)
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def _taken(self) -> list[Piece]:
        """Wait for a batch: any where the model is idle, beside another batch only a whole one; empty at the end."""
        with self._changed:
            while not (len(self._waiting) and (not self._under_way or self._ripe())):
                if self._stopping and not len(self._waiting):
                    return []
                self._changed.wait()
            pieces = self._waiting.take(self._pace.another_batch())
            self._under_way += 1
            self._prepared += sum(piece.tokens for piece in pieces)
            return pieces

    def _ripe(self) -> bool:
        return self._under_way < WORKERS and self._waiting.is_full

    def _answer(self, pieces: list[Piece]) -> None:
        tokens = sum(piece.tokens for piece in pieces)
        began, begun, cost = time.monotonic(), False, self._cost(pieces)
        try:
            encoded = self._encoded(pieces)
            with self._computing:
                with self._changed:
                    self._prepared -= tokens
                    begun = True
                    self._done_at = time.monotonic() + self._pace.seconds(cost, batches=1)
                predictions = self.predictor.finish(encoded)
                with self._changed:
                    # What it added to the time of all: preparation beside another batch costs nothing.
                    now = time.monotonic()
                    seconds = now - max(began, self._last_done)
                    self._pace.learn(cost, seconds)
                    self._done_at, self._last_done = 0.0, now
        except Exception as error:  # noqa: BLE001 - whatever a model raises, the others are still answered
            with self._changed:
                self._prepared -= 0 if begun else tokens
                self._done_at = 0.0
            self._answer_singly(pieces, error)
            return
        self._watcher.batch(self.name, len(pieces), seconds)
        _deliver(list(zip(pieces, predictions, strict=True)))

    def _answer_singly(self, pieces: list[Piece], error: Exception) -> None:
        """After a failure, let only those fail that do so alone."""
        where = "".join(traceback.format_tb(error.__traceback__))
        # The message of an error may hold a text.
        log.error("A batch of %s failed with %s:\n%s", self.name, type(error).__name__, where)
        for piece in pieces:
            try:
                prediction = self.predictor.finish(self._encoded([piece]))[0]
            except Exception:  # noqa: BLE001 - this one is answered with a problem
                piece.request.error = ProblemError("internal", "A text could not be judged. It was written down.")
                prediction = None
            _deliver([(piece, prediction)])


def _deliver(answers: list[tuple[Piece, Prediction | None]]) -> None:
    """Give the answers to their requests; those that are complete are woken, all of a loop at once."""
    done: dict[asyncio.AbstractEventLoop, list[Request]] = {}
    for piece, prediction in answers:
        request = piece.request
        request.answers[piece.row] = prediction
        request.left -= 1
        if not request.left and not request.gone:
            done.setdefault(request.future.get_loop(), []).append(request)
    for loop, requests in done.items():
        try:
            loop.call_soon_threadsafe(_wake, requests)
        except RuntimeError:  # the loop has ended, and with it all who waited
            continue


def _wake(requests: list[Request]) -> None:
    for request in requests:
        if request.future.done():
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.answers)
