"""Unlabelled texts, and the scores of teachers, that a recipe adds to the training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from insula.core.example import Example
from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.core.sentences import pluralise
from insula.data.dataset import Dataset
from insula.data.sources.unlabelled import read_texts, select_new_texts
from insula.data.splits.leak import Fingerprint
from insula.training.fitting import Rows, RunContext, TrainingPlan, append_empty_names, append_every_epoch
from insula.training.recipe.recipe import Recipe
from insula.training.transfer.teachers import check_teachers, compute_teacher_scores

UNLABELLED = "unlabelled"
"""The split with unlabelled texts: used in training, never in evaluation."""


def add_unlabelled_split(dataset: Dataset, recipe: Recipe, progress: Progress) -> Dataset:
    """Return the data set with the split `unlabelled` if the recipe names such texts in `distil` or `adversarial`.

    Texts of train, validation or test and duplicates are removed. Raises `RecipeError` if a teacher has other labels,
    `LeakError` if it was trained on rows of validation or test.
    """
    teachers = recipe.distil.teachers
    if teachers:
        check_teachers(teachers, dataset)
    texts: list[str] = []
    notes: list[str] = []
    for options in (recipe.distil, recipe.adversarial):
        if options.unlabelled:
            read, more = read_texts(options.unlabelled, text=options.text, max_length=recipe.data.max_text_length)
            texts, notes = [*texts, *read], [*notes, *more]
    if not (recipe.distil.unlabelled or recipe.adversarial.unlabelled):
        return dataset
    held_out = Fingerprint.of(e for name in ("validation", "test") for e in dataset.splits.get(name, ()))
    kept, (measured, _) = select_new_texts(texts, held_out, Fingerprint.of(dataset.split("train")))
    how = f"with the scores of {pluralise(len(teachers), 'teacher')}" if teachers else "without labels"
    messages = [
        *notes,
        f"{pluralise(len(kept), 'unlabelled text')} of {len(texts):,} used {how}; {measured:,} removed that are in "
        "validation or test, the rest are in train or duplicates.",
    ]
    for message in messages:
        progress.say(message)
    splits = {**dataset.splits, UNLABELLED: [Example(text=text) for text in kept]}
    return dataclasses.replace(dataset, splits=splits, notes=(*dataset.notes, *messages))


def add_teacher_scores(rows: Rows, dataset: Dataset, plan: TrainingPlan, run: RunContext) -> Rows:
    """Return the training rows followed by the unlabelled ones; with teachers, each row has their mean scores."""
    teachers = plan.distil.teachers
    unlabelled = [example.text for example in dataset.splits.get(UNLABELLED, ())]
    if not teachers:
        return _append_unlabelled_rows(rows, unlabelled, plan) if unlabelled else rows
    texts: list[TextOrInput] = [*(example.input for example in dataset.training_rows), *unlabelled]
    verb = "scores" if len(teachers) == 1 else "score"
    run.progress.say(f"{pluralise(len(teachers), 'teacher')} {verb} {pluralise(len(texts), 'text')}.")
    scores = compute_teacher_scores(
        teachers, plan.scheme, texts, run.folder / "cache" / "teacher.safetensors", run.progress
    )
    joined = _append_unlabelled_rows(rows, unlabelled, plan)
    return dataclasses.replace(joined, gold=np.concatenate([rows.gold, scores[len(rows) :]]), teacher=scores)


def _append_unlabelled_rows(rows: Rows, texts: Sequence[str], plan: TrainingPlan) -> Rows:
    return Rows(
        texts=[*rows.texts, *plan.preparation.prepare_all(texts)],
        gold=np.concatenate([rows.gold, np.zeros((len(texts), rows.gold.shape[1]))]),
        weights=np.concatenate([rows.weights, np.ones(len(texts))]),
        labelled=np.arange(len(rows) + len(texts)) < len(rows),
        subgroup=append_empty_names(rows.subgroup, len(texts)),
        pair=append_empty_names(rows.pair, len(texts)),
        epoch=append_every_epoch(rows.epoch, len(texts)),
    )
