"""The stock way: `AutoModelForSequenceClassification` and the `Trainer` as they come, on the texts insula prepares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from insula.core.decision import DecisionRule
from insula.core.targets import gold_matrix
from insula.data.dataset import Dataset
from insula.models.pretrained import locate_encoder
from insula.models.quiet import quiet_transformers
from insula.text.preparation import Preparation
from insula.training.encoder_family import EncoderOptions, encoder_steps
from insula.training.options import TrainOptions
from insula.training.validation import validation_score


def train_stock(
    data: Dataset, model: EncoderOptions, options: TrainOptions, folder: Path, *, seed: int, by_length: bool
) -> Any:
    """Train on a multi-label set with the recipe's encoder, rate, epochs, batch size and number of evaluations.

    Batches are random, or of like length by the trainer's own grouping; each evaluation is scored as insula's are.
    Returns the trained model.
    """
    set_seed(seed)
    encoder = locate_encoder(model.base, model.revision)
    prepare = Preparation(steps=encoder_steps(model))
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    rows = {split: _rows(data, split, prepare, tokenizer, model.max_tokens) for split in ("train", "validation")}
    with quiet_transformers():
        network = AutoModelForSequenceClassification.from_pretrained(
            encoder,
            num_labels=len(data.scheme.names),
            problem_type="multi_label_classification",
            dtype=torch.float32,
        )
    every = max(1, -(-len(rows["train"]) // options.batch_size) // options.evaluations_per_epoch)
    trainer = Trainer(
        model=network,
        args=TrainingArguments(
            output_dir=str(folder / "checkpoints"),
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            per_device_eval_batch_size=128,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            warmup_steps=options.warmup,
            lr_scheduler_type=options.schedule,
            train_sampling_strategy="group_by_length" if by_length else "random",
            eval_strategy="steps",
            eval_steps=every,
            save_steps=every,
            save_total_limit=2,
            load_best_model_at_end=True,
            metric_for_best_model="eval_macro_f1",
            seed=seed,
            use_cpu=True,
            disable_tqdm=True,
            report_to=[],
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_metrics=_score(data),
    )
    trainer.remove_callback(PrinterCallback)
    with quiet_transformers():
        trainer.train()
    return network


def matrix_parameters(network: Any) -> int:
    """Return the numbers in the matrices that every token is multiplied by: those of the layers, not the embeddings."""
    backbone = network.base_model
    return sum(parameter.numel() for parameter in backbone.encoder.parameters() if parameter.ndim == 2)


def _rows(data: Dataset, split: str, prepare: Preparation, tokenizer: Any, most: int) -> list[dict[str, Any]]:
    examples = data.split(split)
    tokens = tokenizer(prepare.many([example.text for example in examples]), truncation=True, max_length=most)
    gold = gold_matrix(data.scheme, examples).astype(np.float32).tolist()
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": labels}
        for ids, mask, labels in zip(tokens["input_ids"], tokens["attention_mask"], gold, strict=True)
    ]


def _score(data: Dataset) -> Any:
    def score(outputs: EvalPrediction) -> dict[str, float]:
        name, value = validation_score(
            data.scheme, DecisionRule(), np.asarray(outputs.predictions), np.asarray(outputs.label_ids, np.float64)
        )
        return {name: value}

    return score
