"""`Predictor`: texts in, predictions out, exactly as the model folder says.

All that predicts takes the same four steps: inputs are prepared and tokenised (`Predictor.encode`), the model computes
logits (`compute`), the decision rule makes predictions of them (`answer`). The first two may run ahead of the others.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.model_input import TextOrInput, as_inputs, check_inputs, text_of
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.inference.backends import (
    Backend,
    can_prefetch,
    check_measured,
    compute,
    encode,
    open_backend,
    prepares_inputs,
)
from insula.inference.engine import DEFAULT, Engine
from insula.inference.overlap import prefetched
from insula.models.folder import folder_digest, open_folder
from insula.models.locate import locate_model
from insula.text.context import Context
from insula.text.preparation import Preparation

CHUNK = 4096  # texts tokenised and sorted together: memory stays flat, padding stays small


@dataclass(frozen=True, slots=True)
class Encoded:
    """Inputs that wait for the model alone.

    state  what the backend's `encode` returned: for a network one array of token numbers an input
    """

    inputs: Sequence[TextOrInput]
    state: Any


class Predictor:
    """A model ready to answer.

    scheme       its labels
    preparation  the text steps it was trained with
    decision     calibration, thresholds and abstention chosen on its validation rows
    backend      what computes its logits
    fingerprint  tells models apart: equal ones answer alike; None where it came from no folder
    folder       the model folder it came from, None where it came from none
    engine       how it was opened from there
    """

    def __init__(
        self,
        *,
        scheme: LabelScheme,
        preparation: Preparation,
        decision: DecisionRule,
        backend: Backend,
        fingerprint: str | None = None,
        folder: Path | None = None,
        engine: Engine = DEFAULT,
    ) -> None:
        self.scheme = scheme
        self.preparation = preparation
        self.decision = decision
        self.backend = backend
        self.fingerprint = fingerprint
        self.folder = folder
        self.engine = engine

    @classmethod
    def load(cls, model: str | Path, *, backend: str | None = None, engine: Engine | None = None) -> Predictor:
        """Open a run, a model folder or a name; every file is checked against its checksum first.

        `backend` overrides the one that the folder states, `engine` also threads and batch sizes. Raises
        `UnknownNameError`, `ModelFolderError`, `DataError` where the engine was measured for another kind of model.
        """
        folder = open_folder(locate_model(model))
        engine = engine or DEFAULT
        if backend is None:
            check_measured(engine, folder)
        name = backend or engine.backend or folder.backend
        return cls(
            scheme=folder.scheme,
            preparation=folder.preparation,
            decision=folder.decision,
            backend=open_backend(name, folder.path, engine),
            # The manifest has the checksum of every file; other batches round otherwise.
            fingerprint=f"{name} {engine.tokens} {folder_digest(folder.path)}",
            folder=folder.path,
            engine=dataclasses.replace(engine, backend=name),
        )

    def logits(self, texts: Sequence[TextOrInput]) -> NDArray[np.floating[Any]]:
        """Return raw (rows, outputs) logits, before calibration; `DataError` for anything but a sequence of inputs."""
        parts = [self.compute(encoded) for encoded in self._encoded(texts)]
        return np.concatenate(parts) if parts else np.zeros((0, self.scheme.output_count), dtype=np.float32)

    def decide(self, texts: Sequence[TextOrInput]) -> Decisions:
        """Return scores, decided labels, confidence and abstention as arrays."""
        return self.decision.decide(self.scheme, self.logits(texts))

    def predict(self, texts: Sequence[TextOrInput | Mapping[str, Any]]) -> list[Prediction]:
        """Return one prediction a text, in order; a `ModelInput` brings its context, its id and its language.

        A mapping is an input as JSON holds it (`ModelInput.from_dict`).
        """
        inputs = as_inputs(texts)
        return [prediction for encoded in self._encoded(inputs) for prediction in self.finish(encoded)]

    def stream(self, texts: Iterable[TextOrInput]) -> Iterator[Prediction]:
        """Yield predictions as chunks of texts are ready; memory stays flat."""
        if isinstance(texts, str):
            check_inputs(texts)
        rest = iter(texts)
        while chunk := list(itertools.islice(rest, CHUNK)):
            yield from self.finish(self.encode(chunk))

    def encode(self, texts: Sequence[TextOrInput]) -> Encoded:
        """Do what comes before the model: prepare the texts, and tokenise them where the backend can ahead of time.

        Raises `DataError` for anything but a sequence of inputs.
        """
        check_inputs(texts)
        return self._encode(texts)

    def compute(self, encoded: Encoded) -> NDArray[np.floating[Any]]:
        """Run the model: return raw (rows, outputs) logits, before calibration."""
        return compute(self.backend, encoded.state)

    def finish(self, encoded: Encoded) -> list[Prediction]:
        """Run the model and decide: return one prediction an input, in order."""
        return self.answer(encoded.inputs, self.compute(encoded))

    def prepared(self, texts: Sequence[TextOrInput]) -> Sequence[Any]:
        """Return what the backend is given: prepared segments, or the inputs as they are where it prepares them."""
        return texts if prepares_inputs(self.backend) else self.preparation.segments(texts)

    @property
    def context(self) -> Context:
        """What the model reads besides the text: earlier turns, a target."""
        return self.backend.context if prepares_inputs(self.backend) else self.preparation.context

    def unread(self, texts: Sequence[TextOrInput]) -> int:
        """Return how many inputs have earlier turns or a target that this model does not read."""
        if prepares_inputs(self.backend):
            return self.backend.unread(texts)
        return self.preparation.unread(texts)

    def _encode(self, texts: Sequence[TextOrInput]) -> Encoded:
        return Encoded(texts, encode(self.backend, self.prepared(texts)))

    def _encoded(self, texts: Sequence[TextOrInput]) -> Iterator[Encoded]:
        """Yield the texts in chunks; the next one is encoded while the model is at the one before it."""
        check_inputs(texts)
        chunks = [texts[first : first + CHUNK] for first in range(0, len(texts), CHUNK)]
        if len(chunks) <= 1 or not can_prefetch(self.backend):  # a thread would only cost time
            yield from map(self._encode, chunks)
            return
        with prefetched(map(self._encode, chunks)) as encoded:
            yield from encoded

    def begin(self, texts: Sequence[TextOrInput]) -> Callable[[], list[Prediction]]:
        """Deprecated: use `encode` and `finish`."""
        _warn("begin", "encode and finish")
        return functools.partial(self.finish, self.encode(texts))

    def begin_logits(self, texts: Sequence[TextOrInput]) -> Callable[[], NDArray[np.floating[Any]]]:
        """Deprecated: use `encode` and `compute`."""
        _warn("begin_logits", "encode and compute")
        return functools.partial(self.compute, self.encode(texts))

    def answer(self, texts: Sequence[TextOrInput], logits: NDArray[np.floating[Any]]) -> list[Prediction]:
        """Return what (rows, outputs) logits say of `texts`."""
        decisions = self.decision.decide(self.scheme, logits)
        names = self.scheme.names
        # Whole arrays at once: taking single numbers out of arrays costs more than a small model.
        top = [None if one < 0 else names[one] for one in decisions.top_labels().tolist()]
        chosen: list[list[str]] = [[] for _ in texts]
        for row, label in zip(*(where.tolist() for where in np.nonzero(decisions.chosen)), strict=True):
            chosen[row].append(names[label])
        scores, abstained = decisions.scores.tolist(), decisions.abstained.tolist()
        confidence = [None] * len(texts) if decisions.confidence is None else decisions.confidence.tolist()
        return [
            Prediction(
                text=text_of(text),
                labels=tuple(chosen[row]),
                label=top[row],
                scores=dict(zip(names, scores[row], strict=True)),
                confidence=confidence[row],
                abstained=abstained[row],
                language=None if isinstance(text, str) else text.language,
                id=None if isinstance(text, str) else text.id,
            )
            for row, text in enumerate(texts)
        ]


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"Predictor.{old} has been replaced: use {new}. The old name works until version 0.3.",
        DeprecationWarning,
        stacklevel=3,
    )
