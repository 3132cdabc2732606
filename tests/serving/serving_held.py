"""A model that computes only while a test lets it, so that what waits for it waits for as long as the test looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from insula.core.prediction import Prediction
from insula.inference.backends import has_token_stages
from insula.inference.predictor import EncodedInputs, Predictor
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

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every `Predictor` hold back."""
        encode, finish = Predictor.encode, Predictor.finish
        passing: list[EncodedInputs] = []

        def counted(predictor: Predictor, inputs: Sequence[Any]) -> EncodedInputs:
            encoded = encode(predictor, inputs)
            if not has_token_stages(predictor.backend):
                if sum(self.batches) < self._after:
                    passing.append(encoded)
                self.batches.append(len(inputs))
            return encoded

        def held_back(predictor: Predictor, encoded: EncodedInputs) -> list[Prediction]:
            passes = has_token_stages(predictor.backend) or any(one is encoded for one in passing)
            assert passes or self._go.wait(DEADLINE), "the test did not release the model"
            return finish(predictor, encoded)

        monkeypatch.setattr(Predictor, "encode", counted)
        monkeypatch.setattr(Predictor, "finish", held_back)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A switch that holds back what models compute; what waits at the end of the test is released."""
    switch = Held()
    switch.patch(monkeypatch)
    yield switch
    switch.release()
