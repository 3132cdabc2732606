"""Augmentation in a run: copies of training rows by the `augment` section of a recipe."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from insula.augmentation.meaning_guard import MeaningGuard, guard_augmenters
from insula.augmentation.registry import BACK_TRANSLATION, Augmenter, AugmenterOptions, choose_augmenters
from insula.augmentation.translation.memory import remember_translations
from insula.augmentation.variants import Original, make_variants, prepare_variants
from insula.core.errors import RecipeError
from insula.core.example import Example
from insula.core.progress import Progress
from insula.core.scheme import LabelScheme
from insula.core.sentences import pluralise
from insula.data.columns import AUGMENTED_BY, SOURCE_ROW
from insula.data.dataset import Dataset
from insula.data.formats.writers import open_writer
from insula.data.splits.augmented import HELD_OUT, describe_augmented_leaks, find_augmented_leaks
from insula.training.options.augment import AugmentOptions
from insula.training.recipe.recipe import Recipe


class _Copy(NamedTuple):
    """A copy, the number of its training row from 0, and the number of the epoch from 1 (0: every epoch)."""

    row: int
    epoch: int
    example: Example


def add_augmented_rows(dataset: Dataset, recipe: Recipe, progress: Progress, file: Path | None = None) -> Dataset:
    """Return the data set with copies of its training rows (`Dataset.augmented`), as the recipe says.

    file  where to write them for people to read; None writes nothing

    Copies that are equal or nearly equal to a validation or test row are dropped; rows that are copies already are not
    copied. The same rows, options and seed give the same copies. Raises `RecipeError` if a method does not fit the
    labels.
    """
    options = recipe.augment
    if not options.methods:
        if file is not None:
            file.unlink(missing_ok=True)  # of an earlier run in the same folder
        return dataset
    keeps = BACK_TRANSLATION in options.methods
    with remember_translations(file if keeps else None) as memory:
        chosen = choose_augmenters(options.methods, AugmenterOptions(options.translator, memory))
        _check_labels(chosen, dataset.scheme)
        if options.meaning is not None:
            chosen = guard_augmenters(chosen, MeaningGuard(options.meaning))
        return _augment(dataset, recipe, chosen, progress, file)


def _augment(
    dataset: Dataset, recipe: Recipe, chosen: Mapping[str, Augmenter], progress: Progress, file: Path | None
) -> Dataset:
    options = recipe.augment
    epochs = range(1, math.ceil(recipe.train.epochs) + 1) if options.mode == "epoch" else range(1)
    seed = recipe.seed if options.seed is None else options.seed
    rows = dataset.split("train")
    made = [one for epoch in epochs for one in _copy_rows(rows, dataset.scheme, chosen, options, seed, epoch)]
    held_out = [example for name in HELD_OUT for example in dataset.splits.get(name, ())]
    leaked = find_augmented_leaks([copy.example for copy in made], held_out)
    kept = [copy for copy, is_leaked in zip(made, leaked, strict=True) if not is_leaked]
    notes = _describe(rows, made, kept, options, epochs=len(epochs))
    for note in notes:
        progress.say(note)
    if not kept:
        raise RecipeError(
            f"The augment.methods option must name a method that changes the training rows. Got "
            f"{', '.join(options.methods)}, and none of them applies to a row. Choose other methods, or leave it out."
        )
    if file is not None:
        _write(file, rows, kept, dataset.scheme)
    by_epoch = [[copy.example for copy in kept if copy.epoch == epoch] for epoch in epochs]
    return dataclasses.replace(dataset, augmented=by_epoch, notes=(*dataset.notes, *notes))


def _check_labels(chosen: Mapping[str, Augmenter], scheme: LabelScheme) -> None:
    """Raise `RecipeError` if a method would give rows of this scheme wrong labels, or can never apply."""
    names = _index_names(scheme)
    for name, augmenter in chosen.items():
        if augmenter.preserves == "emotion" and scheme.kind in ("ordinal", "dimensional"):
            problem = "changes the strength of an emotion, which the labels measure"
        elif scheme.kind == "dimensional" and (augmenter.needs_label or augmenter.preserves == "nothing"):
            problem = "needs labels"
        elif augmenter.new_labels and not any(
            old != new and {old, new} <= names.keys() for old, new in augmenter.new_labels.items()
        ):
            problem = f"has no new label for any of {', '.join(scheme.names)}"
        else:
            continue
        raise RecipeError(
            f"The augment.methods option must fit the labels of the data, which are {scheme.kind}. Got {name!r}, which "
            f"{problem}. Leave it out."
        )


def _index_names(scheme: LabelScheme) -> dict[str, str]:
    """Return labels in lower case, as augmenters have them, to labels in the spelling of the scheme."""
    return {name.lower(): name for name in scheme.names}


def _copy_rows(
    rows: Sequence[Example],
    scheme: LabelScheme,
    chosen: Mapping[str, Augmenter],
    options: AugmentOptions,
    seed: int,
    epoch: int,
) -> Iterator[_Copy]:
    names = _index_names(scheme)
    originals = [
        Original(example.text, f"{seed} {epoch} {number}", "zh" if example.language == "zh" else None)
        for number, example in enumerate(rows)
    ]
    prepare_variants(
        [one for one, row in zip(originals, rows, strict=True) if not row.augmented_by], chosen, options.times
    )
    for number, (original, example) in enumerate(zip(originals, rows, strict=True)):
        if example.augmented_by:
            continue
        labels = example.labels or ()
        label = labels[0] if len(labels) == 1 else None
        variants = make_variants(
            original.text, chosen, times=options.times, seed=original.seed, label=label, language=original.language,
        )  # fmt: skip
        for method, text, new in variants:
            changed: dict[str, Any] = {"text": text, "augmented_by": method}
            if chosen[method].is_soft:
                changed["weight"] = example.weight * options.soft_weight
            if chosen[method].preserves == "nothing":
                if new is None or new.lower() not in names:
                    continue
                changed |= {"labels": (names[new.lower()],), "votes": None}
            yield _Copy(number, epoch, dataclasses.replace(example, **changed))


def _describe(
    rows: Sequence[Example], made: Sequence[_Copy], kept: Sequence[_Copy], options: AugmentOptions, *, epochs: int
) -> list[str]:
    originals = sum(example.augmented_by is None for example in rows)
    counts = Counter(copy.example.augmented_by for copy in kept)
    by_method = ", ".join(f"{name} {counts[name]:,}" for name in options.methods)
    each = f" for {pluralise(epochs, 'epoch')}" if options.mode == "epoch" else ""
    notes = [f"Augmentation: {len(kept):,} copies of {pluralise(originals, 'training row')}{each} ({by_method})."]
    if missing := originals * options.times * epochs - len(made):
        notes.append(f"No method changes the text in {missing:,} cases, so that fewer copies exist than requested.")
    if dropped := len(made) - len(kept):
        notes.append(describe_augmented_leaks(dropped))
    return notes


def _write(file: Path, rows: Sequence[Example], copies: Sequence[_Copy], scheme: LabelScheme) -> None:
    """Write one line for each copy: its original row from 1, method, epoch, both texts, and its labels."""
    labels = ["label"] if scheme.is_categorical else scheme.names
    columns = [SOURCE_ROW, AUGMENTED_BY, "epoch", "weight", "source", "text", *labels]
    with open_writer(file, columns=columns) as writer:
        writer.write([_to_line(rows[copy.row].text, copy, scheme) for copy in copies])


def _to_line(source: str, copy: _Copy, scheme: LabelScheme) -> dict[str, Any]:
    example = copy.example
    labels = {"label": list(example.labels or ())}
    values = dict(zip(scheme.names, example.values or (), strict=False))
    return {
        SOURCE_ROW: copy.row + 1, AUGMENTED_BY: example.augmented_by, "epoch": copy.epoch or None,
        "weight": example.weight, "source": source, "text": example.text,
        **(labels if scheme.is_categorical else values),
    }  # fmt: skip
