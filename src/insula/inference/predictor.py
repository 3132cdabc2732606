"""`Predictor`: texts in, predictions out, exactly as the model folder says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.errors import DataError
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.inference.backends import Backend, open_backend
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.text.preparation import Preparation

CHUNK = 4096  # texts tokenised and sorted together: memory stays flat, padding stays small


class Predictor:
    """A model ready to answer.

    scheme       its labels
    preparation  the text steps it was trained with
    decision     calibration, thresholds and abstention chosen on its validation rows
    backend      what computes its logits
    """

    def __init__(
        self, *, scheme: LabelScheme, preparation: Preparation, decision: DecisionRule, backend: Backend
    ) -> None:
        self.scheme = scheme
        self.preparation = preparation
        self.decision = decision
        self.backend = backend

    @classmethod
    def load(cls, model: str | Path, *, backend: str | None = None) -> Predictor:
        """Open a run, a model folder or a name; every file is checked against its checksum first.

        `backend` overrides the one that the folder states. Raises `UnknownNameError`, `ModelFolderError`.
        """
        folder = open_folder(locate_model(model))
        return cls(
            scheme=folder.scheme,
            preparation=folder.preparation,
            decision=folder.decision,
            backend=open_backend(backend or folder.backend, folder.path),
        )

    def logits(self, texts: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Return raw (rows, outputs) logits, before calibration; `DataError` for anything but a sequence of texts."""
        _check_texts(texts)
        parts = [
            self.backend.logits(self.preparation.many(texts[first : first + CHUNK]))
            for first in range(0, len(texts), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.scheme.output_count), dtype=np.float32)

    def decide(self, texts: Sequence[str]) -> Decisions:
        """Return scores, decided labels, confidence and abstention as arrays."""
        return self.decision.decide(self.scheme, self.logits(texts))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Return one prediction a text, in order."""
        return list(self.stream(texts))

    def stream(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Yield predictions as chunks of texts are ready; memory stays flat."""
        if isinstance(texts, str):
            _check_texts(texts)
        chunk: list[str] = []
        for text in texts:
            chunk.append(text)
            if len(chunk) == CHUNK:
                yield from self._answer(chunk)
                chunk = []
        if chunk:
            yield from self._answer(chunk)

    def _answer(self, texts: list[str]) -> list[Prediction]:
        decisions = self.decide(texts)
        names = self.scheme.names
        top = decisions.scores.argmax(axis=1)
        return [
            Prediction(
                text=text,
                labels=tuple(names[i] for i in np.flatnonzero(decisions.chosen[row])),
                label=names[top[row]] if self.scheme.is_categorical else None,
                scores=dict(zip(names, decisions.scores[row].tolist(), strict=True)),
                confidence=None if decisions.confidence is None else float(decisions.confidence[row]),
                abstained=bool(decisions.abstained[row]),
            )
            for row, text in enumerate(texts)
        ]


def _check_texts(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise DataError("The texts must be a sequence. Got one text: put it in a list.")
    wrong = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise DataError(f"The texts must be strings. Got {texts[wrong]!r} at position {wrong}.")
