"""What a fitter gets (a plan, prepared rows, the context of the run) and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.progress import Progress, Silent
from insula.core.scheme import LabelScheme
from insula.models.folder import ModelFolder
from insula.text.context import Segments
from insula.text.preparation import Preparation
from insula.training.options.adapter import AdapterOptions
from insula.training.options.auxiliary import AuxiliaryOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import DecisionOptions, ModelOptions, TrainOptions


@dataclass(frozen=True)
class Base:
    """The pretrained network that a training starts from.

    folder   where it is on this machine
    trained  its model folder, where it was trained on labels before; None where it was only pretrained
    """

    folder: Path
    trained: ModelFolder | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained, resolved once from recipe, data and base: `training.plan.plan_training` makes it.

    language     ISO 639-1 code of most training texts; None where it is not clear
    preparation  the text steps, and which context is read
    model        the options of the family
    base         the pretrained network, of families that start from one
    train, objective, adapter, distil, auxiliary, decision   sections of the recipe; a baseline has their defaults
    """

    scheme: LabelScheme
    language: str | None
    preparation: Preparation
    model: ModelOptions
    base: Base | None = None
    train: TrainOptions = field(default_factory=TrainOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    adapter: AdapterOptions = field(default_factory=AdapterOptions)
    distil: DistilOptions = field(default_factory=DistilOptions)
    auxiliary: AuxiliaryOptions = field(default_factory=AuxiliaryOptions)
    decision: DecisionOptions = field(default_factory=DecisionOptions)


@dataclass(frozen=True)
class Rows:
    """Prepared rows of a split, column by column.

    texts     (rows,) prepared texts, or pairs of text and context for a family that reads pairs
    gold      (rows, labels) as `core.targets.gold_matrix`; training rows: smoothed, soft
    weights   (rows,) how much a row counts; training rows: times the weight of its class
    labelled  (rows,) whether `gold` is the row's own labels; None: it is, in every row
    teacher   (rows, labels) mean scores of the teachers; None without teachers
    task      (rows,) the set that a row comes from: 0 is the main one, n the n-th auxiliary `Task`; None: all are main

    Rows that are not `labelled` have the teachers' scores as their gold; rows of other tasks have zeros there, their
    labels are in `Task.rows`, in the same order.
    """

    texts: Sequence[Segments]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    labelled: NDArray[np.bool_] | None = None
    teacher: NDArray[np.float64] | None = None
    task: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def labelled_weights(self) -> NDArray[np.float64]:
        """The weights by which labels are counted: 0 for rows without labels of the main set."""
        return self.weights if self.labelled is None else np.where(self.labelled, self.weights, 0.0)

    @property
    def joined(self) -> list[str]:
        """The texts for a family that reads no pairs; `TypeError` where there are pairs, a fault of the caller."""
        pairs = next((text for text in self.texts if not isinstance(text, str)), None)
        if pairs is not None:
            raise TypeError(f"The texts of these rows must be strings. Got the pair {pairs!r}.")
        return [text for text in self.texts if isinstance(text, str)]


@dataclass(frozen=True)
class Task:
    """An auxiliary set: its labels and its rows."""

    scheme: LabelScheme
    rows: Rows


@dataclass(frozen=True)
class PreparedRows:
    """The rows that a fitter sees.

    train       of all sets: those of the data, unlabelled texts, and those of the tasks
    validation  None where the rows were too few to hold any out
    tasks       the auxiliary sets
    """

    train: Rows
    validation: Rows | None = None
    tasks: Sequence[Task] = ()


def _no_report(step: int, score: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class RunContext:
    """Where and how a training runs.

    folder     for the files of this process while it trains; of the first process it is the run's folder
    seed       of every random choice
    resume     continue from the last checkpoint
    shared     the run's folder where `folder` is another
    report     called with step and validation score at each evaluation; what it raises ends the training
    callbacks  of transformers' kind, for neural trainers
    """

    folder: Path
    seed: int = 0
    progress: Progress = field(default_factory=Silent)
    resume: bool = False
    shared: Path | None = None
    report: Callable[[int, float], None] = _no_report
    callbacks: Sequence[Any] = ()

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints, one for all processes."""
        return (self.shared or self.folder) / "checkpoints"


@dataclass(frozen=True)
class Fitted:
    """A trained model, ready to be written.

    save        writes the weights and what goes with them into a model folder under construction
    backend     the inference backend that opens them
    parameters  how many numbers the model is made of
    trainable   how many of them were trained; None for all
    base        the pretrained encoder it came from, None for none
    history     rows of figures by step: loss, learning rate, validation scores
    untrained   prepared texts to the logits of the same architecture before the first step; None where it has none
    facts       what else the metrics of the run say under `training`
    seconds_before   what a resumed run had spent when it was interrupted
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
