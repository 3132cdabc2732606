"""`Span`: a value of personal data in a text; and the choice among overlapping spans."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text; `checked` if a checksum confirms them."""

    start: int
    end: int
    kind: str
    checked: bool = False


def drop_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Return spans that do not overlap, in order.

    A span inside another one is dropped, so that masking leaves nothing of the outer one. Of two that overlap in part,
    the checked one is kept, then the longer, then the first.
    """
    taken: list[Span] = []
    for cluster in _iterate_clusters(sorted(set(spans))):
        outer = _select_outermost(cluster)
        chosen: list[Span] = []
        for span in sorted(outer, key=lambda one: (not one.checked, one.start - one.end, one.start, one.kind)):
            place = bisect_left(chosen, span)
            free_before = place == 0 or chosen[place - 1].end <= span.start
            if free_before and (place == len(chosen) or chosen[place].start >= span.end):
                insort(chosen, span)
        taken += chosen
    return taken


def _iterate_clusters(ordered: Iterable[Span]) -> Iterator[list[Span]]:
    cluster: list[Span] = []
    cluster_end = 0
    for span in ordered:
        if cluster and span.start >= cluster_end:
            yield cluster
            cluster = []
        cluster.append(span)
        cluster_end = max(cluster_end, span.end) if len(cluster) > 1 else span.end
    if cluster:
        yield cluster


def _select_outermost(cluster: list[Span]) -> list[Span]:
    """Return the spans that are not inside another one; of equal spans, the checked ones."""
    kept: list[Span] = []
    for span in sorted(cluster, key=lambda one: (one.start, -one.end, not one.checked, one.kind)):
        if not kept or span.end > kept[-1].end:
            kept.append(span)
    return kept
