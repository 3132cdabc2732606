"""`make_cascade`: two models as one, the cheap one for the texts it is sure of, the better one for the rest."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from insula.compression.own_rows import unseen_validation
from insula.compression.parity import Limits, measure_company, measure_parity, parity_figures
from insula.compression.small_folder import finish
from insula.core.decision import DecisionRule, Decisions
from insula.core.errors import ModelFolderError, ParityError
from insula.core.files import atomic_folder, write_json
from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.core.targets import gold_matrix
from insula.data.dataset import Dataset
from insula.evaluation.calibration import negative_log_likelihood
from insula.inference.cascade_backend import (
    CASCADE,
    CASCADE_VERSION,
    STAGES,
    CascadeBackend,
    calibrated,
    mixed,
    sureness,
)
from insula.inference.predictor import Predictor
from insula.models.fingerprints import FINGERPRINT
from insula.models.folder import ModelFolder
from insula.text.preparation import Preparation
from insula.training.decide import choose_decision
from insula.training.options import DecisionOptions
from insula.training.recorded import recorded_section

SHARES = np.arange(39, 0, -1) / 40
"""Of validation rows that the first stage answers, tried from the largest."""
SAYS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Weights of the first stage where the second is asked too."""

ALONG = ("recipe.toml", "label_names.json")


@dataclass(frozen=True)
class Cascade:
    """A cascade's folder.

    share   of validation rows that the first stage answers, those where its confidence is at least `limit`
    say     its weight where the second stage is asked too
    tried   share, limit and loss of each switch point that was tried
    parity  what stands in its `parity.json`: the loss against the second stage alone
    """

    path: Path
    bytes: int
    share: float
    limit: float
    say: float
    tried: Sequence[dict[str, float | None]]
    parity: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**dataclasses.asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class _Point:
    limit: float
    share: float
    decision: DecisionRule
    decided: Decisions
    parity: dict[str, Any]


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

    The first stage answers as many rows as it can while the headline metric on validation rows stays within `max_loss`
    of the second stage alone. Where both are asked their logits are averaged with the weight that gives validation rows
    the highest likelihood. Thresholds are chosen anew for the mixture. Raises `ParityError`, and writes nothing,
    where even a fortieth of the rows would cost more; `ModelFolderError` where the labels differ or are dimensions.
    """
    _check_stages(first, second)
    examples = unseen_validation(dataset, [second, first])
    texts, gold = [example.text for example in examples], gold_matrix(second.scheme, examples)
    stages = [Predictor.load(folder.path) for folder in (first, second)]
    progress.say(f"Answering {len(texts):,} validation rows by both stages.")
    answers = [stage.logits(texts) for stage in stages]
    before = second.decision.decide(second.scheme, answers[1])
    own = [calibrated(stage, logits) for stage, logits in zip(stages, answers, strict=True)]
    say = _best_say(second.scheme, own, gold)
    options = recorded_section(second.path, "decision", DecisionOptions, tells="how its thresholds were chosen")
    points = _points(stages[0], second.scheme, own, before, gold, say, options, seed)
    tried: list[dict[str, float | None]] = []
    for point in points:
        loss = point.parity["loss"]["value"]
        tried.append({"share": point.share, "limit": point.limit, "loss": loss})
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
        for name in ALONG:
            if (second.path / name).exists():
                shutil.copy2(second.path / name, stage / name)
        _write_fingerprints(stage, (first, second))
        settings = {"limit": point.limit, "say": say}
        write_json(stage / CASCADE, {"format_version": CASCADE_VERSION, **settings, "tried": tried})
        company = measure_company(
            CascadeBackend(stage), second.scheme, point.decision, texts, limits.company, seed=seed
        )
        figures = parity_figures(limits, point.parity, company)
        size = finish(
            mixture,
            stage,
            examples=examples,
            gold=gold,
            decision=point.decision,
            decided=point.decided,
            coverage=options.coverage,
            parity=figures,
            steps={"first": first.family, "second": second.family, "share": point.share, **settings},
            command=command,
            seed=seed,
            backend="cascade",
        )
    return Cascade(output, size, point.share, point.limit, say, tried, figures)


def _check_stages(first: ModelFolder, second: ModelFolder) -> None:
    one, other = first.scheme, second.scheme
    if (one.kind, one.names) != (other.kind, other.names) or not one.is_categorical:
        raise ModelFolderError(
            "The stages of a cascade must have the same labels in the same order, and no dimensions. Got "
            f"{one.kind} {', '.join(one.names[:8])} and {other.kind} {', '.join(other.names[:8])}. "
            "Train both on the same data."
        )
    if "cascade" in (first.backend, second.backend):
        raise ModelFolderError("The stages of a cascade must be single models. Got a cascade: name its own stages.")


def _best_say(scheme: LabelScheme, own: Sequence[NDArray[np.float64]], gold: NDArray[np.float64]) -> float:
    truth = gold[:, -1:] if scheme.kind == "binary" else gold
    losses = [float(negative_log_likelihood(mixed(own[0], own[1], say), truth, scheme.kind).sum()) for say in SAYS]
    return SAYS[int(np.argmin(losses))]


def _points(
    first: Predictor,
    scheme: LabelScheme,
    own: Sequence[NDArray[np.float64]],
    before: Decisions,
    gold: NDArray[np.float64],
    say: float,
    options: DecisionOptions,
    seed: int,
) -> Iterator[_Point]:
    """Yield the switch points from the one that asks the second stage least."""
    sure, both = sureness(first, own[0]), mixed(own[0], own[1], say)
    options = options.model_copy(update={"calibration": "none"})
    ranked = np.sort(sure)[::-1]
    for share in SHARES:
        limit = float(ranked[max(0, round(share * len(ranked)) - 1)])
        logits = np.where((sure >= limit)[:, None], own[0], both)
        decision = choose_decision(scheme, logits, gold, options, seed=seed)
        decided = decision.decide(scheme, logits)
        parity = measure_parity(scheme, gold, before, decided, seed=seed)
        yield _Point(limit, float((sure >= limit).mean()), decision, decided, parity)


def _write_fingerprints(stage: Path, folders: Sequence[ModelFolder]) -> None:
    parts: dict[str, NDArray[Any]] = {}
    for folder in folders:
        file = folder.path / FINGERPRINT
        for name, hashes in load_file(file).items() if file.exists() else ():
            parts[name] = np.unique(np.concatenate([parts.get(name, hashes[:0]), hashes]), axis=0)
    if parts:
        save_file(parts, stage / FINGERPRINT)
