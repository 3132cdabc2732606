"""What a fitter is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.text.context import Segments
from insula.training.options.adapter import AdapterOptions
from insula.training.options.auxiliary import AuxiliaryOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import ModelOptions, TrainOptions


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


def _no_report(step: int, score: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class FitInput:
    """All that a fitter needs.

    validation  None where the rows were too few to hold any out
    folder      the run's; of a process that is not the first, one of its own
    shared      the run's folder where `folder` is another
    callbacks   what a neural trainer calls besides its own (of transformers' kind)
    report      is told step and validation score at each evaluation; what it raises ends the training (a search prunes)
    facts       what the fitter found out that the metrics of the run should tell; it writes them there
    """

    scheme: LabelScheme
    language: str | None
    train: Rows
    validation: Rows | None
    model: ModelOptions
    options: TrainOptions
    seed: int
    folder: Path
    resume: bool
    progress: Progress
    report: Callable[[int, float], None] = _no_report
    distil: DistilOptions | None = None
    auxiliary: AuxiliaryOptions | None = None
    tasks: Sequence[Task] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    adapter: AdapterOptions = field(default_factory=AdapterOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    shared: Path | None = None
    callbacks: Sequence[Any] = ()

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are written, by all processes into one folder."""
        return (self.shared or self.folder) / "checkpoints"


@dataclass(frozen=True)
class Fitted:
    """A trained model, ready to be written.

    save        writes the weights and what goes with them into a model folder under construction
    backend     which inference backend opens them
    parameters  how many numbers the model is made of
    trainable   how many of them were learnt; None for all
    base        the pretrained encoder it came from, None for none
    history     rows of figures by step: loss, learning rate, validation scores
    untrained   prepared texts to the logits of the same architecture before the first step; None where it has no such
    """

    save: Callable[[Path], None]
    backend: str
    parameters: int
    trainable: int | None = None
    base: str | None = None
    history: Sequence[dict[str, float]] = ()
    untrained: Callable[[Sequence[Segments]], NDArray[np.float32]] | None = None
