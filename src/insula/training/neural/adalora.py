"""What AdaLoRA does between steps: ranks go where they matter most (Zhang et al. 2023, algorithm 1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# The budget stays whole over the first tenth of the steps and at its final size over the last three.
BEFORE, AFTER = 0.1, 0.3
ALLOCATIONS = 100  # at most so many times in a training
ORTHOGONALITY = 0.1  # gamma of the paper's equation 4, as in its experiments


class RankState(nn.Module):
    """The allocator's moving averages as buffers of the trained model, so that every checkpoint holds them."""

    def __init__(self, tuner: Any) -> None:
        super().__init__()
        self.names = [name for name, _ in _low_rank(tuner)]
        for number, (_, parameter) in enumerate(_low_rank(tuner)):
            for kind in ("importance", "uncertainty"):
                self.register_buffer(f"{kind}_{number}", torch.zeros_like(parameter))

    def to_allocator(self, allocator: Any) -> None:
        """Give the averages to peft's allocator."""
        for number, name in enumerate(self.names):
            allocator.exp_avg_ipt[name] = self.get_buffer(f"importance_{number}").clone()
            allocator.exp_avg_unc[name] = self.get_buffer(f"uncertainty_{number}").clone()
            allocator.ipt[name] = torch.zeros_like(allocator.exp_avg_ipt[name])

    def from_allocator(self, allocator: Any) -> None:
        """Take the averages from peft's allocator, which forgets them once the ranks are final."""
        for number, name in enumerate(self.names):
            if name in allocator.exp_avg_ipt:
                self.get_buffer(f"importance_{number}").copy_(allocator.exp_avg_ipt[name])
                self.get_buffer(f"uncertainty_{number}").copy_(allocator.exp_avg_unc[name])


class AllocateRanks(TrainerCallback):
    """Keeps the updates' singular vectors orthogonal and, after each step, allocates the budget of ranks anew.

    `state` is a module of the trained model, by which an interrupted run goes on alike.
    """

    def __init__(self, tuner: Any, state: RankState) -> None:
        self.tuner = tuner
        self.rank_state = state
        self.restored = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Lay the budget's schedule over the steps there will be."""
        config = self.tuner.rankallocator.peft_config
        config.total_step = state.max_steps
        config.tinit, config.tfinal = int(BEFORE * state.max_steps), int(AFTER * state.max_steps)
        config.deltaT = max(1, state.max_steps // ALLOCATIONS)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Add the gradient of `gamma * mean(||P^T P - I|| + ||Q Q^T - I||)` to the loss's own."""
        if not self.restored:
            self._restore(state.global_step)
        parameters, distances = [], []
        for name, parameter in _low_rank(self.tuner):
            if "lora_E" not in name:
                vectors = parameter if "lora_A" in name else parameter.T
                distances.append(torch.linalg.matrix_norm(vectors @ vectors.T - torch.eye(len(vectors)).to(vectors)))
                parameters.append(parameter)
        penalty = ORTHOGONALITY * torch.stack(distances).mean()
        # Not `backward`: it would set off the hooks by which several processes average their gradients.
        for parameter, gradient in zip(parameters, torch.autograd.grad(penalty, parameters), strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Allocate, while the step's gradients are still there."""
        allocator, step = self.tuner.rankallocator, state.global_step + 1
        self.tuner.update_and_allocate(step)
        self.rank_state.from_allocator(allocator)

    def _restore(self, done: int) -> None:
        """Take up what a checkpoint kept, before the first step moves anything."""
        allocator = self.tuner.rankallocator
        config = allocator.peft_config
        self.rank_state.to_allocator(allocator)
        if done >= config.total_step - config.tfinal:
            # The final pattern is not in the checkpoint, but what it masked is zero there.
            config.rank_pattern = {
                name: (parameter != 0).flatten().tolist()
                for name, parameter in _low_rank(self.tuner) if "lora_E" in name
            }  # fmt: skip
        self.restored = True


def _low_rank(tuner: Any) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in tuner.model.named_parameters() if "lora_" in name]
