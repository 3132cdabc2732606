"""Distillation: the texts and scores that a run adds to its rows where its recipe names teachers."""

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
"""The split of a data set that holds texts without labels: trained on, never measured on."""


def with_unlabelled(dataset: Dataset, recipe: Recipe, progress: Progress) -> Dataset:
    """Return the data set with the split `unlabelled` where the recipe names such texts.

    Texts of train, validation or test, and repeats, are left out. Raises `RecipeError` where a teacher has
    other labels, `LeakError` where it was trained on rows that are measured on.
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
    said = [
        *notes,
        f"{counted(len(kept), 'unlabelled text')} of {len(texts):,} {'is' if len(kept) == 1 else 'are'} learnt from by "
        f"the answers of {counted(len(options.teachers), 'teacher')}; {measured:,} stand in validation or test, the "
        "rest in train or twice.",
    ]
    for sentence in said:
        progress.say(sentence)
    splits = {**dataset.splits, UNLABELLED: [Example(text=text) for text in kept]}
    return dataclasses.replace(dataset, splits=splits, notes=(*dataset.notes, *said))


def with_teacher_scores(rows: Rows, dataset: Dataset, plan: TrainingPlan, run: RunContext) -> Rows:
    """Return the training rows joined with the unlabelled ones, each with the mean score of the teachers."""
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
