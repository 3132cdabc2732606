"""The weighted sum of the loss terms per row, and the mean of each term for the log."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from numpy.typing import NDArray

from insula.training.loss_terms.registry import build_terms
from insula.training.loss_terms.term import Batch, Context, LossTerm, Network, Outputs, TermInput

TermLosses = dict[str, list[torch.Tensor]]
"""The (rows,) losses of each term by its name, one tensor per pass, without gradient."""


class LossTerms:
    """The loss terms of a training and their weighted sum."""

    def __init__(self, terms: Sequence[LossTerm], outputs: int) -> None:
        self.terms = tuple(term for term in terms if term.weight > 0)
        self.outputs = outputs
        self.passes = max(term.passes for term in self.terms)
        self.added = {term.name: term.added_outputs for term in self.terms if term.added_outputs}

    @classmethod
    def of(cls, term_input: TermInput) -> LossTerms:
        """Return the terms that the recipe uses. Raises the errors of `build_terms`."""
        return cls(build_terms(term_input), term_input.scheme.output_count)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns that the terms add to the training rows."""
        return {name: column for term in self.terms for name, column in term.columns.items()}

    @property
    def views(self) -> dict[str, Sequence[Any]]:
        """The additional texts that the terms use for the training rows."""
        return {name: texts for term in self.terms for name, texts in term.views.items()}

    def attach(self, model: Any) -> None:
        """Add the modules and buffers that the terms need in training to the model."""
        for term in self.terms:
            if term.attach is not None:
                term.attach(model)

    def detach(self, model: Any) -> None:
        """Undo `attach`, in reverse order."""
        for term in reversed(self.terms):
            if term.detach is not None:
                term.detach(model)

    def network(self, model: Callable[..., Any], *, training: bool, context: Context = nullcontext) -> Network:
        """Return the model as terms use it; at evaluation it has only the main head."""
        return Network(model, self.outputs, self.added if training else {}, context)

    def compute_training_loss(self, batch: Batch, network: Network) -> tuple[torch.Tensor, TermLosses]:
        """Return the (rows,) losses of a step, and the unweighted losses of each term."""
        with network.context():  # one context for all passes, so that they share autocast's converted weights
            passes = tuple(network(batch.inputs) for _ in range(self.passes))
        by_term: TermLosses = {}
        totals = [self._sum(batch, outputs, by_term, joint=False) for outputs in passes]
        total = _add(totals)
        if total is not None:
            total = total / len(passes)
        joint = Outputs(passes[0].all_logits, network, tuple(Outputs(one.all_logits, network) for one in passes))
        rows = _add([total, self._sum(batch, joint, by_term, joint=True)])
        if rows is None:
            raise ValueError(
                f"At least one loss term must apply to task {batch.task}. Got {', '.join(self.names)}. Add a term for "
                "this task."
            )
        return rows, by_term

    def compute_validation_loss(self, batch: Batch, outputs: Outputs) -> torch.Tensor:
        """Return the (rows,) validation losses of the terms that are `in_validation`."""
        found = [
            term.weight * losses
            for term in reversed(self.terms)
            if term.in_validation and (losses := term.compute_rows(batch, outputs)) is not None
        ]
        rows = _add(found[::-1])
        if rows is None:
            raise ValueError(
                f"At least one loss term must have in_validation=True. Got {', '.join(self.names)}. Set it for one of "
                "them."
            )
        return rows

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the terms, in order."""
        return tuple(term.name for term in self.terms)

    def _sum(self, batch: Batch, outputs: Outputs, by_term: TermLosses, *, joint: bool) -> torch.Tensor | None:
        found = []
        # In reverse order: autograd then accumulates the gradient of the first term first.
        for term in reversed(self.terms):
            if (
                (term.passes > 1) is joint
                and term.share > 0
                and (losses := term.compute_rows(batch, outputs)) is not None
            ):
                by_term.setdefault(term.name, []).append(losses.detach())
                found.append(term.share * (term.weight * losses))
        return _add(found[::-1])


def _add(losses: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    found = [one for one in losses if one is not None]
    return functools.reduce(operator.add, found) if found else None


class TermMeans:
    """The mean of each term over the rows since the last log, weighted by the rows' weights, not the terms'."""

    def __init__(self, terms: Sequence[LossTerm]) -> None:
        self.terms = terms
        self._sums: torch.Tensor | None = None  # (terms, 2): losses times weights, and weights

    def add(self, batch: Batch, by_term: TermLosses) -> None:
        """Add the rows of a step."""
        sums = batch.weights.new_zeros(len(self.terms), 2)
        for place, term in enumerate(self.terms):
            for losses in by_term.get(term.name, ()):
                sums[place, 0] += (losses * batch.weights).sum()
                sums[place, 1] += term.compute_weights(batch).sum()
        self._sums = sums if self._sums is None else self._sums + sums

    def take(self, reduce: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, float]:
        """Return the means as `loss/NAME` and reset them; `reduce` sums a tensor over processes.

        Terms without rows are omitted.
        """
        if self._sums is None:
            return {}
        sums, self._sums = reduce(self._sums).tolist(), None
        return {
            f"loss/{term.name}": total / weight
            for term, (total, weight) in zip(self.terms, sums, strict=True)
            if weight > 0
        }
