"""Training the families `encoder` and `decoder`: fine-tuning a pretrained network."""

from __future__ import annotations

import shutil
from pathlib import Path

from transformers import AutoTokenizer, set_seed

from insula.core.errors import RecipeError
from insula.models.folder import ModelFolder
from insula.models.networks.architectures import load_network
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.networks.layer_split import freeze_lower
from insula.models.pretrained import encoder_errors, locate_encoder
from insula.models.quiet import quiet_transformers
from insula.models.tokens.tokenization import TOKENIZER, TextTokenizer
from insula.training.fitters.adapt import Adaptation, trainable_parameters
from insula.training.fitters.network import (
    MOST_UNKNOWN,
    VOCABULARY_SAMPLE,
    build_terms,
    fitted_network,
    set_base_rates,
    token_rows,
    tokenizer_folder,
)
from insula.training.fitters.prune import prune, prunes
from insula.training.fitting import FitInput, Fitted
from insula.training.neural.batches import TokenRows
from insula.training.neural.layer_cache import compute_lower_states
from insula.training.neural.train_network import train_network
from insula.training.objectives.registry import choose_objective
from insula.training.options.pretrained import PretrainedOptions
from insula.training.transfer.trained_base import require_labels, trained_base

STATES = Path("cache", "states")


def fit(given: FitInput) -> Fitted:
    """Fine-tune the encoder, or an adapter in it; with `freeze_layers` its lower layers stay as they are.

    A base that was trained before is gone on with, head included, and pruned first where the recipe says so.
    """
    options = given.model
    if not isinstance(options, PretrainedOptions):
        raise TypeError(f"The model options of fit_encoder must be PretrainedOptions. Got {type(options).__name__}.")
    set_seed(given.seed)
    objective = choose_objective(given.objective, given.scheme, given.train)
    terms = build_terms(given, objective)
    source = locate_encoder(options.base, options.revision)
    base = trained_base(options)
    if base is None and prunes(options):
        raise RecipeError(
            f"The model.base option must be a trained model folder where layers, heads or neurons are pruned: before "
            f"training nothing tells which matter. Got {options.base!r}. Train it, then prune it: insula model prune"
        )
    if base is None:
        model = _build(source, given, options, objective.head)
    else:
        model = _go_on(base, given, options, objective.head)
    files = tokenizer_folder(given)
    with quiet_transformers():
        _copy_tokenizer(source, model, files)
    tokenizer = TextTokenizer(files / TOKENIZER, max_tokens=options.max_tokens)
    _warn_of_unknown_words(tokenizer, given, options.base)
    if any(not isinstance(text, str) for text in given.train.texts):
        model.config.separator = _separator(tokenizer, options.base)

    train = token_rows(given, given.train, tokenizer, terms)
    validation = None if given.validation is None else token_rows(given, given.validation, tokenizer)
    if base is None:
        set_base_rates(model, objective, given)
    if prunes(options):
        prune(model, train, terms, given)
    adaptation = Adaptation(model, given.adapter, frozen_layers=given.options.freeze_layers)
    if given.options.freeze_layers:
        _freeze(model, {"train": train, "validation": validation}, given)
    trainable = trainable_parameters(model)
    history = train_network(model, train, validation, terms, given, adaptation.callbacks)
    shutil.rmtree(given.folder / STATES, ignore_errors=True)  # what else is kept, a resumed run asks for again
    model.upper = None
    adaptation.finish()

    def beside(folder: Path) -> None:
        adaptation.save(folder, base=options.base, revision=options.revision)

    return fitted_network(
        given,
        model,
        tokenizer,
        history=history,
        trainable=trainable,
        base=options.base,
        beside=beside if adaptation.beside else None,
        anew=None if base is not None else lambda: _build(source, given, options, objective.head),
    )


def _build(source: Path, given: FitInput, options: PretrainedOptions, head: str) -> EncoderForEmotion:
    with quiet_transformers():
        model = EncoderForEmotion.from_backbone(
            source, outputs=given.scheme.output_count, pooling=options.pooling, dropout=options.dropout, head=head
        )
    _check_positions(model, options)
    return model


def _go_on(base: ModelFolder, given: FitInput, options: PretrainedOptions, head: str) -> EncoderForEmotion:
    """Return the network of a trained base, head included."""
    require_labels(base, given.scheme)
    model = load_network(base.path)
    if not isinstance(model, EncoderForEmotion) or (model.config.pooling, model.config.head) != (options.pooling, head):
        raise RecipeError(
            f"The model.base {options.base!r} must have the pooling {options.pooling!r} and the head {head!r} of the "
            f"recipe. Got {model.config.pooling!r} and {model.config.head!r}. Set model.pooling and objective.name as "
            "they were for it."
        )
    if given.adapter.method != "none" and not given.adapter.merge:
        raise RecipeError(
            "The adapter.merge option must be true where model.base is a trained model: there is no pretrained network "
            "to keep it beside. Set adapter.merge=true."
        )
    model.config.dropout = model.head.dropout.p = options.dropout
    _check_positions(model, options)
    return model


def _check_positions(model: EncoderForEmotion, options: PretrainedOptions) -> None:
    if model.most_tokens is not None and options.max_tokens > model.most_tokens:
        raise RecipeError(
            f"The model.max_tokens option must be at most {model.most_tokens} for this encoder. Got "
            f"{options.max_tokens}. Set model.max_tokens={model.most_tokens}."
        )


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


def _warn_of_unknown_words(tokenizer: TextTokenizer, given: FitInput, base: str) -> None:
    unknown = tokenizer.unknown_share(given.train.texts[:VOCABULARY_SAMPLE])
    if unknown > MOST_UNKNOWN:
        given.progress.say(
            f"Warning: {unknown:.0%} of the tokens are unknown to the encoder {base!r}: it was made for another "
            "language. Name one that knows yours with --set model.base=FOLDER_OR_HUB_ID, or train --recipe linear."
        )


def _separator(tokenizer: TextTokenizer, base: str) -> int:
    if tokenizer.separator is None:
        raise RecipeError(
            f"The encoder {base!r} has no token between the segments of a pair, and so cannot read the context of a "
            "text. Name another with model.base, or set preparation.context_turns=0."
        )
    return tokenizer.separator


def _freeze(model: EncoderForEmotion, splits: dict[str, TokenRows | None], given: FitInput) -> None:
    """Freeze the lower layers and give the rows their states in place of token numbers."""
    lower = freeze_lower(model, given.options.freeze_layers)
    width = model.backbone.config.hidden_size
    for split, rows in splits.items():
        if rows is not None:
            file = given.folder / STATES / f"{split}.states"
            rows.states = compute_lower_states(lower, rows.tokens, width, file, given.progress)
            rows.paired = model.config.separator is not None
