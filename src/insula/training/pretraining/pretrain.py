"""Continued pretraining: adapts an encoder to unlabelled texts by masked language modelling."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PrinterCallback, TrainingArguments, set_seed

from insula import __version__
from insula.core.errors import DataError, RecipeError
from insula.core.files import atomic_folder, write_json
from insula.core.progress import Progress
from insula.models.networks.encoder import find_max_positions
from insula.models.pretrained import locate_encoder
from insula.models.quiet import silence_transformers
from insula.models.tokens.tokenization import TOKENIZER, TextTokenizer
from insula.text.language import find_dominant_language
from insula.text.preparation import Preparation
from insula.training.families.encoder import EncoderOptions, choose_encoder_steps
from insula.training.fitting import Base
from insula.training.neural.checkpoints import find_last_checkpoint
from insula.training.neural.processes import count_processes
from insula.training.neural.quick_dropout import use_plain_attention, use_quick_dropout
from insula.training.neural.trainer import ProgressReporter, read_history
from insula.training.options.pretrain import PretrainOptions
from insula.training.pretraining.corpus import Corpus, read_corpus
from insula.training.pretraining.inputs import FACTS, PretrainInput, PretrainRun, get_work_folder
from insula.training.pretraining.masking import MaskedRows, Masking
from insula.training.pretraining.model import open_for_pretraining
from insula.training.pretraining.trainer import PretrainTrainer, measure_held_out_loss

STEPS_BETWEEN = 500  # at most, between two evaluations, each with a checkpoint


def pretrain_encoder(
    given: PretrainInput, output: Path, *, resume: bool = False, command: str = "", progress: Progress
) -> PretrainRun:
    """Train the encoder on the texts and write it, with its tokenizer and `pretrain.json`, to `output`.

    The weights with the lowest loss on held-out texts are kept. Until it is finished, `OUTPUT.unfinished` holds the
    checkpoints for `resume`. Raises `DataError` if the texts of a resumed pretraining have changed, `RecipeError` if
    `max_tokens` exceeds the encoder's number of positions.
    """
    if count_processes() > 1:
        raise RecipeError("Pretraining must run in one process. Start it without a launcher.")
    options, work, started = given.options, get_work_folder(output), time.monotonic()
    # Check the name and the length before a large corpus is read.
    source = locate_encoder(options.model, options.revision)
    set_seed(options.seed)
    model, tokenizer, fresh = open_for_pretraining(source)
    most = find_max_positions(model.base_model)
    if most is not None and options.max_tokens > most:
        raise RecipeError(
            f"The option max_tokens of pretrain must be at most {most} for this encoder. Got {options.max_tokens}. "
            f"Pretrain with --max-tokens {most}."
        )
    corpus = read_corpus(
        given.files, given.exclude, text=given.text, reading=given.reading, held_out=options.held_out, seed=options.seed
    )
    for note in corpus.notes:
        progress.say(note)
    _start_or_verify_resume(work, given, corpus, resume)
    with silence_transformers():
        tokenizer.save_pretrained(work / "tokenizer")
    steps = choose_encoder_steps(EncoderOptions(base=options.model, max_tokens=options.max_tokens), Base(source))
    language = find_dominant_language(corpus.train)
    read = _Reader(
        Preparation(steps=steps, language="zh" if language == "zh" else None),
        TextTokenizer(work / "tokenizer" / TOKENIZER, max_tokens=options.max_tokens),
        _build_masking(tokenizer, options.masked),
        options.seed,
    )
    train, held_out = read(corpus.train), read(corpus.held_out)
    use_quick_dropout(model)
    trainer = PretrainTrainer(
        model=model,
        args=_build_arguments(options, len(train), work / "checkpoints"),
        train_dataset=train,
        eval_dataset=held_out,
        options=options,
        fresh_head=fresh,
        callbacks=[ProgressReporter(progress)],
    )
    trainer.remove_callback(PrinterCallback)
    before = math.exp(measure_held_out_loss(model, held_out, trainer.precision))
    head = "a new head" if fresh else "its own head"
    progress.say(f"Perplexity of masked tokens in held-out texts before, with {head}: {before:,.1f}.")
    checkpoint = find_last_checkpoint(work / "checkpoints") if resume else None
    if checkpoint is not None:
        trainer.restore_from(checkpoint)
    with silence_transformers(), use_plain_attention(model, longest=max(train.lengths)):
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    after = math.exp(measure_held_out_loss(model, held_out, trainer.precision))
    progress.say(f"After: {after:,.1f}.")
    facts = {
        "insula_version": __version__,
        "command": command,
        "options": options.model_dump(mode="json"),
        "text_steps": list(steps),
        "corpus": {
            "digest": corpus.digest,
            "files": [Path(file).name for file in given.files],
            "excluded_files": [Path(file).name for file in given.exclude],
            "read": corpus.read,
            "train": len(corpus.train),
            "held_out": len(corpus.held_out),
            "near_duplicates": corpus.repeated,
            "excluded": corpus.excluded,
            "tokens": int(sum(train.lengths)),
        },
        "fresh_head": fresh,
        "perplexity": {"before": before, "after": after},
        "steps": trainer.state.global_step,
        "seconds": round(trainer.seconds_before + time.monotonic() - started, 1),
        "history": read_history(trainer.state.log_history, options.epochs),
    }
    with atomic_folder(output) as stage:
        with silence_transformers():
            model.save_pretrained(stage)
            tokenizer.save_pretrained(stage)
        write_json(stage / FACTS, facts)
        for file in stage.iterdir():
            file.chmod(file.stat().st_mode | 0o444)
    shutil.rmtree(work, ignore_errors=True)
    return PretrainRun(output, facts)


@dataclass(frozen=True)
class _Reader:
    """Turns texts into masked rows, with the same preparation as in fine-tuning."""

    preparation: Preparation
    tokenizer: TextTokenizer
    masking: Masking
    seed: int

    def __call__(self, texts: Sequence[str]) -> MaskedRows:
        return MaskedRows(self.tokenizer(self.preparation.prepare_all(texts)), self.masking, self.seed)


def _start_or_verify_resume(work: Path, given: PretrainInput, corpus: Corpus, resume: bool) -> None:
    """Record the input of a new pretraining; if resumed, raise `DataError` unless the texts are unchanged."""
    file = work / FACTS
    if resume:
        if json.loads(file.read_text(encoding="utf-8"))["corpus"] != corpus.digest:
            raise DataError(
                f"The texts of {str(work)!r} have changed since it started, so it cannot be resumed. Restore them, or "
                "start again."
            )
        return
    for old in ("checkpoints", "tokenizer"):
        shutil.rmtree(work / old, ignore_errors=True)
    row = {
        "files": list(given.files),
        "exclude": list(given.exclude),
        "text": given.text,
        "reading": list(given.reading),
        "options": given.options.model_dump(mode="json"),
        "corpus": corpus.digest,
    }
    write_json(file, row)


def _build_masking(tokenizer: Any, share: float) -> Masking:
    special = np.array(sorted(tokenizer.all_special_ids), dtype=np.int64)
    ordinary = np.setdiff1d(np.arange(len(tokenizer), dtype=np.int64), special)
    return Masking(share=share, mask=tokenizer.mask_token_id, ordinary=ordinary, special=special)


def _build_arguments(options: PretrainOptions, rows: int, folder: Path) -> TrainingArguments:
    batches_per_epoch = -(-rows // options.batch_size)
    every = min(batches_per_epoch, STEPS_BETWEEN)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        max_grad_norm=1.0,
        logging_steps=max(1, min(50, batches_per_epoch // 10)),
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        seed=options.seed,
        remove_unused_columns=False,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        report_to=[],
    )
