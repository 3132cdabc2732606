"""Training networks that start from nothing: a vocabulary of the training texts, vectors, then the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import set_seed

from insula.models.networks.architectures import architectures
from insula.models.networks.scratch import ScratchNetwork
from insula.models.pretrained import locate_encoder
from insula.models.tokens.tokenization import TOKENIZER, TextTokenizer
from insula.models.tokens.vocabulary import BEGINS, Kind, extend_vocabulary, train_vocabulary, whole_words
from insula.models.tokens.word_vectors import distil_vectors
from insula.training.families.scratch import ScratchOptions
from insula.training.fitters.network import (
    VOCABULARY_SAMPLE,
    build_terms,
    fitted_network,
    set_base_rates,
    token_rows,
    tokenizer_folder,
)
from insula.training.fitting import FitInput, Fitted
from insula.training.neural.train_network import train_network
from insula.training.objectives.registry import choose_objective

LEAST_KNOWN = 0.8  # share of words; below it the encoder was made for another language or script
SIZES: dict[Kind, int] = {"words": 30_000, "subwords": 8_000}


def fit(given: FitInput) -> Fitted:
    """Learn the vocabulary from the training texts, set the first vectors, train."""
    options = given.model
    if not isinstance(options, ScratchOptions):
        raise TypeError(f"The model options of fit_scratch must be ScratchOptions. Got {type(options).__name__}.")
    objective = choose_objective(given.objective, given.scheme, given.train)
    terms = build_terms(given, objective)
    entries: Sequence[str] = _train_vocabulary(given, options)
    vectors = None
    if options.vectors == "distilled":
        entries, vectors = _distil(given, options, entries)
    tokenizer = TextTokenizer(tokenizer_folder(given) / TOKENIZER, max_tokens=options.max_tokens)
    train = token_rows(given, given.train, tokenizer, terms)
    validation = None if given.validation is None else token_rows(given, given.validation, tokenizer)
    model = _build(given, options, len(entries), vectors, objective.head)
    set_base_rates(model, objective, given)
    history = train_network(model, train, validation, terms, given)
    return fitted_network(
        given,
        model.finished(),
        tokenizer,
        backend=model.backend,
        shares_weights=model.shares_weights,
        history=history,
        base=options.vectors_from if vectors is not None else None,
        anew=lambda: _build(given, options, len(entries), vectors, objective.head),
    )


def _train_vocabulary(given: FitInput, options: ScratchOptions) -> list[str]:
    kind, size = _kind_and_size(given, options)
    file = tokenizer_folder(given) / TOKENIZER
    return train_vocabulary(given.train.joined, file, kind=kind, size=size, min_count=options.min_count)


def _kind_and_size(given: FitInput, options: ScratchOptions) -> tuple[Kind, int]:
    kind: Kind
    if options.vocabulary == "auto":
        kind = "subwords" if given.language == "zh" else "words"
    else:
        kind = options.vocabulary
    return kind, SIZES[kind] if options.vocabulary_size == "auto" else options.vocabulary_size


def _distil(
    given: FitInput, options: ScratchOptions, entries: Sequence[str]
) -> tuple[Sequence[str], NDArray[np.float32]]:
    """Return the vocabulary with the words that the encoder knows whole, and the vectors of all its entries."""
    source = locate_encoder(options.vectors_from)
    file = source / TOKENIZER
    if file.exists():
        _warn_of_unknown(given, options, entries, file)
        kind, size = _kind_and_size(given, options)
        if kind == "words":
            entries = extend_vocabulary(tokenizer_folder(given) / TOKENIZER, whole_words(file), size=size)
    return entries, distil_vectors(_as_words(entries), source, options.width, given.progress)


def _warn_of_unknown(given: FitInput, options: ScratchOptions, entries: Sequence[str], file: Path) -> None:
    tokenizer = TextTokenizer(file, max_tokens=options.max_tokens)
    known = tokenizer.knows(_as_words(entries[2 : 2 + VOCABULARY_SAMPLE]))
    if known < LEAST_KNOWN:
        given.progress.say(
            f"Warning: {1 - known:.0%} of the words are unknown to the encoder {options.vectors_from!r}, so that "
            "their first vectors say nothing. Name one that knows your language with "
            "--set model.vectors_from=FOLDER_OR_HUB_ID, or set model.vectors=random."
        )


def _as_words(entries: Sequence[str]) -> list[str]:
    return [entry.removeprefix(BEGINS) or entry for entry in entries]


def _build(
    given: FitInput, options: ScratchOptions, entries: int, vectors: NDArray[np.float32] | None, head: str
) -> ScratchNetwork:
    set_seed(given.seed)
    architecture = architectures[options.architecture]
    config = architecture.config_class(
        **options.settings(), vocabulary=entries, outputs=given.scheme.output_count, head=head
    )
    model: ScratchNetwork = architecture(config)
    if vectors is not None:
        model.set_vectors(vectors)
    return model
