"""`LossTerm`: maps a batch and the network's outputs to a loss per row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from insula.core.scheme import LabelScheme
from insula.training.fitting import PreparedRows, Rows, TrainingPlan
from insula.training.objectives.objective import Objective

if TYPE_CHECKING:
    import torch  # not at run time: recipes import the registry of terms and need no torch

    Inputs = Mapping[str, torch.Tensor]

Context = Callable[[], contextlib.AbstractContextManager[Any]]

INPUTS = ("input_ids", "lower_states", "attention_mask")
"""The network's inputs in a batch; the other tensors are columns."""


@dataclass(frozen=True)
class Batch:
    """A batch of training rows.

    inputs   of the network: `input_ids` (rows, tokens) or `lower_states` (rows, tokens, width), and `attention_mask`
    targets  (rows, outputs), for the head of the task
    weights  (rows,)
    task     the task of all rows; 0 is the main task
    columns  (rows, ...) further columns by name: `labelled`, `teacher`, and those of plug-in terms
    views    other inputs for the same rows by name, such as counterfactual texts
    """

    inputs: Inputs
    targets: torch.Tensor
    weights: torch.Tensor
    task: int = 0
    columns: Mapping[str, torch.Tensor] = field(default_factory=dict)
    views: Mapping[str, Inputs] = field(default_factory=dict)

    @classmethod
    def of(cls, collated: Mapping[str, Any]) -> Batch:
        """Return the batch for the dictionary that `neural.batches.collate` returns."""
        rest = dict(collated)
        inputs = {name: rest.pop(name) for name in INPUTS if name in rest}
        targets, weights, views = rest.pop("labels"), rest.pop("weights"), rest.pop("views", {})
        return cls(inputs, targets, weights, rest.pop("task", 0), rest, views)


@dataclass(frozen=True)
class Network:
    """The network as loss terms use it.

    model    the module to call; it may be wrapped for training by several processes
    outputs  the number of outputs of the main head
    added    the number of outputs of each further head, by the name of the term that added it
    context  the context in which the network runs, such as autocast
    """

    model: Callable[..., Any]
    outputs: int
    added: Mapping[str, Sequence[int]] = field(default_factory=dict)
    context: Context = contextlib.nullcontext

    def __call__(self, inputs: Inputs) -> Outputs:
        """Run the network on the inputs of a batch or on one of its views."""
        with self.context():
            return Outputs(self.model(**inputs).logits.float(), self)


@dataclass(frozen=True)
class Outputs:
    """The outputs of the network for a batch.

    all_logits  (rows, outputs) of all heads, concatenated
    network     the network, for terms that run it again
    passes      the passes of the step, each with its own dropout, for terms that compare several
    """

    all_logits: torch.Tensor
    network: Network
    passes: tuple[Outputs, ...] = ()

    @cached_property
    def logits(self) -> torch.Tensor:
        """The (rows, outputs) logits of the main head."""
        return self.all_logits[:, : self.network.outputs] if self.network.added else self.all_logits

    def of_head(self, term: str, number: int) -> torch.Tensor:
        """Return the (rows, outputs) logits of the n-th head that a term has added, counted from 0."""
        first = self.network.outputs
        for name, widths in self.network.added.items():
            for place, width in enumerate(widths):
                if (name, place) == (term, number):
                    return self.all_logits[:, first : first + width]
                first += width
        raise ValueError(f"The loss term {term!r} has no head {number}. Declare it in added_outputs.")


@dataclass(frozen=True)
class LossTerm:
    """One of the losses whose weighted sum training minimises.

    name     its name in the registry; its mean is logged as `loss/NAME`
    loss     maps a batch and the network's outputs to (rows,) losses; None if the term does not apply to the batch
    weight   its weight in the sum
    share    multiplies the weight in training; with teachers, the terms on labels share 1 - `distil.weight`
    in_validation   whether the term, with its weight, is part of the validation loss
    column   the boolean column that marks the rows to which the term applies; None, or a batch without it: all rows
    every_task   whether it applies to batches of auxiliary tasks too, instead of the main task only
    passes   number of dropout passes that it compares: above 1, `loss` is called once, with `outputs.passes`; else it
             is called for each pass of the step, and the mean is taken
    columns  (rows, ...) columns of the training rows that it reads, by name
    views    (rows,) other prepared texts for the training rows, by name; a batch has their tokens in `views`
    added_outputs  the number of outputs of each head that `attach` adds
    attach, detach   change the model before and after training: add a head, register a hook
    """

    name: str
    loss: Callable[[Batch, Outputs], torch.Tensor | None]
    weight: float = 1.0
    share: float = 1.0
    in_validation: bool = False
    column: str | None = None
    every_task: bool = False
    passes: int = 1
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    views: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    added_outputs: Sequence[int] = ()
    attach: Callable[[Any], None] | None = None
    detach: Callable[[Any], None] | None = None

    def compute_rows(self, batch: Batch, outputs: Outputs) -> torch.Tensor | None:
        """Return the (rows,) losses, 0 for rows to which the term does not apply; None if it does not apply at all."""
        losses = self.loss(batch, outputs) if batch.task == 0 or self.every_task else None
        applies = self._find_applicable(batch)
        return losses if losses is None or applies is None else applies * losses

    def compute_weights(self, batch: Batch) -> torch.Tensor:
        """Return the (rows,) weights for the mean of the term, 0 for rows to which it does not apply."""
        applies = self._find_applicable(batch)
        return batch.weights if applies is None else batch.weights * applies

    def _find_applicable(self, batch: Batch) -> torch.Tensor | None:
        column = None if self.column is None else batch.columns.get(self.column)
        return None if column is None else column.to(batch.weights.dtype)


@dataclass(frozen=True)
class TermInput:
    """The arguments of a term's `build`.

    plan       the plan of the training, with the sections of the recipe
    objective  the loss on labels
    rows       the prepared rows
    weight     the weight of a term of `objective.terms`
    """

    plan: TrainingPlan
    objective: Objective
    rows: PreparedRows
    weight: float = 1.0

    @property
    def scheme(self) -> LabelScheme:
        """The label scheme of the main task."""
        return self.plan.scheme

    @property
    def train(self) -> Rows:
        """The training rows of all tasks."""
        return self.rows.train

    @property
    def teacher_share(self) -> float:
        """The share of the teacher term in the loss of a row; the terms on labels have the rest."""
        return 0.0 if self.train.teacher is None else self.plan.distil.weight

    @property
    def label_share(self) -> float:
        """The share of the terms on labels in the loss of a row."""
        return 1.0 - self.teacher_share
