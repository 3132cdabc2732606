"""A model that computes only while a test lets it, so that what waits for it waits for as long as the test looks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from insula.core.prediction import Prediction
from insula.inference.predictor import Predictor
from waiting import DEADLINE


class Held:
    """Holds back what models without a network compute, between `hold` and `release`.

    batches  how many texts each batch had that was taken up since `hold`
    """

    def __init__(self) -> None:
        self.batches: list[int] = []
        self._after = 0
        self._go = threading.Event()
        self._go.set()

    def hold(self, *, after: int = 0) -> None:
        """Hold back what is computed from now on, but for the next `after` texts."""
        self.batches.clear()
        self._after = after
        self._go.clear()

    def release(self) -> None:
        """Compute what was held back, and what comes."""
        self._go.set()

    def begin(self, prepare: Callable[..., Callable[[], list[Prediction]]]) -> Callable[..., object]:
        """Return a `Predictor.begin` that holds back."""

        def begin(predictor: Predictor, texts: list[str]) -> Callable[[], list[Prediction]]:
            compute = prepare(predictor, texts)
            passes = sum(self.batches) < self._after
            self.batches.append(len(texts))

            def wait() -> list[Prediction]:
                assert passes or self._go.wait(DEADLINE), "the test did not release the model"
                return compute()

            return wait

        return begin


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A switch that holds back what models compute; what waits at the end of the test is released."""
    switch = Held()
    monkeypatch.setattr(Predictor, "begin", switch.begin(Predictor.begin))
    yield switch
    switch.release()
