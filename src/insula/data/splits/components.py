"""`DisjointSets`: connected components of items, by union-find."""

from __future__ import annotations


class DisjointSets:
    """The items 0 to `count` - 1; at first, each is its own component."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find_root(self, item: int) -> int:
        """Return the representative of the component of `item`: its lowest item."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    def join(self, one: int, other: int) -> None:
        """Join the components of two items."""
        low, high = sorted((self.find_root(one), self.find_root(other)))
        self._parent[high] = low

    def number_components(self) -> list[int]:
        """Return a component number per item, counted from 0 in order of first appearance."""
        number: dict[int, int] = {}
        return [number.setdefault(self.find_root(item), len(number)) for item in range(len(self._parent))]
