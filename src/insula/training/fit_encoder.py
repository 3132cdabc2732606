"""Training the families `encoder` and `decoder`: fine-tuning a pretrained network."""

from __future__ import annotations

import shutil
from pathlib import Path

from transformers import AutoTokenizer, set_seed

from insula.core.errors import RecipeError
from insula.models.encoder import EncoderForEmotion
from insula.models.layer_split import freeze_lower
from insula.models.pretrained import encoder_errors, locate_encoder
from insula.models.quiet import quiet_transformers
from insula.models.tokenization import TOKENIZER, TextTokenizer
from insula.training.adapt import Adaptation, trainable_parameters
from insula.training.batches import TokenRows
from insula.training.encoder_family import PretrainedOptions
from insula.training.families import FitInput, Fitted
from insula.training.layer_cache import compute_lower_states
from insula.training.network import MOST_UNKNOWN, VOCABULARY_SAMPLE, fitted_network, token_rows, tokenizer_folder
from insula.training.neural import train_network
from insula.training.objectives import choose_objective


def fit(given: FitInput) -> Fitted:
    """Fine-tune the encoder, or an adapter in it; with `freeze_layers` its lower layers stay as they are."""
    options = given.model
    if not isinstance(options, PretrainedOptions):
        raise TypeError(f"The model options of fit_encoder must be PretrainedOptions. Got {type(options).__name__}.")
    set_seed(given.seed)
    objective = choose_objective(given.objective, given.scheme, given.train)
    source = locate_encoder(options.base, options.revision)
    model = _build(source, given, options, objective.head)
    files = tokenizer_folder(given)
    with quiet_transformers():
        _copy_tokenizer(source, model, files)
    tokenizer = TextTokenizer(files / TOKENIZER, max_tokens=options.max_tokens)
    _warn_of_unknown_words(tokenizer, given, options.base)

    train = token_rows(given, given.train, tokenizer)
    validation = None if given.validation is None else token_rows(given, given.validation, tokenizer)
    model.head.set_base_rates(objective.biases(train.targets, train.weights))
    adaptation = Adaptation(model, given.adapter, frozen_layers=given.options.freeze_layers)
    if given.options.freeze_layers:
        _freeze(model, {"train": train, "validation": validation}, given)
    trainable = trainable_parameters(model)
    history = train_network(model, train, validation, objective, given, adaptation.callbacks)
    shutil.rmtree(given.folder / "cache", ignore_errors=True)
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
        anew=lambda: _build(source, given, options, objective.head),
    )


def _build(source: Path, given: FitInput, options: PretrainedOptions, head: str) -> EncoderForEmotion:
    with quiet_transformers():
        model = EncoderForEmotion.from_backbone(
            source, outputs=given.scheme.output_count, pooling=options.pooling, dropout=options.dropout, head=head
        )
    if model.most_tokens is not None and options.max_tokens > model.most_tokens:
        raise RecipeError(
            f"The model.max_tokens option must be at most {model.most_tokens} for this encoder. Got "
            f"{options.max_tokens}. Set model.max_tokens={model.most_tokens}."
        )
    return model


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


def _freeze(model: EncoderForEmotion, splits: dict[str, TokenRows | None], given: FitInput) -> None:
    """Freeze the lower layers and give the rows their states in place of token numbers."""
    lower = freeze_lower(model, given.options.freeze_layers)
    width = model.backbone.config.hidden_size
    for split, rows in splits.items():
        if rows is not None:
            file = given.folder / "cache" / f"{split}.states"
            rows.states = compute_lower_states(lower, rows.tokens, width, file, given.progress)
