"""Fine-tunes pretrained networks: the families `encoder` and `decoder`."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from transformers import AutoTokenizer, set_seed

from insula.core.errors import RecipeError
from insula.core.progress import Progress
from insula.models.folder import ModelFolder
from insula.models.networks.architectures import load_network
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.networks.layer_split import freeze_lower
from insula.models.pretrained import convert_encoder_errors
from insula.models.quiet import silence_transformers
from insula.models.tokens.tokenization import TOKENIZER, TextTokenizer
from insula.training.families.base import locate_base
from insula.training.fitters.adapt import Adaptation, count_trainable_parameters
from insula.training.fitters.network import (
    MAX_UNKNOWN_SHARE,
    VOCABULARY_SAMPLE,
    build_fitted_network,
    build_token_rows,
    get_tokenizer_folder,
    set_base_rates,
)
from insula.training.fitters.prune import is_pruning, prune
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, TrainingPlan
from insula.training.loss_terms.term import TermInput
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.batches import TokenRows
from insula.training.neural.layer_cache import compute_lower_states
from insula.training.neural.train_network import train_network
from insula.training.objectives.registry import choose_objective
from insula.training.options.pretrained import PretrainedOptions
from insula.training.transfer.trained_base import require_labels

STATES = Path("cache", "states")


def fit(plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> Fitted:
    """Fine-tune the network or an adapter in it; with `freeze_layers` its lower layers are frozen.

    A trained base keeps its head; it is pruned first if the recipe asks for it.
    """
    options = plan.model
    if not isinstance(options, PretrainedOptions):
        raise TypeError(
            f"The model options of fitters.encoder.fit must be PretrainedOptions. Got {type(options).__name__}. "
            "Derive the "
            "family's options from it."
        )
    base = plan.base or locate_base(options)
    set_seed(run.seed)
    objective = choose_objective(plan.objective, plan.scheme, rows.train)
    terms = LossTerms.of(TermInput(plan, objective, rows))
    if base.trained is None and is_pruning(options):
        raise RecipeError(
            f"The model.base option must be a trained model folder when layers, heads or neurons are pruned: their "
            f"importance is known only after training. Got {options.base!r}. Train it, then run insula model prune."
        )
    if base.trained is None:
        model = _build(base.folder, plan, options, objective.head)
    else:
        model = _reopen(base.trained, plan, options, objective.head)
    files = get_tokenizer_folder(run)
    with silence_transformers():
        _copy_tokenizer(base.folder, model, files)
    tokenizer = TextTokenizer(files / TOKENIZER, max_tokens=options.max_tokens)
    _warn_of_unknown_words(tokenizer, rows.train, options.base, run.progress)
    if any(not isinstance(text, str) for text in rows.train.texts):
        model.config.separator = _find_separator(tokenizer, options.base)

    train, validation = build_token_rows(plan, rows, tokenizer, terms)
    if base.trained is None:
        set_base_rates(model, objective, plan, rows.train)
    facts = prune(model, train, terms, options, run) if is_pruning(options) else {}
    adaptation = Adaptation(model, plan.adapter, frozen_layers=plan.train.freeze_layers)
    if plan.train.freeze_layers:
        _freeze(model, {"train": train, "validation": validation}, plan.train.freeze_layers, run)
    trainable = count_trainable_parameters(model)
    trained = train_network(model, train, validation, terms, plan, run, adaptation.callbacks)
    shutil.rmtree(run.folder / STATES, ignore_errors=True)  # a resumed run needs the rest of the cache
    model.upper = None
    adaptation.finish()

    def save_adapter(folder: Path) -> None:
        adaptation.save(folder, base=options.base, revision=options.revision)

    return build_fitted_network(
        plan,
        run,
        model,
        tokenizer,
        dataclasses.replace(trained, facts={**facts, **trained.facts}),
        trainable=trainable,
        base=options.base,
        save_adapter=save_adapter if adaptation.adapter_only else None,
        untrained=None if base.trained else lambda: _build(base.folder, plan, options, objective.head),
    )


def _build(source: Path, plan: TrainingPlan, options: PretrainedOptions, head: str) -> EncoderForEmotion:
    with silence_transformers():
        model = EncoderForEmotion.from_backbone(
            source, outputs=plan.scheme.output_count, pooling=options.pooling, dropout=options.dropout, head=head
        )
    _check_positions(model, options)
    return model


def _reopen(base: ModelFolder, plan: TrainingPlan, options: PretrainedOptions, head: str) -> EncoderForEmotion:
    """Return the network of a trained base with its head."""
    require_labels(base, plan.scheme)
    model = load_network(base.path)
    if not isinstance(model, EncoderForEmotion) or (model.config.pooling, model.config.head) != (options.pooling, head):
        raise RecipeError(
            f"The model.base {options.base!r} must have the pooling {options.pooling!r} and the head {head!r} of the "
            f"recipe. Got {model.config.pooling!r} and {model.config.head!r}. Set model.pooling and objective.name to "
            "those of its recipe."
        )
    if plan.adapter.method != "none" and not plan.adapter.merge:
        raise RecipeError(
            "The adapter.merge option must be true if model.base is a trained model: an adapter alone needs a "
            "pretrained base. Set adapter.merge=true."
        )
    model.config.dropout = model.head.dropout.p = options.dropout
    _check_positions(model, options)
    return model


def _check_positions(model: EncoderForEmotion, options: PretrainedOptions) -> None:
    if model.max_positions is not None and options.max_tokens > model.max_positions:
        raise RecipeError(
            f"The model.max_tokens option must be at most {model.max_positions} for this encoder. Got "
            f"{options.max_tokens}. Set model.max_tokens={model.max_positions}."
        )


def _copy_tokenizer(source: Path, model: EncoderForEmotion, folder: Path) -> None:
    """Write the encoder's tokenizer into `folder`; raises `DataError` if it does not fit the weights."""
    with convert_encoder_errors(source):
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        # Without tokenizer files, transformers creates an empty tokenizer that knows no token.
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            raise ValueError("it has no tokenizer")
        known = model.backbone.get_input_embeddings().num_embeddings
        if len(tokenizer) > known:
            raise ValueError(f"its tokenizer has {len(tokenizer)} tokens, its weights have {known}")
        tokenizer.save_pretrained(folder)


def _warn_of_unknown_words(tokenizer: TextTokenizer, train: Rows, base: str, progress: Progress) -> None:
    unknown = tokenizer.compute_unknown_share(train.texts[:VOCABULARY_SAMPLE])
    if unknown > MAX_UNKNOWN_SHARE:
        progress.say(
            f"Warning: {unknown:.0%} of the tokens are unknown to the encoder {base!r}, which is for another "
            "language. Choose one for yours with --set model.base=FOLDER_OR_HUB_ID, or train --recipe linear."
        )


def _find_separator(tokenizer: TextTokenizer, base: str) -> int:
    if tokenizer.separator is None:
        raise RecipeError(
            f"The encoder {base!r} has no separator token for pairs, so it cannot read the context of a text. Name "
            "another encoder with model.base, or set preparation.context_turns=0."
        )
    return tokenizer.separator


def _freeze(model: EncoderForEmotion, splits: dict[str, TokenRows | None], layers: int, run: RunContext) -> None:
    """Freeze the lower layers and replace token ids of the rows by the layers' states."""
    lower = freeze_lower(model, layers)
    width = model.backbone.config.hidden_size
    for split, rows in splits.items():
        if rows is not None:
            file = run.folder / STATES / f"{split}.states"
            rows.states = compute_lower_states(lower, rows.tokens, width, file, run.progress)
            rows.paired = model.config.separator is not None
