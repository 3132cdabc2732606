"""The arguments of a fitter (plan, prepared rows, context of the run) and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.progress import Progress, Silent
from insula.core.scheme import LabelScheme
from insula.knowledge.rules import Rules
from insula.models.folder import ModelFolder
from insula.text.context import Segments
from insula.text.preparation import Preparation
from insula.training.options.adapter import AdapterOptions
from insula.training.options.adversarial import AdversarialOptions
from insula.training.options.auxiliary import AuxiliaryOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.robust import RobustOptions
from insula.training.options.sections import DecisionOptions, ModelOptions, TrainOptions


@dataclass(frozen=True)
class Base:
    """The network that a training starts from.

    folder   its local folder
    trained  its model folder if it was trained on labels; None if it was only pretrained
    """

    folder: Path
    trained: ModelFolder | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides a training, resolved by `training.plan.plan_training` from recipe, data and base.

    language     ISO 639-1 code of most training texts; None if unknown
    preparation  the text steps, and the context that is read
    model        the options of the family
    base         the network to start from, for families that start from one
    rules        the user's rules, stored in the model folder; None for none
    train, objective, adapter, distil, auxiliary, adversarial, robust, decision   sections of the recipe; a baseline has
                 their defaults
    """

    scheme: LabelScheme
    language: str | None
    preparation: Preparation
    model: ModelOptions
    base: Base | None = None
    rules: Rules | None = None
    train: TrainOptions = field(default_factory=TrainOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    adapter: AdapterOptions = field(default_factory=AdapterOptions)
    distil: DistilOptions = field(default_factory=DistilOptions)
    auxiliary: AuxiliaryOptions = field(default_factory=AuxiliaryOptions)
    adversarial: AdversarialOptions = field(default_factory=AdversarialOptions)
    robust: RobustOptions = field(default_factory=RobustOptions)
    decision: DecisionOptions = field(default_factory=DecisionOptions)


@dataclass(frozen=True)
class Rows:
    """Prepared rows of a split, column by column.

    texts     (rows,) prepared texts, or pairs of text and context for a family that reads pairs
    gold      (rows, labels) as in `core.targets.build_gold_matrix`; in training rows possibly smoothed or soft
    weights   (rows,) example weights; in training rows multiplied by the class weights
    labelled  (rows,) whether the row has labels of the main set; None: all rows have
    teacher   (rows, labels) mean scores of the teachers; None without teachers
    subgroup  (rows,) names of subgroups, for group DRO; "" for none
    pair      (rows,) names shared by counterfactual pairs; "" for none
    epoch     (rows,) the only epoch, from 1, that uses a row; 0: every epoch; None: every epoch uses all rows
    task      (rows,) the set of a row: 0 is the main set, n the n-th auxiliary `Task`; None: all are main

    The gold of unlabelled rows are the scores of the teachers, or zero without teachers. The gold of other tasks' rows
    is zero; their labels are in `Task.compute_rows`, in the same order.
    """

    texts: Sequence[Segments]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    labelled: NDArray[np.bool_] | None = None
    teacher: NDArray[np.float64] | None = None
    task: NDArray[np.intp] | None = None
    subgroup: NDArray[np.str_] | None = None
    pair: NDArray[np.str_] | None = None
    epoch: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def labelled_weights(self) -> NDArray[np.float64]:
        """The weights of rows with labels of the main set; 0 for other rows."""
        return self.weights if self.labelled is None else np.where(self.labelled, self.weights, 0.0)

    @property
    def joined(self) -> list[str]:
        """The texts, for families that read no pairs; raises `TypeError` if there are pairs."""
        pairs = next((text for text in self.texts if not isinstance(text, str)), None)
        if pairs is not None:
            raise TypeError(
                f"The texts of these rows must be strings, since the family reads no pairs. Got the pair {pairs!r}. "
                "Set preparation.context_turns=0."
            )
        return [text for text in self.texts if isinstance(text, str)]


def append_empty_names(names: NDArray[np.str_] | None, rows: int) -> NDArray[np.str_] | None:
    """Return names followed by "" for further rows; None for None."""
    return None if names is None else np.concatenate([names, np.full(rows, "", dtype=names.dtype)])


def append_every_epoch(epoch: NDArray[np.intp] | None, rows: int) -> NDArray[np.intp] | None:
    """Return the epochs of rows, extended by further rows that every epoch uses; None for None."""
    return None if epoch is None else np.concatenate([epoch, np.zeros(rows, dtype=np.intp)])


@dataclass(frozen=True)
class Task:
    """An auxiliary set: its labels and its rows."""

    scheme: LabelScheme
    rows: Rows


@dataclass(frozen=True)
class PreparedRows:
    """The rows that a fitter gets.

    train       the training rows of all sets: of the data, the unlabelled texts, and the tasks
    validation  None if there were too few rows to hold any out
    tasks       the auxiliary sets
    """

    train: Rows
    validation: Rows | None = None
    tasks: Sequence[Task] = ()


def _ignore_score(step: int, score: float) -> None:
    """Ignore the score."""


@dataclass(frozen=True)
class RunContext:
    """Context of a training run: its folder, seed, progress and callbacks.

    folder     the files of this process while it trains; for the first process the folder of the run
    seed       of every random choice
    resume     continue from the last checkpoint
    shared     the folder of the run if `folder` is another
    report     called with step and validation score at each evaluation; an exception that it raises ends the training
    callbacks  `TrainerCallback` objects of transformers, for neural trainers
    """

    folder: Path
    seed: int = 0
    progress: Progress = field(default_factory=Silent)
    resume: bool = False
    shared: Path | None = None
    report: Callable[[int, float], None] = _ignore_score
    callbacks: Sequence[Any] = ()

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints, shared by all processes."""
        return (self.shared or self.folder) / "checkpoints"


@dataclass(frozen=True)
class Fitted:
    """A trained model, ready to be saved.

    save        writes the weights and their files into a model folder under construction
    backend     the inference backend that opens them
    parameters  number of parameters of the model
    trainable   number of parameters that were trained; None for all
    base        the pretrained encoder that it started from, None for none
    history     figures by step: loss, learning rate, validation scores
    untrained   maps prepared texts to the logits of the same network before training; None if it has no such state
    facts       further entries of `training` in the metrics of the run
    seconds_before   time that a resumed run had spent before the interruption
    """

    save: Callable[[Path], None]
    backend: str
    parameters: int
    trainable: int | None = None
    base: str | None = None
    history: Sequence[dict[str, float]] = ()
    untrained: Callable[[Sequence[Segments]], NDArray[np.float32]] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds_before: float = 0.0
