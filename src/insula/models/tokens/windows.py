"""Texts that are longer than a model reads: they are truncated, or read in overlapping windows.

The logits of a text that is read in windows are the mean, or for each output the maximum, of those of its windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Windows = Literal["none", "mean", "max"]
WINDOWS: tuple[Windows, ...] = ("none", "mean", "max")
"""Pooling of the logits of the windows of a text; `none` reads only the start of a long text."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The token ids of one text as a network reads them.

    windows    one array of token ids, or several for a long text that is read in windows
    pooling    how the logits of several windows are pooled
    truncated  whether the end of the text is not read

    The length is the number of tokens to compute.
    """

    windows: tuple[Ids, ...]
    pooling: Windows = "none"
    truncated: bool = False

    def __len__(self) -> int:
        return sum(map(len, self.windows))


@dataclass(frozen=True, slots=True)
class FlatTokens:
    """The token ids of several texts, concatenated.

    ids        the token ids of all windows
    lengths    (windows,) the number of tokens of each window
    counts     (texts,) the number of windows of each text, at least 1
    pooling    how the logits of several windows are pooled
    truncated  (texts,) whether the end of the text is not read
    """

    ids: Ids
    lengths: Ids
    counts: Ids
    pooling: Windows
    truncated: NDArray[np.bool_]


def compute_window_spans(tokens: int, width: int) -> list[tuple[int, int]]:
    """Return start and end of each window over `tokens` tokens: evenly spaced, all of them full.

    Neighbours share at least a quarter of their tokens, so that a phrase at the end of one is whole in the other.
    """
    if tokens <= width:
        return [(0, tokens)]
    step = max(1, width * 3 // 4)
    last = -(-(tokens - width) // step)
    starts = [number * (tokens - width) // last for number in range(last + 1)]
    return [(start, start + width) for start in starts]


def split_into_windows(ids: Ids, lengths: Ids, *, max_tokens: int, windows: Windows) -> FlatTokens:
    """Split whole texts, concatenated, into the windows that a model reads: only the first if `windows` is none.

    ids, lengths  the token ids of all texts, and the number of tokens of each text
    max_tokens    the number of tokens that the model reads at once
    """
    longer, counts = lengths > max_tokens, np.ones(len(lengths), dtype=np.int64)
    if not longer.any():
        return FlatTokens(ids, lengths, counts, windows, longer)
    pieces, sizes = list[Ids](), list[int]()
    for row, (end, length) in enumerate(zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True)):
        spans = compute_window_spans(length, max_tokens)
        if windows == "none":
            del spans[1:]
        first = end - length
        pieces += [ids[first + start : first + stop] for start, stop in spans]
        sizes += [stop - start for start, stop in spans]
        counts[row] = len(spans)
    truncated = longer if windows == "none" else np.zeros(len(lengths), dtype=np.bool_)
    return FlatTokens(np.concatenate(pieces), np.array(sizes, dtype=np.int64), counts, windows, truncated)


def pool(logits: NDArray[np.float32], counts: Sequence[int] | Ids, windows: Windows) -> NDArray[np.float32]:
    """Return the (texts, outputs) logits from the (windows, outputs) logits of their windows, in order.

    counts  the number of windows of each text, at least 1
    """
    if len(counts) == len(logits):
        return logits
    counts = np.asarray(counts, dtype=np.int64)
    firsts = np.cumsum(counts) - counts
    if windows == "max":
        highest: NDArray[np.float32] = np.maximum.reduceat(logits, firsts, axis=0)
        return highest
    sums: NDArray[np.float32] = np.add.reduceat(logits, firsts, axis=0)
    return sums / counts.astype(np.float32)[:, None]


def compute_in_windows(
    tokens: Sequence[TextTokens | Ids], compute: Callable[[list[Ids]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return (texts, outputs) logits; `compute` returns those of single windows.

    An array of token ids is a text with one window.
    """
    windows = [row.windows if isinstance(row, TextTokens) else (row,) for row in tokens]
    logits = compute([one for several in windows for one in several])
    long = next((row for row in tokens if isinstance(row, TextTokens) and len(row.windows) > 1), None)
    return logits if long is None else pool(logits, [len(several) for several in windows], long.pooling)
