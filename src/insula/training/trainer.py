"""The neural trainer: Hugging Face's `Trainer` with example weights, a faster head and batches of like length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from insula.core.progress import Progress
from insula.training.batches import LengthGroups, TokenRows, collate
from insula.training.objectives import Objective


class EmotionTrainer(Trainer):
    """Trains any model that gives `.logits` and has a `head`, by one of our objectives.

    The loss of a batch is the weighted mean of its rows' losses. Biases and norms are free of weight decay; the head's
    parameters learn `head_rate_factor` times faster than the rest.
    """

    def __init__(self, *args: Any, objective: Objective, head_rate_factor: float, **kwargs: Any) -> None:
        super().__init__(*args, data_collator=collate, **kwargs)
        self.objective = objective
        self.head_rate_factor = head_rate_factor
        self.model_accepts_loss_kwargs = False
        self.optimizer: torch.optim.Optimizer | None

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Return the weighted mean of the rows' losses, and the outputs where they are asked for."""
        inputs = dict(inputs)
        wanted, weights = inputs.pop("labels"), inputs.pop("weights")
        outputs = model(**inputs)
        losses = self.objective.loss(outputs.logits.float(), wanted)
        loss = (losses * weights).sum() / weights.sum().clamp(min=1e-8)
        return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return AdamW (Loshchilov and Hutter 2019) over four groups: head or not, decayed or not."""
        if self.optimizer is None:
            trained = self.model if model is None else model
            decayed = set(self.get_decay_parameter_names(trained))
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in trained.named_parameters():
                if parameter.requires_grad:
                    groups.setdefault((name.startswith("head."), name in decayed), []).append(parameter)
            settings = [
                {
                    "params": parameters,
                    "lr": self.args.learning_rate * (self.head_rate_factor if head else 1.0),
                    "weight_decay": self.args.weight_decay if decay else 0.0,
                }
                for (head, decay), parameters in groups.items()
            ]
            self.optimizer = torch.optim.AdamW(settings, lr=self.args.learning_rate, fused=True)
        return self.optimizer

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler[int]:
        rows: TokenRows = self.train_dataset if train_dataset is None else train_dataset
        return LengthGroups(self.args.train_batch_size, rows.lengths, self.args.seed)

    def _get_eval_sampler(self, eval_dataset: TokenRows) -> torch.utils.data.Sampler[int]:
        return LengthGroups(self.args.eval_batch_size, eval_dataset.lengths, self.args.seed)


class ShowProgress(TrainerCallback):
    """Tells how far training is, in steps, with the running loss and validation score."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.figures: dict[str, float] = {}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Draw the bar; a resumed run starts where it stopped."""
        self.progress.start("training", total=state.max_steps)
        self.progress.advance(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Go on by one step."""
        self.progress.advance(1, **self.figures)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        """Keep the newest loss and validation score beside the bar."""
        shown = {"loss": "loss", "eval_macro_f1": "validation macro-F1", "eval_pearson": "validation Pearson"}
        self.figures |= {shown[name]: value for name, value in logs.items() if name in shown}

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the bar."""
        self.progress.finish()


class ReportScores(TrainerCallback):
    """Tells step and validation score at each evaluation; what `report` raises ends the training."""

    def __init__(self, report: Callable[[int, float], None], metric: str) -> None:
        self.report = report
        self.metric = metric

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: dict[str, float], **_: Any
    ) -> None:
        """Report the score."""
        self.report(state.global_step, metrics[f"eval_{self.metric}"])


def history(log: list[dict[str, Any]], epochs: float) -> list[dict[str, float]]:
    """Return the trainer's log as rows of figures: step, epoch, loss, learning_rate, validation_*."""
    rows = []
    for entry in log:
        row = {"step": float(entry["step"]), "epoch": min(float(entry.get("epoch", 0.0)), epochs)}
        for name, value in entry.items():
            if name in ("loss", "learning_rate"):
                row[name] = float(value)
            elif name.startswith("eval_") and not name.endswith(("runtime", "per_second", "model_preparation_time")):
                row["validation_" + name.removeprefix("eval_")] = float(value)
        if len(row) > 2:
            rows.append(row)
    return rows
