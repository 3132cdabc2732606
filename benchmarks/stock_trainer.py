"""The stock way: the `Trainer` as it comes, around the network, objective and optimiser that insula trains.

So what differs is the training itself: batches, padding, format of products, dropout's kernel, order of rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from insula.core.decision import DecisionRule
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.pretrained import locate_encoder
from insula.models.quiet import silence_transformers
from insula.text.preparation import Preparation
from insula.training.families.encoder import EncoderOptions, choose_encoder_steps
from insula.training.fitting import Rows
from insula.training.neural.optimisers import build_optimiser
from insula.training.neural.validation import compute_validation_score
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import choose_objective
from insula.training.recipe.recipe import Recipe


def train_stock(data: Dataset, recipe: Recipe, folder: Path, *, by_length: bool) -> EncoderForEmotion:
    """Train on a multi-label set with the recipe's network, objective, optimiser, epochs, batch size and evaluations.

    Batches are random, or of like length by the trainer's own grouping; each evaluation is scored as insula's are.
    Returns the trained model.
    """
    model, options = recipe.model, recipe.train
    if not isinstance(model, EncoderOptions):
        raise TypeError(f"The recipe of train_stock must be of the family 'encoder'. Got {model.name!r}.")
    set_seed(recipe.seed)
    train, validation = (
        _rows(data, split, Preparation(steps=choose_encoder_steps(model))) for split in ("train", "validation")
    )
    objective = choose_objective(recipe.objective, data.scheme, train)
    encoder = locate_encoder(model.base, model.revision)
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    with silence_transformers():
        network = EncoderForEmotion.from_backbone(
            encoder,
            outputs=data.scheme.output_count,
            pooling=model.pooling,
            dropout=model.dropout,
            head=objective.head,
        )
    network.head.set_base_rates(objective.biases(train.gold, train.weights))
    every = max(1, -(-len(train.texts) // options.batch_size) // options.evaluations_per_epoch)
    trainer = Trainer(
        model=network,
        args=TrainingArguments(
            output_dir=str(folder / "checkpoints"),
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            per_device_eval_batch_size=128,
            learning_rate=options.learning_rate,
            warmup_steps=options.warmup,
            lr_scheduler_type=options.schedule,
            max_grad_norm=options.max_gradient_norm,
            train_sampling_strategy="group_by_length" if by_length else "random",
            eval_strategy="steps",
            eval_steps=every,
            save_steps=every,
            save_total_limit=2,
            load_best_model_at_end=True,
            metric_for_best_model="eval_macro_f1",
            seed=recipe.seed,
            use_cpu=True,
            disable_tqdm=True,
            report_to=[],
            label_names=["labels"],
        ),
        train_dataset=_tokens(train, tokenizer, model.max_tokens),
        eval_dataset=_tokens(validation, tokenizer, model.max_tokens),
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_loss_func=_loss(objective),
        compute_metrics=_score(data),
    )
    trainer.optimizer = build_optimiser(network, set(trainer.get_decay_parameter_names(network)), options)
    trainer.remove_callback(PrinterCallback)
    with silence_transformers():
        trainer.train()
    return network


def matrix_parameters(network: Any) -> int:
    """Return the numbers in the matrices that every token is multiplied by: those of the layers, not the embeddings."""
    backbone = network.base_model
    return sum(parameter.numel() for parameter in backbone.encoder.parameters() if parameter.ndim == 2)


def _rows(data: Dataset, split: str, prepare: Preparation) -> Rows:
    examples = data.split(split)
    texts = prepare.prepare_all([example.text for example in examples])
    return Rows(texts, build_gold_matrix(data.scheme, examples), np.ones(len(texts)))


def _tokens(rows: Rows, tokenizer: Any, most: int) -> list[dict[str, Any]]:
    tokens = tokenizer(rows.texts, truncation=True, max_length=most)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": labels}
        for ids, mask, labels in zip(
            tokens["input_ids"], tokens["attention_mask"], rows.gold.astype(np.float32).tolist(), strict=True
        )
    ]


def _loss(objective: Objective) -> Any:
    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        mean: torch.Tensor = objective.loss(outputs.logits, labels).mean()
        return mean

    return loss


def _score(data: Dataset) -> Any:
    def score(outputs: EvalPrediction) -> dict[str, float]:
        name, value = compute_validation_score(
            data.scheme, DecisionRule(), np.asarray(outputs.predictions), np.asarray(outputs.label_ids, np.float64)
        )
        return {name: value}

    return score
