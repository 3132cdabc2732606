"""Shared by the fitters of neural families: tokenise rows, save a trained network to a model folder."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from insula.core.scheme import LabelScheme
from insula.inference.token_backend import run_in_batches
from insula.models.onnx.export import export_onnx
from insula.models.quiet import silence_transformers
from insula.models.tokens.tokenization import TextTokenizer, write_settings
from insula.text.context import Segments
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, Task, TrainingPlan
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows, count_epoch_rows
from insula.training.neural.task_batches import count_rows_per_epoch
from insula.training.neural.train_network import TrainedNetwork
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import build_targets

VOCABULARY_SAMPLE = 1000
MAX_UNKNOWN_SHARE = 0.05  # of tokens; above it the vocabulary is for another language or script


def get_tokenizer_folder(run: RunContext) -> Path:
    """Return the folder of the tokenizer files during training; removed when the run is finished."""
    return run.folder / "tokenizer"


def build_token_rows(
    plan: TrainingPlan, rows: PreparedRows, tokenizer: TextTokenizer, terms: LossTerms
) -> tuple[TokenRows, TokenRows | None]:
    """Return tokenised training and validation rows; training rows have the columns and views of the loss terms."""
    train, validation = _tokenize_rows(plan.scheme, rows.train, tokenizer), None
    train.columns, train.epoch = terms.columns, rows.train.epoch
    train.views = {name: tokenizer(texts) for name, texts in terms.views.items()}
    if (task := rows.train.task) is not None:
        train.task, train.targets = task, _group_targets(task, build_targets(plan.scheme, rows.train.gold), rows.tasks)
        main, *others = np.bincount(task, minlength=1 + len(rows.tasks)).tolist()
        main = main if train.epoch is None else count_epoch_rows(train.epoch[task == 0])
        train.epoch_rows = count_rows_per_epoch(main, others, plan.auxiliary.alpha)
    if rows.validation is not None:
        validation = _tokenize_rows(plan.scheme, rows.validation, tokenizer)
    return train, validation


def _tokenize_rows(scheme: LabelScheme, rows: Rows, tokenizer: TextTokenizer) -> TokenRows:
    read = tokenizer.read(rows.texts)
    tokens = [row.windows[0] for row in read]
    return TokenRows(
        tokens, build_targets(scheme, rows.gold), rows.weights, truncated=sum(row.truncated for row in read)
    )


def _group_targets(
    task: NDArray[np.intp], main: NDArray[np.float64], others: Sequence[Task]
) -> list[NDArray[np.float64]]:
    """Return the targets of each row in the label scheme of its task."""
    by_row = list(main)
    for number, one in enumerate(others, start=1):
        own = build_targets(one.scheme, one.rows.gold)
        for row, target in zip(np.flatnonzero(task == number), own, strict=True):
            by_row[row] = target
    return by_row


def set_base_rates(model: PreTrainedModel, objective: Objective, plan: TrainingPlan, train: Rows) -> None:
    """Initialise the biases of the head with the label frequencies of the training rows."""
    model.head.set_base_rates(objective.biases(build_targets(plan.scheme, train.gold), train.labelled_weights))


def build_fitted_network(
    plan: TrainingPlan,
    run: RunContext,
    model: PreTrainedModel,
    tokenizer: TextTokenizer,
    trained: TrainedNetwork,
    *,
    base: str | None,
    untrained: Callable[[], PreTrainedModel] | None,
    trainable: int | None = None,
    save_adapter: Callable[[Path], None] | None = None,
    backend: str = "onnx",
    shares_weights: bool = False,
) -> Fitted:
    """Return a trained network as `Fitted`.

    trained    history and facts of its training
    base       the pretrained network that it started from
    untrained  builds the network before training, for the baseline `untrained`; None if it started from a trained base
    trainable  number of trained parameters, None for all
    save_adapter    writes the adapter without its base; None for a complete model
    backend    the inference backend of a complete model
    shares_weights  whether `model.onnx` reads its weights from `model.safetensors`
    """
    outputs = plan.scheme.output_count

    def save(folder: Path) -> None:
        with silence_transformers():
            if save_adapter is not None:
                save_adapter(folder)
            else:
                model.save_pretrained(folder)
                weights = folder / "model.safetensors" if shares_weights else None
                export_onnx(model, folder / "model.onnx", weights=weights)
        for file in get_tokenizer_folder(run).iterdir():
            shutil.copy2(file, folder / file.name)
        write_settings(folder, max_tokens=tokenizer.max_tokens, outputs=outputs)

    def compute_untrained_logits(
        build: Callable[[], PreTrainedModel], texts: Sequence[Segments]
    ) -> NDArray[np.float32]:
        network = build().eval()
        network.head.randomise(run.seed)
        return run_in_batches(tokenizer(texts), outputs, _build_runner(network))

    return Fitted(
        save=save,
        backend=backend if save_adapter is None else "torch",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trainable=trainable,
        base=base,
        history=trained.history,
        untrained=None if untrained is None else functools.partial(compute_untrained_logits, untrained),
        facts=trained.facts,
        seconds_before=trained.seconds_before,
    )


def _build_runner(network: PreTrainedModel) -> Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]:
    @torch.inference_mode()
    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = network(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
        return logits

    return run
