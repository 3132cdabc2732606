"""Trains a network of any architecture: sets up the trainer and its callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    TrainerCallback,
    TrainingArguments,
)
from transformers.integrations import TensorBoardCallback

from insula.core.decision import DecisionRule
from insula.core.scheme import LabelScheme
from insula.evaluation.metrics.metric_names import get_headline_metric
from insula.models.quiet import silence_transformers
from insula.training.fitting import RunContext, TrainingPlan
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows
from insula.training.neural.checkpoints import find_last_checkpoint
from insula.training.neural.processes import count_processes
from insula.training.neural.quick_dropout import use_plain_attention, use_quick_dropout
from insula.training.neural.task_batches import build_training_batches
from insula.training.neural.trainer import (
    AverageUpdater,
    EarlyStopping,
    EmotionTrainer,
    ProgressReporter,
    ScoreReporter,
    read_history,
)
from insula.training.neural.validation import compute_validation_score

_NEARLY_ONE = math.nextafter(
    1.0, 0.0
)  # transformers reads a warm-up of 1 or more as a number of steps, below 1 as a share


@dataclass(frozen=True)
class TrainedNetwork:
    """The result of training a network.

    history  figures by step
    facts    entries for the metrics of the run
    seconds_before   time that a resumed run had spent before the interruption
    """

    history: list[dict[str, float]]
    facts: dict[str, Any]
    seconds_before: float


def train_network(
    model: PreTrainedModel,
    train: TokenRows,
    validation: TokenRows | None,
    terms: LossTerms,
    plan: TrainingPlan,
    run: RunContext,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainedNetwork:
    """Train `model` in place; afterwards it has its best weights on validation and is in evaluation mode.

    Checkpoints are written to `run.checkpoints`, TensorBoard logs to `logs` in `run.folder`.
    """
    terms.attach(model)
    use_quick_dropout(model)
    used = [
        ProgressReporter(run.progress), TensorBoardCallback(SummaryWriter(str(run.folder / "logs"))), *callbacks,
        *run.callbacks,
    ]  # fmt: skip
    if validation is not None:
        used.append(EarlyStopping(plan.train.patience))
        used.append(ScoreReporter(run.report, get_headline_metric(plan.scheme.kind)))
    batches = len(build_training_batches(train, plan.train.batch_size, seed=run.seed))
    trainer = EmotionTrainer(
        model=model,
        args=_build_arguments(plan, run, batches, validated=validation is not None),
        train_dataset=train,
        eval_dataset=validation,
        compute_metrics=None if validation is None else _create_scorer(plan.scheme),
        terms=terms,
        options=plan.train,
        callbacks=used,
    )
    trainer.remove_callback(PrinterCallback)
    if trainer.average is not None:
        trainer.add_callback(AverageUpdater(trainer.average))
    checkpoint = find_last_checkpoint(run.checkpoints) if run.resume else None
    if checkpoint is not None:
        trainer.restore_from(checkpoint)
    with silence_transformers(), use_plain_attention(model, longest=max(train.lengths)):
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trainer.use_averaged_weights()
    terms.detach(model)
    model.eval()
    return TrainedNetwork(
        history=read_history(trainer.state.log_history, plan.train.epochs),
        facts={
            "precision": str(trainer.precision).removeprefix("torch."),
            "rows": len(train),
            "truncated_rows": train.truncated,
        },
        seconds_before=trainer.seconds_before,
    )


def _create_scorer(scheme: LabelScheme) -> Callable[[EvalPrediction], dict[str, float]]:
    def score(outputs: EvalPrediction) -> dict[str, float]:
        targets = np.asarray(outputs.label_ids, dtype=np.float64)
        gold = np.concatenate([1 - targets, targets], axis=1) if scheme.kind == "binary" else targets
        name, value = compute_validation_score(scheme, DecisionRule(), np.asarray(outputs.predictions), gold)
        return {name: value}

    return score


def _build_arguments(plan: TrainingPlan, run: RunContext, batches: int, *, validated: bool) -> TrainingArguments:
    options = plan.train
    steps_per_epoch = -(-batches // options.accumulation)
    every = max(1, steps_per_epoch // options.evaluations_per_epoch)
    chosen_by: dict[str, Any] = {}
    if validated:
        chosen_by = {
            "eval_strategy": "steps",
            "eval_steps": every,
            "load_best_model_at_end": True,
            "metric_for_best_model": f"eval_{get_headline_metric(plan.scheme.kind)}",
            "greater_is_better": True,
        }
    return TrainingArguments(
        output_dir=str(run.checkpoints),
        use_cpu=count_processes() > 1 and not torch.cuda.is_available(),  # else all processes would look for GPUs
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        gradient_accumulation_steps=options.accumulation,
        activation_checkpointing=options.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        learning_rate=options.learning_rate,
        max_grad_norm=options.max_gradient_norm,
        lr_scheduler_type={"constant": "constant_with_warmup"}.get(options.schedule, options.schedule),
        warmup_steps=min(options.warmup, _NEARLY_ONE),
        logging_steps=max(1, min(50, steps_per_epoch // 10)),
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        seed=run.seed,
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        report_to=[],
        **chosen_by,
    )
