"""What a loss term is: rows of a batch and what the network says of them in, a loss per row out."""

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
    import torch  # the terms import it at run time: a recipe reads their registry and needs no torch

    Inputs = Mapping[str, torch.Tensor]

Context = Callable[[], contextlib.AbstractContextManager[Any]]

INPUTS = ("input_ids", "lower_states", "attention_mask")
"""What the network reads of a batch; the other tensors are columns of its rows."""


@dataclass(frozen=True)
class Batch:
    """Rows of a batch, column by column.

    inputs   the network's: `input_ids` (rows, tokens) or `lower_states` (rows, tokens, width), and `attention_mask`
    targets  (rows, outputs) of the head of their task
    weights  (rows,)
    task     the task that all rows belong to; 0 is the main one
    columns  (rows, ...) further columns by name: `labelled`, `teacher`, and those of plug-in terms
    views    other inputs of the same rows by name, such as their counterfactual texts
    """

    inputs: Inputs
    targets: torch.Tensor
    weights: torch.Tensor
    task: int = 0
    columns: Mapping[str, torch.Tensor] = field(default_factory=dict)
    views: Mapping[str, Inputs] = field(default_factory=dict)

    @classmethod
    def of(cls, collated: Mapping[str, Any]) -> Batch:
        """Return the batch that `neural.batches.collate` has made, on whichever device it is now."""
        rest = dict(collated)
        inputs = {name: rest.pop(name) for name in INPUTS if name in rest}
        targets, weights, views = rest.pop("labels"), rest.pop("weights"), rest.pop("views", {})
        return cls(inputs, targets, weights, rest.pop("task", 0), rest, views)


@dataclass(frozen=True)
class Network:
    """The network as terms see it.

    model    the module to call; in a training by several processes it is wrapped
    added    how many outputs each head has that a term adds behind the main one, by the name of the term
    outputs  how many the main head has
    context  in which it runs, such as autocast
    """

    model: Callable[..., Any]
    outputs: int
    added: Mapping[str, Sequence[int]] = field(default_factory=dict)
    context: Context = contextlib.nullcontext

    def __call__(self, inputs: Inputs) -> Outputs:
        """Run once more, on a batch's inputs, one of its views, or either while hooks change what passes through."""
        with self.context():
            return Outputs(self.model(**inputs).logits.float(), self)


@dataclass(frozen=True)
class Outputs:
    """What the network says of a batch in one pass.

    all_logits  (rows, outputs) of all heads side by side
    network     the network, for a term that runs it again
    passes      each pass of the step with dropout of its own, for a term that asks for several
    """

    all_logits: torch.Tensor
    network: Network
    passes: tuple[Outputs, ...] = ()

    @cached_property
    def logits(self) -> torch.Tensor:
        """The main head's (rows, outputs)."""
        return self.all_logits[:, : self.network.outputs] if self.network.added else self.all_logits

    def of_head(self, term: str, number: int) -> torch.Tensor:
        """Return the (rows, outputs) logits of the n-th head that a term has added, counted from 0."""
        first = self.network.outputs
        for name, widths in self.network.added.items():
            for place, width in enumerate(widths):
                if (name, place) == (term, number):
                    return self.all_logits[:, first : first + width]
                first += width
        raise ValueError(f"The term {term!r} has no head {number}. It must add one with added_outputs.")


@dataclass(frozen=True)
class LossTerm:
    """One of the losses that training adds up.

    name     in the registry; its mean is logged as `loss/NAME`
    loss     a batch and the network's outputs to (rows,) losses; None where the batch is of no concern to the term
    weight   in the sum
    share    multiplies the weight in training; where there is a teacher, it leaves the rest to the terms on labels
    in_validation   whether the term, by its weight, is part of the validation loss
    column   the boolean column that marks the rows the term is about; None, or a batch without it: every row
    every_task   also called for batches of auxiliary tasks, not for those of the main one only
    passes   how many passes with dropout of their own it compares: `loss` is then called once with `outputs.passes`;
             a term that needs one only is called for each pass of the step, and the mean is taken
    columns  (rows, ...) columns of the training rows that it reads, by name
    views    (rows,) other prepared texts for the training rows, by name; a batch has their tokens in `views`
    added_outputs  the outputs of each head that `attach` adds behind the network's own
    attach, detach   what to do with the model before and after training: add a head, register a hook
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

    def rows(self, batch: Batch, outputs: Outputs) -> torch.Tensor | None:
        """Return the (rows,) losses, 0 for rows that the term is not about; None where it is not about the batch."""
        losses = self.loss(batch, outputs) if batch.task == 0 or self.every_task else None
        counts = self._counts(batch)
        return losses if losses is None or counts is None else counts * losses

    def weights(self, batch: Batch) -> torch.Tensor:
        """Return the (rows,) weights by which the mean over the rows that the term is about is taken."""
        counts = self._counts(batch)
        return batch.weights if counts is None else batch.weights * counts

    def _counts(self, batch: Batch) -> torch.Tensor | None:
        column = None if self.column is None else batch.columns.get(self.column)
        return None if column is None else column.to(batch.weights.dtype)


@dataclass(frozen=True)
class TermInput:
    """What a term is built from.

    plan       with the sections of the recipe that ask for terms
    objective  the loss on labels and what goes with it
    rows       the prepared rows
    weight     of a term that the recipe names in `objective.terms`
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
        """The share of the teacher's term in the loss of a row; the terms on labels have the rest."""
        return 0.0 if self.train.teacher is None else self.plan.distil.weight
