"""The trainer of pretraining: like fine-tuning, with masked tokens as labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import TrainerControl

from insula.inference.batching import iterate_batches
from insula.training.neural.batches import EpochLoader
from insula.training.neural.checkpoints import AtomicCheckpoints
from insula.training.neural.precision import choose_precision
from insula.training.options.pretrain import PretrainOptions
from insula.training.pretraining.masking import HELD_OUT_EPOCH, MaskedRows, NumberedBatches, collate_masked
from insula.training.pretraining.model import compute_masked_loss, list_head_parameters

HEAD_ONLY = 0.1  # share of steps in which only a new head is trained, as its first gradients are noise


class PretrainTrainer(AtomicCheckpoints):
    """Trains a masked language model; the loss on held-out rows with fixed masks selects the best weights."""

    def __init__(self, *args: Any, options: PretrainOptions, fresh_head: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = options
        self.fresh_head = fresh_head
        self.precision = choose_precision(options.precision)
        self.model_accepts_loss_kwargs = False
        self.optimizer: torch.optim.Optimizer | None
        self.lr_scheduler: LambdaLR | None
        self.control: TrainerControl

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Return the mean negative log-likelihood of the masked tokens."""
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.precision is not torch.float32):
            total, count = compute_masked_loss(self.accelerator.unwrap_model(model), inputs)
        return total / max(count, 1)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return AdamW (Loshchilov and Hutter 2019) over four groups: head or encoder, with weight decay or without."""
        if self.optimizer is None:
            head, decayed = list_head_parameters(self.model), set(self.get_decay_parameter_names(self.model))
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in self.model.named_parameters():
                groups.setdefault((name in head, name in decayed), []).append(parameter)
            settings = [
                {"params": parameters, "weight_decay": self.options.weight_decay if decay else 0.0, "head": is_head}
                for (is_head, decay), parameters in groups.items()
            ]
            self.optimizer = torch.optim.AdamW(settings, lr=self.options.learning_rate, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LambdaLR:
        """Return linear warm-up and decay; the encoder starts later than a new head."""
        if self.lr_scheduler is None:
            chosen = self.create_optimizer() if optimizer is None else optimizer
            waits = round(HEAD_ONLY * num_training_steps) if self.fresh_head else 0
            self.lr_scheduler = LambdaLR(
                chosen,
                [
                    _build_schedule(0 if group["head"] else waits, num_training_steps, self.options.warmup)
                    for group in chosen.param_groups
                ],
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def get_train_dataloader(self) -> EpochLoader:
        """Return batches of similar length and about the same number of tokens, masked differently in each epoch."""
        numbered = NumberedBatches(
            self.train_dataset.lengths,
            self.options.batch_size,
            seed=self.args.seed,
            process=self.args.process_index,
            processes=self.args.world_size,
        )
        return EpochLoader(self.train_dataset, batch_sampler=numbered, collate_fn=collate_masked)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return `eval_loss`, the mean negative log-likelihood of the masked tokens of held-out rows."""
        metrics = {"eval_loss": measure_held_out_loss(self.model, self.eval_dataset, self.precision)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def measure_held_out_loss(model: Any, rows: MaskedRows, precision: torch.dtype) -> float:
    """Return the mean negative log-likelihood of masked tokens, with the same masks at every call."""
    first = HELD_OUT_EPOCH * len(rows)
    order = [[first + int(row) for row in some] for some in iterate_batches(rows.lengths)]
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    with (
        torch.inference_mode(),
        torch.autocast(model.device.type, torch.bfloat16, enabled=precision is not torch.float32),
    ):
        for batch in DataLoader(rows, batch_sampler=order, collate_fn=collate_masked):
            loss, hidden = compute_masked_loss(model, {name: tensor.to(model.device) for name, tensor in batch.items()})
            total, count = total + float(loss), count + hidden
    model.train(was_training)
    return total / max(count, 1)


def _build_schedule(waits: int, steps: int, warmup: float) -> Any:
    """Return the factor of the learning rate by step: zero while waiting, then warm-up, then decay to zero."""
    risen = waits + max(1, round(warmup * (steps - waits)))

    def compute_factor(step: int) -> float:
        if step < waits:
            return 0.0
        if step < risen:
            return (step - waits + 1) / (risen - waits + 1)
        return max(0.0, (steps - step) / max(1, steps - risen + 1))

    return compute_factor
