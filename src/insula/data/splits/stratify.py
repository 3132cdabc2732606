"""Iterative stratification: sets of rows are dealt into splits so that every label keeps its share in each.

Sechidis, Tsoumakas and Vlahavas 2011, On the Stratification of Multi-label Data (ECML PKDD), algorithm 1: the label
with the fewest rows left is dealt first, each row to the split that still wants most of that label. Three things are
added: what is dealt is a set of rows that may not be parted; splits get the number of rows they ask for; and the first
split (training) gets a row of every label before any other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np


class _Dealer:
    """How many rows, and how many of each label, the splits still want."""

    def __init__(self, strata: Sequence[Mapping[Hashable, int]], targets: Sequence[int], cover: bool) -> None:
        self.left: dict[Hashable, int] = {}
        for counts in strata:
            for label, count in counts.items():
                self.left[label] = self.left.get(label, 0) + count
        total = sum(targets)
        self.sets_left = len(strata)
        self.empty = set(range(len(targets)))
        self.wanted = list(targets)
        self.wanted_of = {label: [count * target / total for target in targets] for label, count in self.left.items()}
        self.unseen = set(self.left) if cover else set()  # labels that the first split has no row of yet

    def choose(self, counts: Mapping[Hashable, int], size: int) -> int:
        """Return the split that a set of rows goes to."""
        if not self.unseen.isdisjoint(counts):
            return 0
        # The first split keeps room for a row of every label it has not got yet.
        room = [self.wanted[0] - len(self.unseen), *self.wanted[1:]]
        if self.empty and self.sets_left - len(self.unseen) <= len(self.empty):
            fitting = sorted(self.empty)  # the last chance to give every split a row
        else:
            fitting = [split for split, free in enumerate(room) if 2 * free >= size]
        if not fitting:
            return max(range(len(room)), key=lambda split: room[split])
        rarest_first = sorted(counts, key=lambda label: self.left[label])
        return max(
            fitting, key=lambda split: ([self.wanted_of[label][split] for label in rarest_first], self.wanted[split])
        )

    def deal(self, counts: Mapping[Hashable, int], size: int, split: int) -> None:
        """Book a set of rows to a split."""
        self.sets_left -= 1
        self.empty.discard(split)
        self.wanted[split] -= size
        for label, count in counts.items():
            self.wanted_of[label][split] -= count
            self.left[label] -= count
        if split == 0:
            self.unseen.difference_update(counts)


def iterative_stratification(
    sizes: Sequence[int],
    strata: Sequence[Mapping[Hashable, int]],
    targets: Sequence[int],
    *,
    cover: bool = True,
    seed: int = 0,
) -> list[int]:
    """Return for each set of rows the index of the split it goes to.

    sizes    rows in each set
    strata   label counts of each set: how many of its rows carry the label
    targets  rows that each split asks for, the training split first; their sum is the sum of `sizes`
    cover    whether the training split must have a row of every label

    Sets of one row fill the splits exactly, except where training needs more rows to see every label. No split stays
    empty where there are as many sets as labels and further splits (without `cover`, as many sets as splits).
    """
    dealer = _Dealer(strata, targets, cover)
    chosen = [-1] * len(sizes)
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    order.sort(key=lambda item: -sizes[item])

    def deal(items: Sequence[int]) -> None:
        for item in items:
            if chosen[item] < 0:
                chosen[item] = dealer.choose(strata[item], sizes[item])
                dealer.deal(strata[item], sizes[item], chosen[item])

    # A set that would fill a good part of a split finds no place at the end: such sets go first, largest first.
    large = 0.05 * min(targets)
    deal([item for item in order if sizes[item] > max(1.0, large)])
    having: dict[Hashable, list[int]] = {}
    for item in order:
        for label in strata[item]:
            having.setdefault(label, []).append(item)
    while having:
        rarest = min(having, key=lambda label: dealer.left[label])
        deal(having.pop(rarest))
    deal(order)
    return chosen
