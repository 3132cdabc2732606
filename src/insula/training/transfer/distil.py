"""Distillation: unlabelled texts and teacher scores that a recipe adds to the training rows."""

from __future__ import annotations

import dataclasses

import numpy as np

from insula.core.example import Example
from insula.core.model_input import TextOrInput
from insula.core.progress import Progress
from insula.core.sentences import counted
from insula.data.dataset import Dataset
from insula.data.sources.unlabelled import new_texts, read_texts
from insula.data.splits.leak import Fingerprint
from insula.training.fitting import Rows, RunContext, TrainingPlan
from insula.training.recipe.recipe import Recipe
from insula.training.transfer.teachers import check_teachers, teacher_scores

UNLABELLED = "unlabelled"
"""The split with unlabelled texts: used in training, never in evaluation."""


def with_unlabelled(dataset: Dataset, recipe: Recipe, progress: Progress) -> Dataset:
    """Return the data set with the split `unlabelled` if the recipe names such texts.

    Texts of train, validation or test and duplicates are removed. Raises `RecipeError` if a teacher has other labels,
    `LeakError` if it was trained on rows of validation or test.
    """
    options = recipe.distil
    if not options.teachers:
        return dataset
    check_teachers(options.teachers, dataset)
    if not options.unlabelled:
        return dataset
    texts, notes = read_texts(options.unlabelled, text=options.text, max_length=recipe.data.max_text_length)
    held_out = Fingerprint.of(e for name in ("validation", "test") for e in dataset.splits.get(name, ()))
    kept, (measured, _) = new_texts(texts, held_out, Fingerprint.of(dataset.split("train")))
    messages = [
        *notes,
        f"{counted(len(kept), 'unlabelled text')} of {len(texts):,} used with the scores of "
        f"{counted(len(options.teachers), 'teacher')}; {measured:,} removed that are in validation or test, the rest "
        "are in train or duplicates.",
    ]
    for message in messages:
        progress.say(message)
    splits = {**dataset.splits, UNLABELLED: [Example(text=text) for text in kept]}
    return dataclasses.replace(dataset, splits=splits, notes=(*dataset.notes, *messages))


def with_teacher_scores(rows: Rows, dataset: Dataset, plan: TrainingPlan, run: RunContext) -> Rows:
    """Return the training rows followed by the unlabelled ones, each with the mean scores of the teachers."""
    teachers = plan.distil.teachers
    if not teachers:
        return rows
    unlabelled = [example.text for example in dataset.splits.get(UNLABELLED, ())]
    texts: list[TextOrInput] = [*(example.input for example in dataset.split("train")), *unlabelled]
    verb = "scores" if len(teachers) == 1 else "score"
    run.progress.say(f"{counted(len(teachers), 'teacher')} {verb} {counted(len(texts), 'text')}.")
    scores = teacher_scores(teachers, plan.scheme, texts, run.folder / "cache" / "teacher.safetensors", run.progress)
    return Rows(
        texts=[*rows.texts, *plan.preparation.many(unlabelled)],
        gold=np.concatenate([rows.gold, scores[len(rows) :]]),
        weights=np.concatenate([rows.weights, np.ones(len(unlabelled))]),
        labelled=np.arange(len(texts)) < len(rows),
        teacher=scores,
    )
