"""`Batcher`: computes the texts of many requests together, and rejects a request at once if it would wait too long."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import Sequence
from typing import Protocol

from insula.core.model_input import TextOrInput, count_characters
from insula.core.prediction import Prediction
from insula.inference.backends import has_token_stages
from insula.inference.predictor import EncodedInputs, Predictor
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.admission import BatchTiming, reject_long_wait
from insula.serving.queueing.batch_queue import BatchQueue, PendingRequest, QueuedInput, estimate_tokens
from insula.serving.settings.sections import Queue
from insula.serving.tracing import add_stage

WORKERS = 2  # one computes a batch while the other encodes the next one
# Predicted before the first request, alone and together, to measure how long batches take.
WARM_UP_TEXTS = ("Two hours on hold and nobody called back.", "等了两个小时，还是没人回电话。", "So happy!", "ok")
MANY_CHARACTERS = 20_000  # longer requests are tokenised in a thread, so that they do not block the event loop

log = logging.getLogger("insula.serving")


class BatchObserver(Protocol):
    """Receives events of a batcher, such as for metrics."""

    def record_batch(self, model: str, texts: int, seconds: float) -> None:
        """Record that a batch was computed."""

    def set_queue_length(self, model: str, texts: int) -> None:
        """Record that `texts` are in the queue now."""


class Batcher:
    """The queue of one model, and the threads that compute its batches.

    `start` starts the threads; `stop` ends them once all accepted requests are answered.
    """

    def __init__(self, name: str, predictor: Predictor, options: Queue, observer: BatchObserver) -> None:
        self.name = name
        self.predictor = predictor
        self._options = options
        self._observer = observer
        self._has_tokens = has_token_stages(predictor.backend)
        self._queue = BatchQueue(tokens=options.batch_tokens, texts=options.batch_texts, padded=self._has_tokens)
        self._pace = BatchTiming()
        self._changed = threading.Condition()
        self._computing = threading.Lock()
        self._running_batches = 0  # batches taken and not finished, at most one for each worker
        self._encoding_tokens = 0  # tokens of batches that are taken but not computed yet
        self._expected_end = 0.0  # when the current batch is expected to be done
        self._last_end = 0.0  # when the previous batch was done
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Predict a few texts to measure the pace, and start to accept requests."""
        warm_up = PendingRequest(None, [], 0)
        for texts in ([WARM_UP_TEXTS[0]], [WARM_UP_TEXTS[0]] * 16, [WARM_UP_TEXTS[0]], list(WARM_UP_TEXTS)):
            items = self._build_items(warm_up, texts)
            started_at = time.monotonic()
            self.predictor.finish(self._encode(items))
            self._pace.add(self._count_tokens(items), time.monotonic() - started_at)
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run_batches, name=f"insula-{self.name}-{number}", daemon=True)
            for number in range(WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Answer the waiting requests, and end the threads, within `timeout` seconds; None waits for them."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        self._threads = []

    @property
    def texts_waiting(self) -> int:
        """The number of texts in the queue."""
        return len(self._queue)

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no request is waiting or being computed, at most `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: not len(self._queue) and not self._running_batches, seconds)

    def admit(self, texts: int, max_wait: float) -> None:
        """Raise `ProblemError` if `texts` more would wait longer than `max_wait` seconds, or if the queue is full."""
        with self._changed:
            self._admit(texts, max_wait)

    async def predict(self, inputs: Sequence[TextOrInput], max_wait: float) -> list[Prediction]:
        """Return one prediction for each input, in order; inputs of a cancelled call leave the queue.

        Raises `ProblemError` if they would wait longer than `max_wait` seconds.
        """
        if not inputs:
            return []
        self.admit(len(inputs), max_wait)
        queued = time.time_ns()
        request = PendingRequest(asyncio.get_running_loop().create_future(), [None] * len(inputs), len(inputs))
        if sum(map(count_characters, inputs)) > MANY_CHARACTERS:
            items = await asyncio.to_thread(self._build_items, request, inputs)
        else:
            items = self._build_items(request, inputs)
        with self._changed:
            self._admit(len(items), max_wait)
            self._queue.add(items)
            self._changed.notify()
            count = len(self._queue)
        self._observer.set_queue_length(self.name, count)
        try:
            answers: list[Prediction] = await request.future
        except asyncio.CancelledError:
            request.cancelled = True
            with self._changed:
                self._queue.drop(request)
            raise
        add_stage("queue", queued, request.computed, model=self.name, texts=len(inputs))
        add_stage("model", request.computed, time.time_ns(), model=self.name, texts=len(inputs))
        return answers

    def _build_items(self, request: PendingRequest, inputs: Sequence[TextOrInput]) -> list[QueuedInput]:
        """Return the queue items of a request; neural models tokenise them here, so that their length is known."""
        if not self._has_tokens:
            most = self._options.batch_tokens
            return [QueuedInput(request, row, given, estimate_tokens(given, most)) for row, given in enumerate(inputs)]
        rows = self.predictor.encode(inputs).state
        return [
            QueuedInput(request, row, given, len(ids), ids)
            for row, (given, ids) in enumerate(zip(inputs, rows, strict=True))
        ]

    def _encode(self, items: Sequence[QueuedInput]) -> EncodedInputs:
        """Return a batch that is ready to be computed."""
        inputs = [item.given for item in items]
        return (
            EncodedInputs(inputs, [item.ids for item in items]) if self._has_tokens else self.predictor.encode(inputs)
        )

    def _count_tokens(self, items: Sequence[QueuedInput]) -> int:
        """Return how many tokens a batch computes, including padding."""
        lengths = [item.tokens for item in items]
        return max(lengths) * len(lengths) if self._has_tokens else sum(lengths)

    def _admit(self, texts: int, max_wait: float) -> None:
        if self._stopping or not self._threads:
            raise ProblemError(
                "unavailable",
                "The service is stopping. Send the request to another instance, or repeat it in a moment.",
            )
        reject_long_wait(self._estimate_wait(), max_wait, has_room=len(self._queue) + texts <= self._options.most_texts)

    def _estimate_wait(self) -> float:
        """Return how many seconds a text added now would wait, estimated from the measured pace."""
        tokens = self._queue.tokens + self._encoding_tokens
        batches = self._queue.batches + bool(self._encoding_tokens)
        return self._pace.estimate_seconds(tokens, batches=batches) + max(0.0, self._expected_end - time.monotonic())

    def _run_batches(self) -> None:
        while items := self._wait_for_batch():
            try:
                self._answer(items)
            finally:
                with self._changed:
                    self._running_batches -= 1
                    self._changed.notify_all()

    def _wait_for_batch(self) -> list[QueuedInput]:
        """Wait for a batch and take it; return no items once the batcher stops.

        An idle model takes what there is; while it computes, only a full batch is taken.
        """
        with self._changed:
            while not (len(self._queue) and (not self._running_batches or self._can_overlap())):
                if self._stopping and not len(self._queue):
                    return []
                self._changed.wait()
            items = self._queue.take(self._pace.estimate_batch_overhead())
            self._running_batches += 1
            self._encoding_tokens += sum(item.tokens for item in items)
            return items

    def _can_overlap(self) -> bool:
        return self._running_batches < WORKERS and self._queue.is_full

    def _answer(self, items: list[QueuedInput]) -> None:
        tokens = sum(item.tokens for item in items)
        started_at, is_computing, cost = time.monotonic(), False, self._count_tokens(items)
        try:
            encoded = self._encode(items)
            with self._computing:
                with self._changed:
                    self._encoding_tokens -= tokens
                    is_computing = True
                    self._expected_end = time.monotonic() + self._pace.estimate_seconds(cost, batches=1)
                begun = time.time_ns()
                for item in items:
                    item.request.computed = item.request.computed or begun
                predictions = self.predictor.finish(encoded)
                with self._changed:
                    # Encoding during another batch costs no extra time, so it is not counted.
                    now = time.monotonic()
                    seconds = now - max(started_at, self._last_end)
                    self._pace.add(cost, seconds)
                    self._expected_end, self._last_end = 0.0, now
        except Exception as error:  # noqa: BLE001 - an error of one text must not fail the others
            with self._changed:
                self._encoding_tokens -= 0 if is_computing else tokens
                self._expected_end = 0.0
            self._predict_one_by_one(items, error)
            return
        self._observer.record_batch(self.name, len(items), seconds)
        _deliver(list(zip(items, predictions, strict=True)))

    def _predict_one_by_one(self, items: list[QueuedInput], error: Exception) -> None:
        """Compute a failed batch text by text, so that only the texts that cause the error fail."""
        where = "".join(traceback.format_tb(error.__traceback__))
        # The message of an error may contain a text.
        log.error("A batch of %s failed with %s:\n%s", self.name, type(error).__name__, where)
        for item in items:
            try:
                prediction = self.predictor.finish(self._encode([item]))[0]
            except Exception:  # noqa: BLE001 - this request is answered with a problem
                item.request.error = ProblemError(
                    "internal",
                    "A text could not be predicted. Ask the operator to look up the error in the service log.",
                )
                prediction = None
            _deliver([(item, prediction)])


def _deliver(answers: list[tuple[QueuedInput, Prediction | None]]) -> None:
    """Assign predictions to their requests, and wake complete requests, together for each event loop."""
    done: dict[asyncio.AbstractEventLoop, list[PendingRequest]] = {}
    for item, prediction in answers:
        request = item.request
        request.answers[item.row] = prediction
        request.left -= 1
        if not request.left and not request.cancelled:
            done.setdefault(request.future.get_loop(), []).append(request)
    for loop, requests in done.items():
        try:
            loop.call_soon_threadsafe(_wake, requests)
        except RuntimeError:  # the event loop has ended, and with it its requests
            continue


def _wake(requests: list[PendingRequest]) -> None:
    for request in requests:
        if request.future.done():
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.answers)
