"""The term `tasks`: multi-task training with a head for each auxiliary set (Caruana 1997), dropped afterwards.

All rows of a batch belong to one task, so that losses over whole batches work.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from insula.models.layers.heads import heads as known_heads
from insula.training.loss_terms.term import Batch, LossTerm, Outputs, TermInput
from insula.training.objectives.registry import build_targets, choose_objective
from insula.training.options.objective import ObjectiveOptions


class TaskHeads(nn.Module):
    """The main head and the heads of the other tasks: their logits are concatenated in training.

    At evaluation only the main head is used, as in the model folder.
    """

    def __init__(self, main: nn.Module, others: list[nn.Module]) -> None:
        super().__init__()
        self.main = main
        self.others = nn.ModuleList(others)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        main: torch.Tensor = self.main(pooled)
        # All heads run on every batch, so that each parameter has a gradient in every process.
        return torch.cat([main, *(head(pooled) for head in self.others)], dim=1) if self.training else main


def build(term_input: TermInput) -> LossTerm | None:
    """Return the objective of each task on its head, weighted by `auxiliary.weight`; None without tasks."""
    tasks = term_input.rows.tasks
    if not tasks:
        return None
    objectives = [choose_objective(ObjectiveOptions(), task.scheme) for task in tasks]

    def loss(batch: Batch, outputs: Outputs) -> torch.Tensor | None:
        if batch.task == 0:
            return None
        number = batch.task - 1
        return objectives[number].loss(outputs.of_head("tasks", number), batch.targets)

    def attach(model: Any) -> None:
        heads: list[nn.Module] = []
        for task, objective in zip(tasks, objectives, strict=True):
            main, outputs = model.head, task.scheme.output_count
            head = known_heads[objective.head](main.output.in_features, outputs, main.dropout.p)
            head.set_base_rates(objective.biases(build_targets(task.scheme, task.rows.gold), task.rows.weights))
            heads.append(head)
        model.head = TaskHeads(model.head, heads)

    def detach(model: Any) -> None:
        model.head = model.head.main

    return LossTerm(
        "tasks",
        loss,
        weight=term_input.plan.auxiliary.weight,
        every_task=True,
        added_outputs=[task.scheme.output_count for task in tasks],
        attach=attach,
        detach=detach,
    )
