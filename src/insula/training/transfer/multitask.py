"""Multi-task training: one network, a head for each set of labels (Caruana 1997); the other heads are dropped later.

Batches come from one task at a time, so that a loss over a whole batch is one over one task's rows.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from insula.models.layers.heads import heads as known_heads
from insula.training.fitting import FitInput
from insula.training.neural.batches import TaskPart, TokenRows
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import choose_objective, targets
from insula.training.options.objective import ObjectiveOptions
from insula.training.transfer.auxiliary import rows_an_epoch


class TaskHeads(nn.Module):
    """The main head and those of the other tasks, side by side: (rows, outputs of all) logits in training.

    At evaluation the main head answers alone, as it will in the model folder.
    """

    def __init__(self, main: nn.Module, others: list[nn.Module]) -> None:
        super().__init__()
        self.main = main
        self.others = nn.ModuleList(others)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        main: torch.Tensor = self.main(pooled)
        return torch.cat([main, *(head(pooled) for head in self.others)], dim=1) if self.training else main


def with_tasks(
    model: PreTrainedModel, rows: TokenRows, objective: Objective, given: FitInput
) -> tuple[TokenRows, Objective]:
    """Give `model` a head for each task; return rows whose targets name their task, and the objective that reads them.

    A packed target is the number of the task (0 is the main one) and the task's own target, with zeros behind. Without
    tasks all stays as it is; `without_tasks` takes the heads away again.
    """
    if not given.tasks:
        return rows, objective
    main_outputs = given.scheme.output_count
    objectives, wanted = [objective], [rows.targets]
    heads: list[nn.Module] = []
    weights = rows.weights.copy()
    first = len(rows) - sum(len(task.rows.texts) for task in given.tasks)
    parts = [first]
    for task in given.tasks:
        its = choose_objective(ObjectiveOptions(), task.scheme)
        gold = targets(task.scheme, task.rows.gold)
        head = known_heads[its.head](model.head.output.in_features, task.scheme.output_count, model.head.dropout.p)
        head.set_base_rates(its.biases(gold, task.rows.weights))
        start = sum(parts)
        weights[start : start + len(gold)] = task.rows.weights
        parts.append(len(gold))
        heads.append(head)
        objectives.append(its)
        wanted.append(gold)
    packed = np.zeros((len(rows), 1 + max(one.shape[1] for one in wanted)))
    packed[:, 0] = np.repeat(np.arange(len(parts)), parts)
    packed[:first, 1 : 1 + wanted[0].shape[1]] = wanted[0][:first]
    for number, gold in enumerate(wanted[1:], start=1):
        packed[packed[:, 0] == number, 1 : 1 + gold.shape[1]] = gold
    model.head = TaskHeads(model.head, heads)
    widths = [one.shape[1] for one in wanted]
    borders = np.cumsum([0, main_outputs, *(task.scheme.output_count for task in given.tasks)]).tolist()
    share = given.auxiliary.weight if given.auxiliary else 1.0

    def loss(logits: torch.Tensor, packed: torch.Tensor) -> torch.Tensor:
        if logits.shape[1] == main_outputs:  # validation rows: the main head and its labels alone
            return objective.loss(logits, packed)
        task = int(packed[0, 0])
        own = objectives[task].loss(logits[:, borders[task] : borders[task + 1]], packed[:, 1 : 1 + widths[task]])
        return own * share if task else own

    def divergence(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return objective.divergence(first[:, :main_outputs], second[:, :main_outputs])

    taken = rows_an_epoch(first, parts[1:], given.auxiliary.alpha if given.auxiliary else 1.0)
    parted = [TaskPart(count, an_epoch) for count, an_epoch in zip(parts, taken, strict=True)]
    replaced = dataclasses.replace(rows, targets=packed, weights=weights, parts=tuple(parted))
    return replaced, dataclasses.replace(objective, loss=loss, divergence=divergence)


def without_tasks(model: PreTrainedModel) -> None:
    """Take away every head but the main one."""
    if isinstance(model.head, TaskHeads):
        model.head = model.head.main
