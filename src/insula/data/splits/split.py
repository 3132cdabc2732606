"""Split rows into train, validation and test, without near-duplicates or groups on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import SPLITS
from insula.data.splits.compared import join_last_turn
from insula.data.splits.components import DisjointSets
from insula.data.splits.near_duplicates import cluster_near_duplicates
from insula.data.splits.stratify import stratify_iteratively

MAX_BINS = 10
ROWS_PER_BIN = 10


def split_examples(
    examples: Sequence[Example],
    scheme: LabelScheme,
    *,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
) -> tuple[dict[str, list[Example]], tuple[str, ...]]:
    """Return the examples by split, in their original order, and notes.

    Labels (label sets, and quantile bins of every dimension) keep their share in each split; rows of one group and
    near-duplicates stay in one split; every label that occurs is in train. A fraction of 0 gives no such split. Raises
    `DataError` if the fractions leave no training rows or there are too few rows to fill the splits.
    """
    fractions = {"validation": validation_fraction, "test": test_fraction}
    if min(fractions.values()) < 0 or sum(fractions.values()) >= 1:
        raise DataError(
            "The validation_fraction and test_fraction must be 0 or more and leave rows to train on (sum below 1). "
            f"Got {validation_fraction} and {test_fraction}. Lower one of them."
        )
    names = [name for name in SPLITS if name == "train" or fractions[name] > 0]
    groups = _find_groups(examples, seed)
    sizes = [len(group) for group in groups]
    strata = _find_strata(examples, scheme)
    held_out = [max(1, round(len(examples) * fractions[name])) for name in names[1:]]
    targets = [len(examples) - sum(held_out), *held_out]
    chosen: list[int] = []
    if targets[0] > 0:
        counts = [Counter(label for row in group for label in strata[row]) for group in groups]
        chosen = stratify_iteratively(sizes, counts, targets, cover=scheme.is_categorical, seed=seed)
    if len(set(chosen)) < len(names):
        labels = len({label for row in strata for label in row}) if scheme.is_categorical else 1
        raise DataError(
            f"Splitting into {', '.join(names)} needs at least {labels + len(held_out)} rows that "
            f"differ in text and group: one to train on for each label, and one for each other split. "
            f"Got {len(groups)}. Add rows, or name files that hold the splits."
        )
    split_of = {row: names[split] for group, split in zip(groups, chosen, strict=True) for row in group}
    splits: dict[str, list[Example]] = {name: [] for name in names}
    for row, example in enumerate(examples):
        splits[split_of[row]].append(example)
    return splits, _describe_splits(splits, dict(zip(names, targets, strict=True)), sizes, seed)


def _find_groups(examples: Sequence[Example], seed: int) -> list[list[int]]:
    """Return lists of row numbers that must stay in one split."""
    components = DisjointSets(len(examples))
    first_of: dict[Hashable, int] = {}
    clusters = cluster_near_duplicates([join_last_turn(example) for example in examples], seed=seed)
    for row, (example, cluster) in enumerate(zip(examples, clusters, strict=True)):
        components.join(first_of.setdefault(cluster, row), row)
        if example.group:
            components.join(first_of.setdefault(example.group, row), row)
    groups: dict[int, list[int]] = {}
    for row, number in enumerate(components.number_components()):
        groups.setdefault(number, []).append(row)
    return list(groups.values())


def _find_strata(examples: Sequence[Example], scheme: LabelScheme) -> list[tuple[Hashable, ...]]:
    """Return the strata of each row: its labels, or the quantile bin of each of its values."""
    if scheme.is_categorical:
        # Rows without any label are a stratum of their own.
        return [example.labels or (None,) for example in examples]
    unknown = (np.nan,) * len(scheme.names)
    values = np.array([example.values or unknown for example in examples], dtype=float).reshape(-1, len(scheme.names))
    bins = min(MAX_BINS, max(1, len(examples) // ROWS_PER_BIN))
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    columns = []
    for dimension, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        edges = np.unique(np.quantile(known, inner)) if len(known) else known
        columns.append([(dimension, int(place)) for place in np.searchsorted(edges, column, side="right")])
    return list(zip(*columns, strict=True))


def _describe_splits(
    splits: Mapping[str, Sequence[Example]], targets: Mapping[str, int], sizes: Sequence[int], seed: int
) -> tuple[str, ...]:
    notes = [
        f"{sum(sizes):,} rows were split with seed {seed}, labels in proportion: "
        + ", ".join(f"{name} {len(rows):,}" for name, rows in splits.items())
        + "."
    ]
    if together := sum(size for size in sizes if size > 1):
        notes.append(f"{together:,} rows share a group or nearly the same text with others and were kept together.")
    if any(abs(len(splits[name]) - target) > max(1, 0.1 * target) for name, target in targets.items()):
        reason = (
            f"the largest set of rows that must stay together has {max(sizes):,}"
            if max(sizes) > 1
            else "train needs a row of every label"
        )
        wanted = ", ".join(f"{name} {target:,}" for name, target in targets.items())
        notes.append(f"The requested shares ({wanted} rows) could not be met: {reason}.")
    labels_in = {name: {label for row in rows for label in row.labels or ()} for name, rows in splits.items()}
    notes.extend(
        f"No row of {name} has the label: {', '.join(sorted(missing))} (too few rows of it)."
        for name in splits
        if (missing := labels_in["train"] - labels_in[name])
    )
    return tuple(notes)
