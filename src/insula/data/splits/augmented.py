"""Augmented rows: only training rows, and none that is equal or nearly equal to a row that is evaluated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from insula.core.example import Example
from insula.core.sentences import pluralise
from insula.data.splits.compared import join_last_turn
from insula.data.splits.leak import Fingerprint
from insula.data.splits.near_duplicates import find_near_duplicates

HELD_OUT = ("validation", "test")


def find_augmented_leaks(rows: Sequence[Example], held_out: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """Return (rows,) whether a row is equal or nearly equal to one of `held_out`.

    Equal as in the leak guard, nearly equal as in a split (`cluster_near_duplicates`).
    """
    near = find_near_duplicates(list(map(join_last_turn, rows)), list(map(join_last_turn, held_out)))
    return near | Fingerprint.of(held_out).find_seen(rows)


def keep_augmented_in_train(splits: Mapping[str, Sequence[Example]]) -> tuple[dict[str, list[Example]], list[str]]:
    """Remove augmented rows from validation and test, and from train those that leak rows of these; return notes."""
    kept = {name: list(rows) for name, rows in splits.items()}
    if not any(example.augmented_by for rows in splits.values() for example in rows):
        return kept, []
    notes = []
    for name in HELD_OUT:
        if name in kept:
            kept[name] = [example for example in kept[name] if not example.augmented_by]
            if removed := len(splits[name]) - len(kept[name]):
                notes.append(f"{pluralise(removed, f'augmented {name} row')} left out: only training rows have copies.")
            if splits[name] and not kept[name]:
                del kept[name]
                notes.append(f"No row of {name} was left; that split was dropped.")
    held_out = [example for name in HELD_OUT for example in kept.get(name, ())]
    places = [place for place, example in enumerate(kept["train"]) if example.augmented_by]
    leaked = find_augmented_leaks([kept["train"][place] for place in places], held_out)
    removed_places = {place for place, is_leaked in zip(places, leaked, strict=True) if is_leaked}
    kept["train"] = [example for place, example in enumerate(kept["train"]) if place not in removed_places]
    notes.append(
        f"{len(places) - len(removed_places):,} of {pluralise(len(kept['train']), 'training row')} are augmented."
    )
    if removed_places:
        notes.append(describe_augmented_leaks(len(removed_places)))
    return kept, notes


def describe_augmented_leaks(count: int) -> str:
    """Return a sentence on augmented rows that were dropped because they leak."""
    verb = "was dropped: it is" if count == 1 else "were dropped: they are"
    return f"{pluralise(count, 'augmented row')} {verb} equal or nearly equal to a validation or test row."
