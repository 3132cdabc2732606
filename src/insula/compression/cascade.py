"""`make_cascade`: two models as one, the cheap one for the texts it is sure of, the better one for the rest."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.compression.compressed_folder import write_compressed_folder
from insula.compression.compression_data import unseen_validation_rows
from insula.compression.parity import Limits, measure_batch_invariance, measure_parity, require_parity
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json
from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.core.targets import gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.decisions.calibration import negative_log_likelihood
from insula.inference.backends import backend_entry
from insula.inference.cascade_backend import (
    CASCADE,
    CASCADE_VERSION,
    STAGES,
    CascadeBackend,
    byte_lengths,
    calibrate_logits,
    mix_logits,
    uncertainty,
)
from insula.inference.predictor import Predictor
from insula.models.folder import ModelFolder
from insula.models.provenance import merge_fingerprints, read_fingerprints, recorded_section, write_fingerprints
from insula.text.preparation import Preparation
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions

SHARES = np.arange(39, 0, -1) / 40
"""Of validation rows that the first stage answers."""
LENGTH_EXPONENTS = (0.0, 0.5, 1.0)
"""How much the length of a text counts in what is asked of the second stage."""
FIRST_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Weights of the first stage where the second is asked too."""

TRY_ANOTHER_SWITCH = "A text lies too near the switch point: move that with another --max-loss."
COPIED_FILES = ("recipe.toml", "label_names.json")


@dataclass(frozen=True)
class Cascade:
    """A cascade's folder.

    share   of validation rows that the first stage answers, those that it doubts at most by `limit`
    saved   share of the bytes of all texts that these rows have: about what the second stage need not do
    price   how much the length of a text counts: what is long is asked of the second stage only for more doubt
    say     the first stage's weight where the second is asked too
    tried   share, saved, price, limit and loss of each switch point that was tried
    parity  what stands in its `parity.json`: the loss against the second stage alone
    """

    path: Path
    bytes: int
    share: float
    saved: float
    price: float
    limit: float
    say: float
    tried: Sequence[dict[str, float | None]]
    parity: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class _SwitchPoint:
    """A switch point: which rows the first stage answers, and what that takes and saves."""

    price: float
    limit: float
    sure: NDArray[np.bool_]
    saved: float

    @property
    def settings(self) -> dict[str, float]:
        return {
            "share": float(self.sure.mean()),
            "saved": self.saved,
            "price": self.price,
            "limit": self.limit,
        }


