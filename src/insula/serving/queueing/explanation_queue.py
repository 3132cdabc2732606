"""`ExplanationQueue`: explains texts one after another in one thread, which yields to predictions again and again."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from insula.core.errors import InsulaError
from insula.core.model_input import TextOrInput
from insula.explanation.counterfactual import Counterfactual, find_counterfactual
from insula.explanation.explain import explain_input
from insula.explanation.explanation import Explanation
from insula.explanation.plan import AUTO
from insula.inference.backends import has_token_stages
from insula.inference.predictor import Predictor
from insula.serving.http.problems import ProblemError
from insula.serving.queueing.admission import DECAY, reject_long_wait
from insula.serving.queueing.low_priority import lower_priority
from insula.serving.settings.sections import Explain

if TYPE_CHECKING:
    from insula.serving.served_models import ServedModel

# Seconds that a batch of an explanation waits for predictions; without a limit a busy server would never explain.
MAX_YIELD = 0.5

log = logging.getLogger("insula.serving")


Pause = Callable[[], None] | None


class TimedResult(Protocol):
    """A result that says how long it took."""

    @property
    def milliseconds(self) -> float:
        """The time it took."""


Result = TypeVar("Result", bound=TimedResult, covariant=True)


class QueuedRequest(Protocol[Result]):
    """The question about each text.

    labels  those that the model must have
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of labels."""

    def __call__(self, predictor: Predictor, given: TextOrInput, pause: Pause, /) -> Result:
        """Return the result for one text; `pause` is called before each few variants of it."""


@dataclass(frozen=True)
class ExplanationRequest:
    """Options of explanations, as in `explain_input`; `budget` is in milliseconds."""

    method: str = AUTO
    labels: tuple[str, ...] = ()
    budget: float | None = None
    with_faithfulness: bool = True

    def __call__(self, predictor: Predictor, given: TextOrInput, pause: Pause) -> Explanation:
        """Explain one text."""
        return explain_input(
            predictor,
            given,
            method=self.method,
            labels=self.labels,
            budget=self.budget,
            with_faithfulness=self.with_faithfulness,
            pause=pause,
        )


@dataclass(frozen=True)
class CounterfactualRequest:
    """The smallest edit that changes the labels, as in `find_counterfactual`."""

    labels: tuple[str, ...] = ()

    def __call__(self, predictor: Predictor, given: TextOrInput, pause: Pause) -> Counterfactual:
        """Find the edit of one text."""
        return find_counterfactual(predictor, given, pause=pause)


class AbandonedError(Exception):
    """Nobody is waiting for the explanation."""


class ExplanationQueue:
    """The texts that wait to be explained, of all models.

    Requests take turns text by text, so that a request with one text does not wait for one with many. Its methods
    belong to the event loop.
    """

    def __init__(self, options: Explain) -> None:
        self._options = options
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="insula-explain")
        self._waiting = 0
        self._seconds = self._counted = 0.0  # of texts that were explained, the older ones forgotten by and by
        self._closed = threading.Event()

    @property
    def texts_waiting(self) -> int:
        """The number of texts that wait or are being explained."""
        return self._waiting

    def admit(self, texts: int, max_wait: float) -> None:
        """Raise `ProblemError` if `texts` more would wait longer than `max_wait` seconds, or if the queue is full."""
        if not self._options.enabled:
            raise ProblemError(
                "disabled", "This service does not explain predictions. Its operator can set explain.enabled."
            )
        each = self._seconds / self._counted if self._counted else 0.0
        has_room = self._waiting + texts <= self._options.waiting
        reject_long_wait(each * self._waiting, max_wait, has_room=has_room)

    async def explain(
        self, model: ServedModel, inputs: Sequence[TextOrInput], wanted: QueuedRequest[Result], max_wait: float
    ) -> list[Result]:
        """Return one result for each input, in order; a cancelled call leaves the queue.

        Raises `ProblemError` if the queue is too long, or the model cannot be explained as wanted.
        """
        self.admit(len(inputs), max_wait)
        left, abandoned, found = len(inputs), threading.Event(), list[Result]()
        self._waiting += left
        loop = asyncio.get_running_loop()
        try:
            for given in inputs:
                explanation = await loop.run_in_executor(self._thread, self._explain, model, given, wanted, abandoned)
                self._waiting, left = self._waiting - 1, left - 1
                self._seconds = self._seconds * DECAY + explanation.milliseconds / 1000
                self._counted = self._counted * DECAY + 1
                found.append(explanation)
        finally:
            abandoned.set()
            self._waiting -= left
        return found

    def close(self) -> None:
        """Abandon waiting work, and end the thread."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _explain(
        self, model: ServedModel, given: TextOrInput, wanted: QueuedRequest[Result], abandoned: threading.Event
    ) -> Result:
        def yield_to_predictions() -> None:
            if abandoned.is_set() or self._closed.is_set():
                raise AbandonedError
            model.batcher.wait_until_idle(MAX_YIELD)

        try:
            return wanted(
                lower_priority(model.predictor, yield_to_predictions),
                given,
                # A network yields before each of its batches.
                None if has_token_stages(model.predictor.backend) else yield_to_predictions,
            )
        except InsulaError as error:
            raise ProblemError("validation", str(error)) from None
        except AbandonedError:
            raise
        except Exception as error:  # noqa: BLE001 - the message of an error may contain a text
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("An explanation of %s failed with %s:\n%s", model.name, type(error).__name__, where)
            raise ProblemError(
                "internal",
                "A text could not be explained. Ask the operator to look up the error in the service log.",
            ) from None
