"""Attacks a model on labelled rows and summarises the outcomes."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

import numpy as np

from insula.augmentation.attacks.characters import find_character_edits
from insula.augmentation.attacks.search import DEFAULT, AttackLimits, AttackOutcome, Candidates, attack_rows
from insula.augmentation.attacks.words import find_synonym_edits
from insula.augmentation.meaning_guard import MeaningGuard
from insula.core.arrays import BoolArray
from insula.core.errors import CHOOSE, DataError, UnknownNameError, suggest
from insula.core.example import Example
from insula.core.progress import Progress
from insula.core.targets import build_gold_matrix
from insula.evaluation.attack_document import WORST, AttackDocument, AttackedText
from insula.evaluation.metrics.proportions import measure_share
from insula.evaluation.reports.attack_page import describe_draw
from insula.inference.predictor import Predictor

METHODS: Mapping[str, Candidates] = {"characters": find_character_edits, "words": find_synonym_edits}
ROWS = 300


def choose_candidates(method: str) -> Candidates:
    """Return the candidates of a method; `UnknownNameError` for another name."""
    if method not in METHODS:
        raise UnknownNameError(
            f"The method of an attack must be one of {', '.join(METHODS)}. Got "
            f"{method!r}.{suggest(method, METHODS, CHOOSE)}"
        )
    return METHODS[method]


def attack_examples(
    predictor: Predictor,
    examples: Sequence[Example],
    method: str,
    *,
    rows: int = ROWS,
    limits: AttackLimits = DEFAULT,
    guard: MeaningGuard | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> AttackDocument:
    """Attack the rows that a model decides correctly and return the figures, without names of model and data.

    examples  labelled under the scheme of the model
    method    a name in `METHODS`
    rows      largest number of rows, drawn with the seed; correct or not
    guard     rejects changed texts with another meaning; None compares none

    Raises `DataError` for a model with dimensions, which makes no decisions, and for fewer rows than one.
    """
    candidates = choose_candidates(method)
    scheme, began = predictor.scheme, time.monotonic()
    if not scheme.is_categorical:
        raise DataError(
            "An attack changes decisions, and this model has dimensions instead of labels. Choose a model with labels."
        )
    if rows < 1:
        raise DataError(f"The number of rows must be at least 1. Got {rows}. Use a larger number.")
    every = range(len(examples))
    places = sorted(random.Random(seed).sample(every, rows)) if rows < len(examples) else list(every)
    notes = [describe_draw(rows, len(examples), seed)] if rows < len(examples) else []
    chosen = [examples[place] for place in places]
    gold = build_gold_matrix(scheme, chosen) > 0.5
    correct = (predictor.decide([example.input for example in chosen]).chosen == gold).all(axis=1)
    attacked = [(places[row], chosen[row].input) for row in np.flatnonzero(correct).tolist()]
    found = list(
        attack_rows(
            predictor,
            attacked,
            candidates,
            limits=limits,
            guard=None if guard is None else guard.passes,
            seed=seed,
            progress=progress,
        )
    )
    successes = [outcome for outcome in found if outcome.is_success]
    return AttackDocument(
        notes=notes,
        available=len(examples),
        display=scheme.display,
        method=method,
        seed=seed,
        max_queries=limits.queries,
        max_share=limits.share,
        min_meaning=guard.least if guard else None,
        rejected=sum(one.rejected for one in found) if guard else None,
        rows=len(chosen),
        attacked=len(found),
        succeeded=len(successes),
        accuracy=measure_share(len(found), len(chosen)),
        accuracy_under_attack=measure_share(len(found) - len(successes), len(chosen)),
        success_rate=measure_share(len(successes), len(found)),
        mean_edited=float(np.mean([one.edits / one.words for one in successes])) if successes else None,
        mean_queries=float(np.mean([one.queries for one in found])) if found else None,
        seconds=round(time.monotonic() - began, 1),
        worst=[_to_record(one, scheme.names, guard) for one in sorted(successes, key=_sort_key)[:WORST]],
    )


def _sort_key(outcome: AttackOutcome) -> tuple[float, float, int]:
    return outcome.edits / outcome.words, -outcome.confidence[0], outcome.row


def _to_record(outcome: AttackOutcome, names: Sequence[str], guard: MeaningGuard | None) -> AttackedText:
    def list_labels(chosen: BoolArray) -> list[str]:
        return [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen]

    before, after = outcome.confidence
    return AttackedText(
        row=outcome.row + 1, text=outcome.text, changed=outcome.changed, before=list_labels(outcome.before),
        after=list_labels(outcome.after), confidence_before=before, confidence_after=after, words=outcome.words,
        edits=outcome.edits, queries=outcome.queries,
        meaning=guard and round(guard.measure(outcome.text, outcome.changed), 4),
    )  # fmt: skip
