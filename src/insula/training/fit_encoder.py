"""Training the `encoder` family: fine-tuning a pretrained encoder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter
from transformers import (
    AutoTokenizer,
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    TrainingArguments,
    set_seed,
)
from transformers.integrations import TensorBoardCallback

from insula.core.decision import DecisionRule
from insula.core.errors import RecipeError
from insula.core.files import write_json
from insula.core.scheme import LabelScheme
from insula.models.encoder import EncoderForEmotion
from insula.models.layer_split import freeze_lower
from insula.models.onnx_export import export_onnx
from insula.models.padding import pad
from insula.models.pretrained import encoder_errors, locate_encoder
from insula.models.quiet import quiet_transformers
from insula.models.tokenization import TextTokenizer
from insula.training.batches import TokenRows
from insula.training.checkpoints import last_checkpoint
from insula.training.families import FitInput, Fitted, Rows
from insula.training.layer_cache import compute_lower_states
from insula.training.objectives import choose_objective, targets
from insula.training.options import EncoderOptions, TrainOptions
from insula.training.trainer import EmotionTrainer, ShowProgress, history
from insula.training.validation import validation_score

EVALUATION_BATCH = 128


def fit(given: FitInput) -> Fitted:
    """Fine-tune; checkpoints under `folder/checkpoints` let an interrupted run go on."""
    options = given.model
    if not isinstance(options, EncoderOptions):
        raise TypeError(f"The model options of fit_encoder must be EncoderOptions. Got {type(options).__name__}.")
    set_seed(given.seed)
    objective = choose_objective(given.options.objective, given.scheme)
    source = locate_encoder(options.base, options.revision)
    with quiet_transformers():
        model = EncoderForEmotion.from_backbone(
            source, outputs=given.scheme.output_count, pooling=options.pooling, dropout=options.dropout
        )
        tokenizer_files = given.folder / "tokenizer"
        _copy_tokenizer(source, model, tokenizer_files)
    if model.most_tokens is not None and options.max_tokens > model.most_tokens:
        raise RecipeError(
            f"The model.max_tokens option must be at most {model.most_tokens} for this encoder. Got "
            f"{options.max_tokens}. Set model.max_tokens={model.most_tokens}."
        )
    tokenizer = TextTokenizer(tokenizer_files / "tokenizer.json", max_tokens=options.max_tokens)
    wanted = targets(given.scheme, given.train.gold)
    model.head.set_base_rates(objective.biases(wanted, given.train.weights))

    train = _token_rows(given.scheme, given.train, tokenizer)
    validation = None if given.validation is None else _token_rows(given.scheme, given.validation, tokenizer)
    if given.options.freeze_layers:
        lower = freeze_lower(model, given.options.freeze_layers)
        for split, rows in (("train", train), ("validation", validation)):
            if rows is not None:
                file = given.folder / "cache" / f"{split}.states"
                rows.states = compute_lower_states(
                    lower, rows.tokens, model.backbone.config.hidden_size, file, given.progress
                )
    trainer = EmotionTrainer(
        model=model,
        args=_arguments(given.options, len(train), given.folder, given.seed, validation is not None, given.scheme),
        train_dataset=train,
        eval_dataset=validation,
        compute_metrics=_score(given.scheme) if validation is not None else None,
        objective=objective,
        head_rate_factor=given.options.head_rate_factor,
        callbacks=[
            ShowProgress(given.progress),
            TensorBoardCallback(SummaryWriter(str(given.folder / "logs"))),
            *([EarlyStoppingCallback(given.options.patience)] if validation is not None else []),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(given.folder / "checkpoints") if given.resume else None
    with quiet_transformers():
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    shutil.rmtree(given.folder / "cache", ignore_errors=True)
    model.upper = None
    model.eval()

    def save(folder: Path) -> None:
        with quiet_transformers():
            model.save_pretrained(folder)
            export_onnx(model, folder / "model.onnx")
        for file in tokenizer_files.iterdir():
            shutil.copy2(file, folder / file.name)
        write_json(folder / "tokens.json", {"max_tokens": options.max_tokens, "outputs": given.scheme.output_count})

    return Fitted(
        save=save,
        backend="onnx",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        base=options.base,
        history=history(trainer.state.log_history, given.options.epochs),
        untrained=_untrained(source, given, tokenizer),
    )


def _token_rows(scheme: LabelScheme, rows: Rows, tokenizer: TextTokenizer) -> TokenRows:
    return TokenRows(tokenizer(rows.texts), targets(scheme, rows.gold), rows.weights)


def _score(scheme: LabelScheme) -> Callable[[EvalPrediction], dict[str, float]]:
    def score(outputs: EvalPrediction) -> dict[str, float]:
        wanted = np.asarray(outputs.label_ids, dtype=np.float64)
        gold = np.concatenate([1 - wanted, wanted], axis=1) if scheme.kind == "binary" else wanted
        name, value = validation_score(scheme, DecisionRule(), np.asarray(outputs.predictions), gold)
        return {name: value}

    return score


def _copy_tokenizer(source: Path, model: EncoderForEmotion, folder: Path) -> None:
    """Write the encoder's tokenizer into `folder`; `DataError` where it is none for these weights."""
    with encoder_errors(source):
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        # Without its files, transformers makes an empty tokenizer, to which every text is unknown.
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            raise ValueError("it has no tokenizer")
        known = model.backbone.get_input_embeddings().num_embeddings
        if len(tokenizer) > known:
            raise ValueError(f"its tokenizer has {len(tokenizer)} tokens, its weights know {known}")
        tokenizer.save_pretrained(folder)


def _arguments(
    options: TrainOptions, rows: int, folder: Path, seed: int, validated: bool, scheme: LabelScheme
) -> TrainingArguments:
    steps_an_epoch = -(-rows // options.batch_size)
    every = max(1, steps_an_epoch // options.evaluations_per_epoch)
    chosen_by: dict[str, Any] = {}
    if validated:
        chosen_by = {
            "eval_strategy": "steps",
            "eval_steps": every,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_pearson" if scheme.kind == "dimensional" else "eval_macro_f1",
            "greater_is_better": True,
        }
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_gradient_norm,
        lr_scheduler_type={"constant": "constant_with_warmup"}.get(options.schedule, options.schedule),
        warmup_steps=options.warmup,
        logging_steps=max(1, min(50, steps_an_epoch // 10)),
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        seed=seed,
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        report_to=[],
        **chosen_by,
    )


def _untrained(
    source: Path, given: FitInput, tokenizer: TextTokenizer
) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Return a function from prepared texts to logits of the same encoder with a random head."""
    options = given.model

    @torch.inference_mode()
    def logits(texts: Sequence[str]) -> NDArray[np.float32]:
        if not isinstance(options, EncoderOptions):
            raise TypeError("The model options of fit_encoder must be EncoderOptions.")
        with quiet_transformers():
            model = EncoderForEmotion.from_backbone(
                source, outputs=given.scheme.output_count, pooling=options.pooling, dropout=0.0
            )
        model.head.randomise(given.seed)
        model.eval()
        tokens = tokenizer(texts)
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        out = np.zeros((len(texts), given.scheme.output_count), dtype=np.float32)
        for first in range(0, len(order), EVALUATION_BATCH):
            batch = order[first : first + EVALUATION_BATCH]
            ids, mask = pad([tokens[row] for row in batch])
            out[batch] = model(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
        return out

    return logits
