"""The neural trainer: Hugging Face's `Trainer` with loss terms, example weights, optimisers and even batches."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from insula.core.progress import Progress
from insula.training.loss_terms.term import Batch
from insula.training.loss_terms.total import LossTerms, TermMeans
from insula.training.neural.batches import BudgetBatches, EpochLoader, TokenRows, collate
from insula.training.neural.checkpoints import AtomicCheckpoints
from insula.training.neural.optimisers import build_optimiser
from insula.training.neural.precision import choose_precision
from insula.training.neural.task_batches import build_training_batches
from insula.training.neural.weight_average import MovingAverage
from insula.training.options.sections import TrainOptions


class EmotionTrainer(AtomicCheckpoints):
    """Trains any model that returns `.logits` and has a `head`, minimising the sum of loss terms.

    The loss of an update is the weighted mean over its rows, independent of the number of batches and processes; the
    mean of each term is logged too. Biases and norms have no weight decay; the head may have a higher learning rate,
    lower layers a lower one.
    """

    def __init__(self, *args: Any, terms: LossTerms, options: TrainOptions, **kwargs: Any) -> None:
        super().__init__(*args, data_collator=collate, **kwargs)
        self.terms = terms
        self.term_means = TermMeans(terms.terms)
        self.options = options
        self.precision = choose_precision(options.precision)
        self.average = MovingAverage(self.model, options.averaging) if options.averaging else None
        self.model_accepts_loss_kwargs = (
            True  # `compute_loss` divides by the total weight that `get_batch_samples` returns
        )
        self.evaluated: list[tuple[torch.Tensor, torch.Tensor]] = []  # mean loss and weight of each batch
        self.optimizer: torch.optim.Optimizer | None

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """Return the weighted mean of the rows' losses, and the outputs if `return_outputs`.

        num_items_in_batch  the total weight of the rows of the update; None: of the rows of this batch. Evaluation
                            ignores it: there the `Trainer` counts cells of the label matrix, not rows, and
                            `evaluation_loop` computes the mean
        """
        batch = Batch.of(inputs)
        network = self.terms.network(model, training=model.training, context=self._enter_autocast)
        if not model.training:
            outputs = network(batch.inputs)
            loss = _average(self.terms.compute_validation_loss(batch, outputs), batch.weights, batch.weights.sum())
            return (loss, {"loss": loss, "logits": outputs.logits}) if return_outputs else loss
        losses, by_term = self.terms.compute_training_loss(batch, network)
        if len(self.terms.terms) > 1:  # a single term is the loss itself
            self.term_means.add(batch, by_term)
        return _average(
            losses, batch.weights, batch.weights.sum() if num_items_in_batch is None else num_items_in_batch
        )

    def _enter_autocast(self) -> torch.autocast:
        return torch.autocast(self.args.device.type, dtype=torch.bfloat16, enabled=self.precision is not torch.float32)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the loss and the mean of each term."""
        if "loss" in logs:
            logs |= self.term_means.take(lambda sums: self.accelerator.reduce(sums, "sum"))
        super().log(logs, start_time)

    def get_batch_samples(
        self, epoch_iterator: Iterator[dict[str, Any]], num_batches: int, device: torch.device
    ) -> tuple[list[dict[str, Any]], torch.Tensor]:
        """Return the batches of the next update and the total weight of its rows, averaged over processes."""
        given = list(itertools.islice(epoch_iterator, num_batches))
        total = torch.stack([batch["weights"].sum() for batch in given]).sum().to(device)
        # Gradients are averaged over processes, so the divisor must be too.
        return given, self.accelerator.reduce(total, "mean")

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return the recipe's optimiser over groups of parameters with equal rate and decay."""
        if self.optimizer is None:
            trained = self.model if model is None else model
            self.optimizer = build_optimiser(trained, set(self.get_decay_parameter_names(trained)), self.options)
        return self.optimizer

    def get_train_dataloader(self) -> EpochLoader:
        """Return the batches of this process, of similar length and with about the same number of tokens."""
        batches = build_training_batches(
            self.train_dataset,
            self.options.batch_size,
            seed=self.args.seed,
            process=self.args.process_index,
            processes=self.args.world_size,
        )
        return EpochLoader(self.train_dataset, batch_sampler=batches, collate_fn=collate)

    def get_eval_dataloader(self, eval_dataset: TokenRows | None = None) -> Any:
        """Return the same batches as for prediction; each process gets all of them, so that scores agree."""
        rows: TokenRows = self.eval_dataset if eval_dataset is None else eval_dataset
        loader = DataLoader(rows, batch_sampler=BudgetBatches(rows.lengths), collate_fn=collate)
        return loader if self.args.world_size > 1 else self.accelerator.prepare(loader)

    def prediction_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Return loss, logits and labels of a batch; store its loss and weight."""
        step = super().prediction_step(model, inputs, *args, **kwargs)
        self.evaluated.append((step[0], inputs["weights"].sum()))
        return step

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; the loss is the weighted mean over rows, while the `Trainer` averages over batches."""
        self.evaluated.clear()
        output = super().evaluation_loop(*args, **kwargs)
        # With several processes, losses are on the GPU and weights are not.
        losses, loads = (torch.stack(column).cpu().double() for column in zip(*self.evaluated, strict=True))
        mean = float((losses * loads).sum() / loads.sum().clamp(min=1e-8))
        output.metrics.update({name: mean for name in output.metrics if name.endswith("_loss")})
        return output

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate the averaged weights if there is an average, else the current weights."""
        with contextlib.nullcontext() if self.average is None else self.average.in_place():
            measured: dict[str, float] = super().evaluate(*args, **kwargs)
        return measured

    def add_to_checkpoint(self, folder: Path) -> None:
        """Write the average too."""
        super().add_to_checkpoint(folder)
        if self.average is not None:
            self.average.save(folder)

    def restore_from(self, checkpoint: Path) -> None:
        """Restore the state that `add_to_checkpoint` wrote."""
        super().restore_from(checkpoint)
        if self.average is not None:
            self.average.load(checkpoint)

    def use_averaged_weights(self) -> None:
        """Replace the weights by their average; if a best checkpoint was chosen, by its average."""
        if self.average is not None:
            if self.state.best_model_checkpoint is not None:
                self.average.load(Path(self.state.best_model_checkpoint))
            self.average.exchange()


def _average(losses: torch.Tensor, weights: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    return (losses * weights).sum() / total.clamp(min=1e-8)


class EarlyStopping(TrainerCallback):
    """Stops after `patience` evaluations without a better score, or the same score at a lower loss.

    On a small set a network trained from scratch predicts the most frequent label in its first epochs: its score does
    not change while its loss falls. Evaluations are counted in the log, which resumed runs have too.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Stop a resumed run at once if its patience was exhausted."""
        self._stop_if_exhausted(args, state, control)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Stop if the patience is exhausted."""
        self._stop_if_exhausted(args, state, control)

    def _stop_if_exhausted(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        best, lowest, without_progress = -math.inf, math.inf, 0
        for row in state.log_history:
            if (score := row.get(str(args.metric_for_best_model))) is None:
                continue
            loss = row["eval_loss"]
            better = score > best or (score == best and loss < lowest)
            without_progress = 0 if better else without_progress + 1
            if better:
                best, lowest = score, loss
        if without_progress >= self.patience:
            control.should_training_stop = True


class AverageUpdater(TrainerCallback):
    """Updates the average of the weights after every update of the trainer."""

    def __init__(self, average: MovingAverage) -> None:
        self.average = average

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Update the average before evaluation and saving."""
        self.average.update(state.global_step)


class ProgressReporter(TrainerCallback):
    """Shows the progress of training in steps, with the running loss and validation score."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.figures: dict[str, float] = {}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the bar; a resumed run starts where it stopped."""
        self.progress.start("training", total=state.max_steps)
        self.progress.skip(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Advance by one step."""
        self.progress.advance(1, **self.figures)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        """Show the latest loss and validation score next to the bar."""
        shown = {"loss": "loss", "eval_macro_f1": "validation macro-F1", "eval_pearson": "validation Pearson"}
        self.figures |= {shown[name]: value for name, value in logs.items() if name in shown}

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the bar."""
        self.progress.finish()


class ScoreReporter(TrainerCallback):
    """Reports step and validation score at each evaluation; an exception of `report` ends the training."""

    def __init__(self, report: Callable[[int, float], None], metric: str) -> None:
        self.report = report
        self.metric = metric

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: dict[str, float], **_: Any
    ) -> None:
        """Report the score."""
        self.report(state.global_step, metrics[f"eval_{self.metric}"])


def read_history(log: list[dict[str, Any]], epochs: float) -> list[dict[str, float]]:
    """Return the log of the trainer as dictionaries: step, epoch, loss, loss/TERM, learning_rate, validation_*."""
    rows = []
    for entry in log:
        row = {"step": float(entry["step"]), "epoch": min(float(entry.get("epoch", 0.0)), epochs)}
        for name, value in entry.items():
            if name in ("loss", "learning_rate") or name.startswith("loss/"):
                row[name] = float(value)
            elif name.startswith("eval_") and not name.endswith(("runtime", "per_second", "model_preparation_time")):
                row["validation_" + name.removeprefix("eval_")] = float(value)
        if len(row) > 2:
            rows.append(row)
    return rows
