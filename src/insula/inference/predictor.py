"""`Predictor`: predicts texts with a model folder.

Every prediction has the same steps: `Predictor.encode` prepares and tokenises the inputs, `compute` runs the model and
returns logits, `answer` applies the decision rule. Encoding may run ahead of the other steps.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule, Decisions
from insula.core.model_input import TextOrInput, as_inputs, check_inputs, check_texts, get_text
from insula.core.prediction import Prediction, PriorDecision
from insula.core.scheme import LabelScheme
from insula.inference.backends import (
    Backend,
    TruncatingBackend,
    can_prefetch,
    check_measured,
    compute,
    encode,
    open_backend,
    prepares_inputs,
    scores_risk,
    truncated,
)
from insula.inference.engine import DEFAULT, EngineSettings
from insula.inference.overlap import prefetch_items
from insula.inference.risk.signals import find_signals
from insula.knowledge.rules import Rules
from insula.models.folder import get_folder_digest, open_folder
from insula.models.locate import locate_model
from insula.text.context import Context
from insula.text.preparation import Preparation

CHUNK = 4096  # texts that are tokenised and sorted by length together: constant memory, little padding


@dataclass(frozen=True, slots=True)
class EncodedInputs:
    """Encoded inputs, ready for the model.

    inputs  the inputs as given
    state   the result of the backend's `encode`: for networks one array of token ids per input
    """

    inputs: Sequence[TextOrInput]
    state: Any


class Predictor:
    """A model that is ready to predict.

    scheme       its labels
    preparation  its text steps, the same as in training
    decision     its calibration, thresholds and abstention, chosen on validation rows
    backend      computes its logits
    fingerprint  equal for models with equal predictions; None without a model folder
    folder       its model folder, or None
    engine       the settings with which the folder was opened
    rules        the user's rules, which change its predictions; None for none
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
        engine: EngineSettings = DEFAULT,
        rules: Rules | None = None,
    ) -> None:
        self.scheme = scheme
        self.preparation = preparation
        self.decision = decision
        self.backend = backend
        self.fingerprint = fingerprint
        self.folder = folder
        self.engine = engine
        self.rules = rules

    @classmethod
    def load(cls, model: str | Path, *, backend: str | None = None, engine: EngineSettings | None = None) -> Predictor:
        """Open a run, a model folder or a name, and verify the checksum of every file.

        backend  overrides the backend of the folder
        engine   overrides backend, threads and batch size

        Raises `UnknownNameError`, `ModelFolderError`, and `DataError` if the engine was measured for another kind of
        model.
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
            # The manifest has the checksum of every file; other batch sizes round differently.
            fingerprint=f"{name} {engine.tokens} {get_folder_digest(folder.path)}",
            folder=folder.path,
            engine=dataclasses.replace(engine, backend=name),
            rules=folder.rules,
        )

    def with_limits(
        self, *, threshold: float | Mapping[str, float] | None = None, abstention: float | None = None
    ) -> Predictor:
        """Return this model with another threshold or abstention limit, as in `DecisionRule.replaced`."""
        decision = self.decision.replaced(self.scheme, threshold=threshold, abstention=abstention)
        if decision == self.decision:
            return self
        changed = copy.copy(self)
        changed.decision = decision
        # Jobs are resumed by a model that answers alike.
        changed.fingerprint = self.fingerprint and f"{self.fingerprint} {decision.thresholds} {decision.abstention}"
        return changed

    def with_rules(self, rules: str | Path | Rules | None) -> Predictor:
        """Return this model with the rules of a file, or with none for None.

        Raises `MissingFileError`, and `DataError` for rules that are not valid or do not fit the labels.
        """
        changed = copy.copy(self)
        changed.rules = Rules.read(rules, self.scheme) if isinstance(rules, str | Path) else rules
        digest = None if changed.rules is None else hashlib.sha256(changed.rules.text.encode()).hexdigest()
        changed.fingerprint = self.fingerprint and f"{self.fingerprint} rules {digest}"
        return changed

    def logits(self, texts: Sequence[TextOrInput]) -> NDArray[np.floating[Any]]:
        """Return (rows, outputs) uncalibrated logits. Raises `DataError` unless `texts` is a sequence of inputs."""
        chunks = [self.compute(encoded) for encoded in self._encode_chunks(texts)]
        return np.concatenate(chunks) if chunks else np.zeros((0, self.scheme.output_count), dtype=np.float32)

    def read(self, texts: Sequence[TextOrInput]) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
        """Return the logits as `logits` does, and (rows,) whether each text is longer than the model reads."""
        chunks = [(self.compute(encoded), self.truncated(encoded)) for encoded in self._encode_chunks(texts)]
        if not chunks:
            return self.logits([]), np.zeros(0, dtype=np.bool_)
        logits, longer = zip(*chunks, strict=True)
        return np.concatenate(logits), np.concatenate(longer)

    def decide(self, texts: Sequence[TextOrInput]) -> Decisions:
        """Return scores, predicted labels, confidence and abstention as arrays, after the rules."""
        return self.decide_logits(texts, self.logits(texts))

    def decide_logits(self, texts: Sequence[TextOrInput], logits: NDArray[np.floating[Any]]) -> Decisions:
        """Return the decisions on `texts` from their (rows, outputs) logits, after the rules."""
        decisions = self.decision.decide(self.scheme, logits)
        if self.rules is not None:
            decisions = self.rules.apply(texts, self.decision, decisions).decisions
        return self._abstain_at_risk(texts, decisions)[0]

    def predict(self, texts: Sequence[TextOrInput | Mapping[str, Any]]) -> list[Prediction]:
        """Return one prediction per text, in order.

        A `ModelInput` also has context, an id and a language; a mapping is an input as in JSON
        (`ModelInput.from_dict`). Raises `DataError` for an empty text.
        """
        inputs = as_inputs(texts)
        check_texts(inputs)
        return [prediction for encoded in self._encode_chunks(inputs) for prediction in self.finish(encoded)]

    def stream(self, texts: Iterable[TextOrInput]) -> Iterator[Prediction]:
        """Yield predictions in order, a chunk of texts at a time, in constant memory."""
        if isinstance(texts, str):
            check_inputs(texts)
        rest = iter(texts)
        while chunk := list(itertools.islice(rest, CHUNK)):
            encoded = self.encode(chunk)
            check_texts(chunk)
            yield from self.finish(encoded)

    def encode(self, texts: Sequence[TextOrInput]) -> EncodedInputs:
        """Prepare the texts and run the encoding stage of the backend, such as tokenisation.

        Raises `DataError` unless `texts` is a sequence of inputs.
        """
        check_inputs(texts)
        return self._encode(texts)

    def compute(self, encoded: EncodedInputs) -> NDArray[np.floating[Any]]:
        """Run the model; return (rows, outputs) logits before calibration."""
        return compute(self.backend, encoded.state)

    def finish(self, encoded: EncodedInputs) -> list[Prediction]:
        """Run the model and the decision rule; return one prediction per input, in order."""
        truncated = self.truncated(encoded)
        if not scores_risk(self.backend):
            return self.answer(encoded.inputs, self.compute(encoded), truncated)
        logits = self.backend.compute_with_risk(encoded.state, self._is_sure)
        return self.answer(encoded.inputs, logits[:, :-1], truncated, logits[:, -1])

    def truncated(self, encoded: EncodedInputs) -> NDArray[np.bool_]:
        """Return (rows,) whether the text of each input is longer than the model reads."""
        found = truncated(self.backend, encoded.state, len(encoded.inputs))
        most = None if prepares_inputs(self.backend) else self.preparation.max_length
        if most is not None:
            longer = [len(get_text(one)) > most for one in encoded.inputs]
            found = found | np.array(longer, dtype=np.bool_)
        return found

    def truncation_warnings(self, truncated: int, rows: int) -> list[str]:
        """Return a warning if some of `rows` texts are longer than the model reads, else none."""
        if not truncated:
            return []
        are = "is" if truncated == 1 else "are"
        return [
            f"{_format_share(truncated, rows)} {are} longer than the {self.reads} that the model reads: it ignored the "
            "rest."
        ]

    def risk_warnings(self, at_risk: int, rows: int) -> list[str]:
        """Return a warning if the model abstains for a sign of risk in some of `rows` texts, else none."""
        if not at_risk:
            return []
        shows, mark = ("shows", "its answer is") if at_risk == 1 else ("show", "their answers are")
        return [
            f"{_format_share(at_risk, rows)} {shows} signs of risk: {mark} marked as not sure. Let a person read "
            f"{'it' if at_risk == 1 else 'them'}; the check misses many such texts."
        ]

    @property
    def reads(self) -> str:
        """The most that the model reads of a text, for messages: `128 tokens` or `20,000 characters`."""
        of_backend = self.backend.reads if isinstance(self.backend, TruncatingBackend) else ""
        most = self.preparation.max_length
        return of_backend or ("whole text" if most is None else f"{most:,} characters")

    def prepared(self, texts: Sequence[TextOrInput]) -> Sequence[Any]:
        """Return the input of the backend: prepared segments, or the inputs unchanged if the backend prepares them."""
        return texts if prepares_inputs(self.backend) else self.preparation.prepare_segments(texts)

    @property
    def context(self) -> Context:
        """The context that the model reads in addition to the text: earlier turns, a target."""
        return self.backend.context if prepares_inputs(self.backend) else self.preparation.context

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes of inputs that its rules look at: columns of a file."""
        return frozenset() if self.rules is None else self.rules.file.attributes

    def count_unread(self, texts: Sequence[TextOrInput]) -> int:
        """Return the number of inputs with earlier turns or a target that this model does not read."""
        if prepares_inputs(self.backend):
            return self.backend.count_unread(texts)
        return self.preparation.count_unread(texts)

    def _encode(self, texts: Sequence[TextOrInput]) -> EncodedInputs:
        return EncodedInputs(texts, encode(self.backend, self.prepared(texts)))

    def _encode_chunks(self, texts: Sequence[TextOrInput]) -> Iterator[EncodedInputs]:
        """Yield encoded chunks; the next chunk is encoded while the model computes the previous one."""
        check_inputs(texts)
        chunks = [texts[first : first + CHUNK] for first in range(0, len(texts), CHUNK)]
        if len(chunks) <= 1 or not can_prefetch(self.backend):  # a thread would not help
            yield from map(self._encode, chunks)
            return
        with prefetch_items(map(self._encode, chunks)) as encoded:
            yield from encoded

    def begin(self, texts: Sequence[TextOrInput]) -> Callable[[], list[Prediction]]:
        """Deprecated: use `encode` and `finish`."""
        _warn("begin", "encode and finish")
        return functools.partial(self.finish, self.encode(texts))

    def begin_logits(self, texts: Sequence[TextOrInput]) -> Callable[[], NDArray[np.floating[Any]]]:
        """Deprecated: use `encode` and `compute`."""
        _warn("begin_logits", "encode and compute")
        return functools.partial(self.compute, self.encode(texts))

    def unread(self, texts: Sequence[TextOrInput]) -> int:
        """Deprecated: use `count_unread`."""
        _warn("unread", "count_unread")
        return self.count_unread(texts)

    def answer(
        self,
        texts: Sequence[TextOrInput],
        logits: NDArray[np.floating[Any]],
        truncated: NDArray[np.bool_] | None = None,
        risk: NDArray[np.floating[Any]] | None = None,
    ) -> list[Prediction]:
        """Return the predictions for `texts` from their (rows, outputs) logits.

        truncated  (rows,) whether the end of each text was not read; None for none
        risk       (rows,) the logits of any risk of a model with a risk head, NaN where unknown: those that are needed
                   are computed
        """
        decisions = self.decision.decide(self.scheme, logits)
        if self.rules is None:
            return self._build_predictions(texts, *self._abstain_at_risk(texts, decisions, risk), truncated)
        ruled = self.rules.apply(texts, self.decision, decisions)
        predictions = self._build_predictions(texts, *self._abstain_at_risk(texts, ruled.decisions, risk), truncated)
        rows = list(ruled.changes)
        old = self._build_predictions([texts[row] for row in rows], decisions.of_rows(rows)) if rows else []
        for row, before in zip(rows, old, strict=True):
            own = PriorDecision(before.labels, before.scores)
            predictions[row] = dataclasses.replace(predictions[row], rules=ruled.changes[row], before=own)
        return predictions

    def _is_sure(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Return (rows,) where the model does not abstain by its logits alone."""
        return ~self.decision.decide(self.scheme, logits).abstained

    def _abstain_at_risk(
        self, texts: Sequence[TextOrInput], decisions: Decisions, risk: NDArray[np.floating[Any]] | None = None
    ) -> tuple[Decisions, NDArray[np.bool_]]:
        """Return decisions that abstain where a text shows a sign of risk, and (rows,) where they do so for that.

        A message of distress must not get a cheerful answer, or none, that looks sure. Only rows are checked on which
        the model would not abstain anyway.
        """
        at_risk = np.zeros(len(texts), dtype=np.bool_)
        sure = np.flatnonzero(~decisions.abstained)
        if not len(sure) or not scores_risk(self.backend) or self.backend.risk_head is None:
            return decisions, at_risk
        chosen = [texts[row] for row in sure.tolist()]
        logits = np.full(len(chosen), np.nan) if risk is None else risk[sure]
        if (unknown := np.isnan(logits)).any():
            encoded = self._encode([texts[row] for row in sure[unknown].tolist()])
            logits[unknown] = self.backend.compute_with_risk(encoded.state, _choose_all)[:, -1]
        at_risk[sure] = find_signals([get_text(one) for one in chosen], logits, self.backend.risk_head)
        return dataclasses.replace(decisions, abstained=decisions.abstained | at_risk), at_risk

    def _build_predictions(
        self,
        texts: Sequence[TextOrInput],
        decisions: Decisions,
        at_risk: NDArray[np.bool_] | None = None,
        truncated: NDArray[np.bool_] | None = None,
    ) -> list[Prediction]:
        names = self.scheme.names
        # Convert whole arrays to lists: reading single numbers from arrays is slower than a small model.
        top = [None if one < 0 else names[one] for one in decisions.top_labels().tolist()]
        chosen: list[list[str]] = [[] for _ in texts]
        for row, label in zip(*(where.tolist() for where in np.nonzero(decisions.chosen)), strict=True):
            chosen[row].append(names[label])
        scores, abstained = decisions.scores.tolist(), decisions.abstained.tolist()
        for row, labels in enumerate(chosen):
            if len(labels) > 1:
                of_label = dict(zip(names, scores[row], strict=True))
                labels.sort(key=of_label.__getitem__, reverse=True)
        confidence = [None] * len(texts) if decisions.confidence is None else decisions.confidence.tolist()
        no = [False] * len(texts)
        is_truncated = no if truncated is None else truncated.tolist()
        is_at_risk = no if at_risk is None else at_risk.tolist()
        return [
            Prediction(
                text=get_text(text),
                labels=tuple(chosen[row]),
                label=top[row],
                scores=dict(zip(names, scores[row], strict=True)),
                confidence=confidence[row],
                abstained=abstained[row],
                language=None if isinstance(text, str) else text.language,
                id=None if isinstance(text, str) else text.id,
                truncated=is_truncated[row],
                at_risk=is_at_risk[row],
            )
            for row, text in enumerate(texts)
        ]


def _choose_all(logits: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    return np.ones(len(logits), dtype=np.bool_)


def _format_share(some: int, rows: int) -> str:
    return "The text" if rows == 1 else f"{some:,} of {rows:,} texts ({some / rows:.1%})"


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"Predictor.{old} has been replaced: use {new}. The old name works until version 0.3.",
        DeprecationWarning,
        stacklevel=3,
    )