def make_cascade(
    first: ModelFolder,
    second: ModelFolder,
    dataset: Dataset,
    output: Path,
    *,
    max_loss: float = 0.005,
    seed: int = 0,
    command: str = "",
    progress: Progress,
) -> Cascade:
    """Make `output` from two model folders of the same labels; `dataset` is the set they were trained on.

    The first stage saves the second as much as it can while the headline metric on validation rows stays within
    `max_loss` of the second stage alone. Where both are asked their logits are averaged with the weight that gives
    validation rows the highest likelihood. Thresholds are chosen anew for the mixture. Raises `ParityError`, and writes
    nothing, where even a fortieth of the rows would cost more, or where a text is not answered alike alone and in
    batches; `ModelFolderError` where the labels differ or are dimensions.
    """
    _check_stages(first, second)
    examples = unseen_validation_rows(dataset, [second, first])
    texts, gold = [example.input for example in examples], gold_matrix(second.scheme, examples)
    stages = [Predictor.load(folder.path) for folder in (first, second)]
    progress.say(f"Answering {len(texts):,} validation rows by both stages.")
    answers = [stage.logits(texts) for stage in stages]
    before = second.decision.decide(second.scheme, answers[1])
    own = [calibrate_logits(stage, logits) for stage, logits in zip(stages, answers, strict=True)]
    say = _best_say(second.scheme, own, gold)
    options = recorded_section(second.path, "decision", DecisionOptions, tells="how its thresholds were chosen")
    options = options.model_copy(update={"calibration": "none"})
    worth = _worth(gold)
    tried: list[dict[str, float | None]] = []
    for point in _points(stages[0], own[0], worth, texts):
        logits = np.where(point.sure[:, None], own[0], mix_logits(own[0], own[1], say))
        decision = choose_decision(second.scheme, logits, gold, options, seed=seed)
        decided = decision.decide(second.scheme, logits)
        parity = measure_parity(second.scheme, gold, before, decided, seed=seed)
        loss = parity["loss"]["value"]
        tried.append({**point.settings, "loss": loss})
        if loss is not None and loss <= max_loss:
            break
    else:
        raise ParityError(
            f"A cascade must lose at most {max_loss:g}. Got more at each of {len(tried)} switch points: the first "
            "stage's answers are not good enough where it is sure. Train it with the second as its teacher "
            "(--set distil.teachers), or allow more with --max-loss. Nothing was written."
        )
    mixture = dataclasses.replace(second, family="cascade", backend="cascade", preparation=Preparation())
    limits = Limits(max_loss, None)
    with atomic_folder(output) as stage:
        for name, folder in zip(STAGES, (first, second), strict=True):
            shutil.copytree(folder.path, stage / name)
        for name in COPIED_FILES:
            if (second.path / name).exists():
                shutil.copy2(second.path / name, stage / name)
        if parts := merge_fingerprints(read_fingerprints(folder.path) for folder in (first, second)):
            write_fingerprints(stage, parts)
        settings = {"limit": point.limit, "worth": worth.tolist(), "price": point.price, "say": say}
        write_json(stage / CASCADE, {"format_version": CASCADE_VERSION, **settings, "tried": tried})
        company = measure_batch_invariance(
            CascadeBackend(stage), second.scheme, decision, texts, limits.company, seed=seed
        )
        figures = require_parity(limits, parity, company, steady=TRY_ANOTHER_SWITCH)
        size = write_compressed_folder(
            mixture,
            stage,
            examples=examples,
            gold=gold,
            decision=decision,
            decided=decided,
            coverage=options.coverage,
            parity=figures,
            steps={"first": first.family, "second": second.family, **point.settings, "say": say},
            command=command,
            seed=seed,
            backend="cascade",
        )
    return Cascade(output, size, **point.settings, say=say, tried=tried, parity=figures)


def _check_stages(first: ModelFolder, second: ModelFolder) -> None:
    one, other = first.scheme, second.scheme
    if not one.has_labels_of(other) or not one.is_categorical:
        raise ModelFolderError(
            "The stages of a cascade must have the same labels in the same order, and no dimensions. Got "
            f"{one.summary} and {other.summary}. Train both on the same data."
        )
    for stage in (first, second):
        backend_entry(stage.backend).require_can("cascade", stage)


def _best_say(scheme: LabelScheme, own: Sequence[NDArray[np.float64]], gold: NDArray[np.float64]) -> float:
    truth = gold[:, -1:] if scheme.kind == "binary" else gold
    losses = [
        float(negative_log_likelihood(mix_logits(own[0], own[1], say), truth, scheme.kind).sum())
        for say in FIRST_WEIGHTS
    ]
    return FIRST_WEIGHTS[int(np.argmin(losses))]


def _worth(gold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (labels,) what a mistake costs macro-F1: it moves a label's F1 by about one over the label's rows."""
    share = gold.mean(axis=0)
    return np.asarray(1.0 / (len(share) * np.maximum(share, 1.0 / len(gold))), dtype=np.float64)


def _points(
    first: Predictor, logits: NDArray[np.float64], worth: NDArray[np.float64], texts: Sequence[TextOrInput]
) -> list[_SwitchPoint]:
    """Return the switch points, from the one that asks the second stage least."""
    size = byte_lengths(texts)
    points = []
    for price in LENGTH_EXPONENTS:
        doubts = uncertainty(first, logits, worth, size, price)
        ranked = np.sort(doubts)
        for share in SHARES:
            last = max(0, round(share * len(ranked)) - 1)
            # Between two rows: one that lies on the limit itself could change sides by rounding.
            limit = float(ranked[last : last + 2].mean())
            sure = doubts <= limit
            points.append(_SwitchPoint(price, limit, sure, float(size[sure].sum() / size.sum())))
    return sorted(points, key=lambda point: -point.saved)
