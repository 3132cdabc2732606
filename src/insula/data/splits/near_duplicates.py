"""Near-duplicates: texts that share most of their character shingles.

Candidates are found by MinHash (Broder 1997) with banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
chapter 3) and then verified exactly: a pair may be missed (about one in a hundred at the threshold; more if very many
texts are much alike, such as form letters) but is never wrong.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from insula.core.errors import DataError
from insula.data.splits.components import DisjointSets
from insula.text.comparison import build_comparison_key, build_shingles

PERMUTATIONS = 128
RECALL = 0.99
MAX_COMPARED_TEXTS = 64  # per bucket; buckets of ordinary data sets have up to about 40 texts


def cluster_near_duplicates(texts: Sequence[str], *, threshold: float = 0.8, seed: int = 0) -> list[int]:
    """Return a cluster number per text, counted from 0 in order of first appearance.

    Two texts are near-duplicates if the Jaccard similarity of their sets of 5-character shingles (of the comparison
    key: case, punctuation, user names and URLs removed) is at least `threshold`; clusters are the connected components.
    A text with nothing to compare is a cluster of its own. `seed` draws the permutations of MinHash. Raises
    `DataError` if `threshold` is not in (0, 1].
    """
    if not 0 < threshold <= 1:
        raise DataError(
            f"The threshold of near-duplicates must be above 0 and at most 1. Got {threshold}. Use a number in this "
            "range."
        )
    components = DisjointSets(len(texts))
    first_with: dict[str, int] = {}
    for position, text in enumerate(texts):
        if key := build_comparison_key(text):
            components.join(first_with.setdefault(key, position), position)
    distinct = list(first_with.values())
    sizes, signatures = _compute_signatures((texts[position] for position in distinct), len(distinct), seed)

    @functools.lru_cache(maxsize=256)
    def get_shingles(item: int) -> set[str]:
        return build_shingles(texts[distinct[item]])

    def are_similar(one: int, other: int) -> bool:
        if components.find_root(distinct[one]) == components.find_root(distinct[other]):
            return True
        # Sets of too different a size cannot be similar enough; the bound saves most of the exact comparisons.
        small, large = sorted((sizes[one], sizes[other]))
        if small < threshold * large:
            return False
        shared = len(get_shingles(one) & get_shingles(other))
        return shared >= threshold * (small + large - shared)

    for bucket in _iterate_buckets(signatures, _choose_band_rows(threshold)):
        for one, other in _iterate_similar_pairs(bucket, are_similar):
            components.join(distinct[one], distinct[other])
    return components.number_components()


def find_near_duplicates(
    texts: Sequence[str], references: Sequence[str], *, threshold: float = 0.8, seed: int = 0
) -> npt.NDArray[np.bool_]:
    """Return a boolean array (texts,): near-duplicates of one of `references`, as in `cluster_near_duplicates`."""
    found = np.zeros(len(texts), dtype=bool)
    if not len(texts) or not len(references):
        return found
    sizes, signatures = _compute_signatures((*texts, *references), len(texts) + len(references), seed)

    @functools.lru_cache(maxsize=4096)
    def get_shingles(place: int) -> set[str]:
        return build_shingles(references[place])

    def is_near(place: int, candidates: list[int]) -> bool:
        size, shingles = sizes[place], build_shingles(texts[place])
        for other in candidates:
            small, large = sorted((size, sizes[len(texts) + other]))
            if small >= threshold * large:
                shared = len(shingles & get_shingles(other))
                if shared >= threshold * (small + large - shared):
                    return True
        return False

    is_comparable = np.array(sizes[: len(texts)]) > 0
    for keys in _iterate_band_keys(signatures, _choose_band_rows(threshold)):
        own, others = keys[: len(texts)], keys[len(texts) :]
        order = np.argsort(others, kind="stable")
        first, last = (np.searchsorted(others[order], own, side) for side in ("left", "right"))
        for place in np.flatnonzero((last > first) & ~found & is_comparable).tolist():
            candidates = order[first[place] : min(last[place], first[place] + MAX_COMPARED_TEXTS)]
            found[place] = is_near(place, candidates.tolist())
    return found


def _compute_signatures(texts: Iterable[str], count: int, seed: int) -> tuple[list[int], npt.NDArray[np.uint32]]:
    """Return the number of shingles of each text, and the MinHash values, of shape (count, PERMUTATIONS)."""
    from datasketch import MinHash  # it imports the Redis client and half of scipy

    sizes: list[int] = []

    def encode_shingles() -> Iterator[list[bytes]]:
        for text in texts:
            found = build_shingles(text)
            sizes.append(len(found))
            yield [shingle.encode("utf-8", "surrogatepass") for shingle in found]

    signatures = np.empty((count, PERMUTATIONS), dtype=np.uint32)
    sketches = MinHash.generator(
        encode_shingles(), num_perm=PERMUTATIONS, seed=seed, hashfunc=zlib.crc32, scheme="affine32"
    )
    for row, sketch in enumerate(sketches):
        signatures[row] = sketch.hashvalues
    return sizes, signatures


def _choose_band_rows(threshold: float) -> int:
    """Return the most rows of a band with which pairs at the threshold share a bucket with probability RECALL."""
    for rows in range(PERMUTATIONS, 1, -1):
        if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= RECALL:
            return rows
    return 1


def _iterate_buckets(signatures: npt.NDArray[np.uint32], rows: int) -> Iterator[list[int]]:
    """Yield groups of at least two items that agree in all `rows` values of a band.

    Lowest first; in a large bucket items that agree in further values are neighbours.
    """
    for band, keys in enumerate(_iterate_band_keys(signatures, rows)):
        order = np.argsort(keys, kind="stable")
        _, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
        for first, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
            bucket = order[first : first + count]
            if count > MAX_COMPARED_TEXTS:
                following = np.roll(signatures[bucket], -band * rows, axis=1)
                bucket = bucket[np.lexsort(following.T[::-1])]
            yield bucket.tolist()


def _iterate_band_keys(signatures: npt.NDArray[np.uint32], rows: int) -> Iterator[npt.NDArray[np.uint64]]:
    """Yield for each band of `rows` values the (items,) numbers that are equal where the values of the band are."""
    # A random linear sum replaces the band: different bands rarely collide, which only costs a comparison.
    factors = np.random.default_rng(0).integers(1, 2**64, size=rows, dtype=np.uint64, endpoint=False)
    for start in range(0, PERMUTATIONS - rows + 1, rows):
        yield (signatures[:, start : start + rows] * factors).sum(axis=1, dtype=np.uint64)


def _iterate_similar_pairs(bucket: list[int], similar: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
    """Yield enough pairs to connect all similar items of a bucket of up to `MAX_COMPARED_TEXTS` items.

    In a larger bucket each item is compared with at most that many others, the latest ones.
    """
    groups: list[list[int]] = []
    for item in bucket:
        home, apart, left = [item], [], MAX_COMPARED_TEXTS
        for group in reversed(groups):
            if any(similar(item, member) for member in group[-left:]):
                yield group[0], item
                home = [*group, *home][-MAX_COMPARED_TEXTS:]
            else:
                apart.append(group)
                left -= len(group)
                if left <= 0:  # earlier groups are skipped: else form letters would take hours
                    break
        groups = [*reversed(apart), home]
