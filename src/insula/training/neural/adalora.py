"""The rank allocation of AdaLoRA between steps (Zhang et al. 2023, algorithm 1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# The budget is full in the first tenth of the steps and has its final size in the last three tenths.
BEFORE, AFTER = 0.1, 0.3
ALLOCATIONS = 100  # at most, in a training
ORTHOGONALITY = 0.1  # gamma of the paper's equation 4, as in its experiments


class RankState(nn.Module):
    """The allocator's moving averages as buffers of the trained model, so that every checkpoint holds them."""

    def __init__(self, tuner: Any) -> None:
        super().__init__()
        self.names = [name for name, _ in _find_low_rank(tuner)]
        for number, (_, parameter) in enumerate(_find_low_rank(tuner)):
            for kind in ("importance", "uncertainty"):
                self.register_buffer(f"{kind}_{number}", torch.zeros_like(parameter))

    def copy_to_allocator(self, allocator: Any) -> None:
        """Copy the averages to peft's allocator."""
        for number, name in enumerate(self.names):
            allocator.exp_avg_ipt[name] = self.get_buffer(f"importance_{number}").clone()
            allocator.exp_avg_unc[name] = self.get_buffer(f"uncertainty_{number}").clone()
            allocator.ipt[name] = torch.zeros_like(allocator.exp_avg_ipt[name])

    def from_allocator(self, allocator: Any) -> None:
        """Copy the averages from peft's allocator, which drops them once the ranks are final."""
        for number, name in enumerate(self.names):
            if name in allocator.exp_avg_ipt:
                self.get_buffer(f"importance_{number}").copy_(allocator.exp_avg_ipt[name])
                self.get_buffer(f"uncertainty_{number}").copy_(allocator.exp_avg_unc[name])


class RankReallocation(TrainerCallback):
    """Keeps the singular vectors of the updates orthogonal and reallocates the rank budget after each step.

    `state` is a module of the trained model, so that checkpoints hold it for resumed runs.
    """

    def __init__(self, tuner: Any, state: RankState) -> None:
        self.tuner = tuner
        self.rank_state = state
        self.restored = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Set the schedule of the budget for the number of steps."""
        config = self.tuner.rankallocator.peft_config
        config.total_step = state.max_steps
        config.tinit, config.tfinal = int(BEFORE * state.max_steps), int(AFTER * state.max_steps)
        config.deltaT = max(1, state.max_steps // ALLOCATIONS)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Add the gradient of `gamma * mean(||P^T P - I|| + ||Q Q^T - I||)` to the gradient of the loss."""
        if not self.restored:
            self._restore(state.global_step)
        parameters, distances = [], []
        for name, parameter in _find_low_rank(self.tuner):
            if "lora_E" not in name:
                vectors = parameter if "lora_A" in name else parameter.T
                distances.append(torch.linalg.matrix_norm(vectors @ vectors.T - torch.eye(len(vectors)).to(vectors)))
                parameters.append(parameter)
        penalty = ORTHOGONALITY * torch.stack(distances).mean()
        # Not `backward`: that would trigger the hooks that average gradients over processes.
        for parameter, gradient in zip(parameters, torch.autograd.grad(penalty, parameters), strict=True):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Reallocate the ranks while the gradients of the step are available."""
        allocator, step = self.tuner.rankallocator, state.global_step + 1
        self.tuner.update_and_allocate(step)
        self.rank_state.from_allocator(allocator)

    def _restore(self, done: int) -> None:
        """Restore the state of a checkpoint before the first step."""
        allocator = self.tuner.rankallocator
        config = allocator.peft_config
        self.rank_state.copy_to_allocator(allocator)
        if done >= config.total_step - config.tfinal:
            # The checkpoint lacks the final pattern, but masked ranks are zero in it.
            config.rank_pattern = {
                name: (parameter != 0).flatten().tolist()
                for name, parameter in _find_low_rank(self.tuner) if "lora_E" in name
            }  # fmt: skip
        self.restored = True


def _find_low_rank(tuner: Any) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in tuner.model.named_parameters() if "lora_" in name]
