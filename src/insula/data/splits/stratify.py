"""Iterative stratification: assign groups of rows to splits so that every label keeps its share in each.

Sechidis, Tsoumakas and Vlahavas 2011, On the Stratification of Multi-label Data (ECML PKDD), algorithm 1: the label
with the fewest rows left is assigned first, each row to the split that still needs most of that label. Three additions:
groups of rows that must stay together are assigned as one; splits get the number of rows they request; and the first
split (training) gets a row of every label before any other split does.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np


class _RemainingRows:
    """The number of rows, and of rows of each label, that the splits still need."""

    def __init__(self, strata: Sequence[Mapping[Hashable, int]], targets: Sequence[int], cover: bool) -> None:
        self.left: dict[Hashable, int] = {}
        for counts in strata:
            for label, count in counts.items():
                self.left[label] = self.left.get(label, 0) + count
        total = sum(targets)
        self.groups_left = len(strata)
        self.empty = set(range(len(targets)))
        self.wanted = list(targets)
        self.wanted_of = {label: [count * target / total for target in targets] for label, count in self.left.items()}
        self.unseen = set(self.left) if cover else set()  # labels without a row in the first split

    def choose(self, counts: Mapping[Hashable, int], size: int) -> int:
        """Return the split for a group of rows."""
        if not self.unseen.isdisjoint(counts):
            return 0
        # The first split keeps room for a row of every label that it lacks.
        room = [self.wanted[0] - len(self.unseen), *self.wanted[1:]]
        if self.empty and self.groups_left - len(self.unseen) <= len(self.empty):
            fitting = sorted(self.empty)  # the last chance to fill every split
        else:
            fitting = [split for split, free in enumerate(room) if 2 * free >= size]
        if not fitting:
            return max(range(len(room)), key=lambda split: room[split])
        rarest_first = sorted(counts, key=lambda label: self.left[label])
        return max(
            fitting, key=lambda split: ([self.wanted_of[label][split] for label in rarest_first], self.wanted[split])
        )

    def assign(self, counts: Mapping[Hashable, int], size: int, split: int) -> None:
        """Assign a group of rows to a split."""
        self.groups_left -= 1
        self.empty.discard(split)
        self.wanted[split] -= size
        for label, count in counts.items():
            self.wanted_of[label][split] -= count
            self.left[label] -= count
        if split == 0:
            self.unseen.difference_update(counts)


def stratify_iteratively(
    sizes: Sequence[int],
    strata: Sequence[Mapping[Hashable, int]],
    targets: Sequence[int],
    *,
    cover: bool = True,
    seed: int = 0,
) -> list[int]:
    """Return the index of the split of each group of rows.

    sizes    number of rows of each group
    strata   label counts of each group
    targets  number of rows that each split requests, the training split first; they sum to the sum of `sizes`
    cover    True if the training split must have a row of every label

    Groups of one row fill the splits exactly, except if training needs more rows to have every label. No split stays
    empty if there are at least as many groups as labels and further splits (without `cover`, as splits).
    """
    demand = _RemainingRows(strata, targets, cover)
    chosen = [-1] * len(sizes)
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    order.sort(key=lambda item: -sizes[item])

    def assign(items: Sequence[int]) -> None:
        for item in items:
            if chosen[item] < 0:
                chosen[item] = demand.choose(strata[item], sizes[item])
                demand.assign(strata[item], sizes[item], chosen[item])

    # A group that fills a good part of a split fits nowhere at the end: such groups come first, the largest first.
    large = 0.05 * min(targets)
    assign([item for item in order if sizes[item] > max(1.0, large)])
    having: dict[Hashable, list[int]] = {}
    for item in order:
        for label in strata[item]:
            having.setdefault(label, []).append(item)
    while having:
        rarest = min(having, key=lambda label: demand.left[label])
        assign(having.pop(rarest))
    assign(order)
    return chosen
