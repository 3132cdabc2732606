"""Trains networks from scratch: builds the vocabulary, initialises the vectors, trains the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import set_seed

from insula.core.progress import Progress
from insula.models.networks.architectures import architectures
from insula.models.networks.scratch import ScratchNetwork
from insula.models.tokens.tokenization import TOKENIZER, TextTokenizer
from insula.models.tokens.vocabulary import WORD_START, Kind, extend_vocabulary, list_whole_words, train_vocabulary
from insula.models.tokens.word_vectors import distil_vectors
from insula.training.families.scratch import ScratchOptions, locate_vectors
from insula.training.fitters.network import (
    VOCABULARY_SAMPLE,
    build_fitted_network,
    build_token_rows,
    get_tokenizer_folder,
    set_base_rates,
)
from insula.training.fitting import Fitted, PreparedRows, RunContext, TrainingPlan
from insula.training.loss_terms.term import TermInput
from insula.training.loss_terms.total import LossTerms
from insula.training.neural.train_network import train_network
from insula.training.objectives.registry import choose_objective

MIN_KNOWN_SHARE = 0.8  # of words; below it the encoder is for another language or script
SIZES: dict[Kind, int] = {"words": 30_000, "subwords": 8_000}


def fit(plan: TrainingPlan, rows: PreparedRows, run: RunContext) -> Fitted:
    """Build the vocabulary from the training texts, initialise the token vectors, train."""
    options = plan.model
    if not isinstance(options, ScratchOptions):
        raise TypeError(
            f"The model options of fitters.scratch.fit must be ScratchOptions. Got {type(options).__name__}. Derive "
            "the "
            "family's options from it."
        )
    objective = choose_objective(plan.objective, plan.scheme, rows.train)
    terms = LossTerms.of(TermInput(plan, objective, rows))
    kind, size = _choose_vocabulary(plan, options)
    file = get_tokenizer_folder(run) / TOKENIZER
    entries: Sequence[str] = train_vocabulary(
        rows.train.joined, file, kind=kind, size=size, min_count=options.min_count
    )
    vectors = None
    if (source := plan.base or locate_vectors(options)) is not None:
        entries, vectors = _distil(source.folder, file, options, entries, kind, size, run.progress)
    tokenizer = TextTokenizer(file, max_tokens=options.max_tokens)
    train, validation = build_token_rows(plan, rows, tokenizer, terms)
    model = _build(plan, run, options, len(entries), vectors, objective.head)
    set_base_rates(model, objective, plan, rows.train)
    trained = train_network(model, train, validation, terms, plan, run)
    return build_fitted_network(
        plan,
        run,
        model.to_stored(),
        tokenizer,
        trained,
        backend=model.backend,
        shares_weights=model.shares_weights,
        base=options.vectors_from if vectors is not None else None,
        untrained=lambda: _build(plan, run, options, len(entries), vectors, objective.head),
    )


def _choose_vocabulary(plan: TrainingPlan, options: ScratchOptions) -> tuple[Kind, int]:
    kind: Kind
    if options.vocabulary == "auto":
        kind = "subwords" if plan.language == "zh" else "words"
    else:
        kind = options.vocabulary
    return kind, SIZES[kind] if options.vocabulary_size == "auto" else options.vocabulary_size


def _distil(
    source: Path,
    vocabulary: Path,
    options: ScratchOptions,
    entries: Sequence[str],
    kind: Kind,
    size: int,
    progress: Progress,
) -> tuple[Sequence[str], NDArray[np.float32]]:
    """Return the vocabulary, extended by whole words of the encoder, and the distilled vectors of its entries."""
    file = source / TOKENIZER
    if file.exists():
        _warn_of_unknown(options, entries, file, progress)
        if kind == "words":
            entries = extend_vocabulary(vocabulary, list_whole_words(file), size=size)
    return entries, distil_vectors(_as_words(entries), source, options.width, progress)


def _warn_of_unknown(options: ScratchOptions, entries: Sequence[str], file: Path, progress: Progress) -> None:
    tokenizer = TextTokenizer(file, max_tokens=options.max_tokens)
    known = tokenizer.compute_known_share(_as_words(entries[2 : 2 + VOCABULARY_SAMPLE]))
    if known < MIN_KNOWN_SHARE:
        progress.say(
            f"Warning: {1 - known:.0%} of the words are unknown to the encoder {options.vectors_from!r}, so that "
            "their initial vectors carry no meaning. Choose an encoder for your language with "
            "--set model.vectors_from=FOLDER_OR_HUB_ID, or set model.vectors=random."
        )


def _as_words(entries: Sequence[str]) -> list[str]:
    return [entry.removeprefix(WORD_START) or entry for entry in entries]


def _build(
    plan: TrainingPlan,
    run: RunContext,
    options: ScratchOptions,
    entries: int,
    vectors: NDArray[np.float32] | None,
    head: str,
) -> ScratchNetwork:
    set_seed(run.seed)
    architecture = architectures[options.architecture]
    config = architecture.config_class(
        **options.to_settings(), vocabulary=entries, outputs=plan.scheme.output_count, head=head
    )
    model: ScratchNetwork = architecture(config)
    if vectors is not None:
        model.set_vectors(vectors)
    return model
