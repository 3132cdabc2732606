"""`make_cascade`: combines a fast model for the texts it is certain about and an accurate one for the rest."""

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
from insula.compression.compression_data import select_unseen_validation_rows
from insula.compression.parity import ParityLimits, measure_batch_invariance, measure_parity, require_parity
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json
from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.decisions.calibration import compute_negative_log_likelihood
from insula.inference.backends import get_backend_entry
from insula.inference.cascade_backend import (
    CASCADE,
    CASCADE_VERSION,
    STAGES,
    CascadeBackend,
    calibrate_logits,
    compute_uncertainty,
    measure_byte_lengths,
    mix_logits,
)
from insula.inference.predictor import Predictor
from insula.knowledge.rule_file import RULES
from insula.models.folder import ModelFolder
from insula.models.provenance import merge_fingerprints, read_fingerprints, read_recorded_section, write_fingerprints
from insula.text.preparation import Preparation
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions

SHARES = np.arange(39, 0, -1) / 40
"""Candidate shares of validation rows for the first stage alone."""
LENGTH_EXPONENTS = (0.0, 0.5, 1.0)
"""Candidate exponents of the text length in the uncertainty."""
FIRST_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Candidate weights of the first stage in the mean of both stages."""

SWITCH_ADVICE = "A text is too close to the switch point. Move the switch point with another --max-loss."
COPIED_FILES = ("recipe.toml", "label_names.json", RULES)


@dataclass(frozen=True)
class Cascade:
    """The folder of a cascade.

    share   the share of validation rows that the first stage decides alone
    saved   the share of their text length in bytes, an estimate of the saved work of the second stage
    limit   the maximum uncertainty of these rows
    price   the exponent of the text length in the uncertainty
    say     the weight of the first stage in the mean of both stages
    tried   share, saved, price, limit and loss of each switch point that was tried
    parity  the content of its `parity.json`: the loss against the second stage alone
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
    """A switch point: the rows that the first stage decides alone, and the share of text length that this saves."""

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
    """Make a cascade in `output` from two model folders with the same labels.

    dataset   the training data of both; only its validation rows are used
    max_loss  the maximum loss of the headline metric on validation rows against the second stage alone

    The switch point saves as much work of the second stage as `max_loss` allows. If both stages run, their logits are
    averaged with the weight of highest validation likelihood. Thresholds are chosen again for the combined logits.

    Raises `ParityError`, and writes nothing, if even a fortieth of the rows would cost more than `max_loss`, or if
    predictions depend on the batch; `ModelFolderError` if the labels differ or are dimensions.
    """
    _check_stages(first, second)
    examples = select_unseen_validation_rows(dataset, [second, first])
    texts, gold = [example.input for example in examples], build_gold_matrix(second.scheme, examples)
    stages = [Predictor.load(folder.path) for folder in (first, second)]
    progress.say(f"Predicting {len(texts):,} validation rows with both stages.")
    raw = [stage.logits(texts) for stage in stages]
    before = second.decision.decide(second.scheme, raw[1])
    own = [calibrate_logits(stage, logits) for stage, logits in zip(stages, raw, strict=True)]
    say = _choose_first_weight(second.scheme, own, gold)
    options = read_recorded_section(second.path, "decision", DecisionOptions, tells="how its thresholds were chosen")
    options = options.model_copy(update={"calibration": "none"})
    worth = _compute_label_costs(gold)
    tried: list[dict[str, float | None]] = []
    for point in _list_switch_points(stages[0], own[0], worth, texts):
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
            f"The cascade must lose at most {max_loss:g}. Got more at each of {len(tried)} switch points: the first "
            "stage makes too many mistakes where it is certain. Train it with the second as its teacher "
            "(--set distil.teachers), or allow more with --max-loss. Nothing was written."
        )
    mixture = dataclasses.replace(second, family="cascade", backend="cascade", preparation=Preparation())
    limits = ParityLimits(max_loss, None)
    with atomic_folder(output) as stage:
        for name, folder in zip(STAGES, (first, second), strict=True):
            shutil.copytree(folder.path, stage / name)
        for name in COPIED_FILES:
            if (second.path / name).exists():
                shutil.copy2(second.path / name, stage / name)
        if fingerprints := merge_fingerprints(read_fingerprints(folder.path) for folder in (first, second)):
            write_fingerprints(stage, fingerprints)
        settings = {"limit": point.limit, "worth": worth.tolist(), "price": point.price, "say": say}
        write_json(stage / CASCADE, {"format_version": CASCADE_VERSION, **settings, "tried": tried})
        invariance = measure_batch_invariance(
            CascadeBackend(stage), second.scheme, decision, texts, limits.batch_difference, seed=seed
        )
        figures = require_parity(limits, parity, invariance, advice=SWITCH_ADVICE)
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
            "The stages of a cascade must have the same labels in the same order, and not dimensions. Got "
            f"{one.summary} and {other.summary}. Train both on the same data."
        )
    for stage in (first, second):
        get_backend_entry(stage.backend).require_can("cascade", stage)


def _choose_first_weight(scheme: LabelScheme, own: Sequence[NDArray[np.float64]], gold: NDArray[np.float64]) -> float:
    truth = gold[:, -1:] if scheme.kind == "binary" else gold
    losses = [
        float(compute_negative_log_likelihood(mix_logits(own[0], own[1], say), truth, scheme.kind).sum())
        for say in FIRST_WEIGHTS
    ]
    return FIRST_WEIGHTS[int(np.argmin(losses))]


def _compute_label_costs(gold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (labels,) the cost of a mistake in macro-F1, about one over the number of rows with the label."""
    share = gold.mean(axis=0)
    return np.asarray(1.0 / (len(share) * np.maximum(share, 1.0 / len(gold))), dtype=np.float64)


def _list_switch_points(
    first: Predictor, logits: NDArray[np.float64], worth: NDArray[np.float64], texts: Sequence[TextOrInput]
) -> list[_SwitchPoint]:
    """Return the candidate switch points, those that save most first."""
    size = measure_byte_lengths(texts)
    points = []
    for price in LENGTH_EXPONENTS:
        doubts = compute_uncertainty(first, logits, worth, size, price)
        ranked = np.sort(doubts)
        for share in SHARES:
            last = max(0, round(share * len(ranked)) - 1)
            # Between two rows, because rounding could move a row that is exactly on the limit.
            limit = float(ranked[last : last + 2].mean())
            sure = doubts <= limit
            points.append(_SwitchPoint(price, limit, sure, float(size[sure].sum() / size.sum())))
    return sorted(points, key=lambda point: -point.saved)
