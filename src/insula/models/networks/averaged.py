"""`StaticNetwork`: a trained `static` network in numpy. It maps token ids to logits without torch or padding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from insula.core.errors import ModelFolderError
from insula.models.layers.numpy_heads import NumpyHead, numpy_heads

MIN_SORTED_TEXTS = 8  # sorting by length does not pay off up to this number of texts
MAX_BLOCK_ROWS = 256  # texts of equal length per block: their vectors stay in the CPU cache


class StaticNetwork:
    """A `static` network with the weights of a model folder.

    table   (tokens, width) float32, converted from the stored type
    hidden  weights (hidden, width) and biases (hidden,) of the ReLU layer, or None
    """

    def __init__(
        self,
        table: NDArray[np.float32],
        hidden: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        head: NumpyHead,
        tensors: Mapping[str, NDArray[np.float32]],
    ) -> None:
        self.table = table
        self.hidden = hidden
        self._head = head
        self._tensors = tensors

    @classmethod
    def load(cls, folder: Path) -> StaticNetwork:
        """Read `config.json` and `model.safetensors`. Raises `ModelFolderError` if they are not a `static` model."""
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            stored = load_file(folder / "model.safetensors")
            table = stored["table.rows"].astype(np.float32)
            if "table.scales" in stored:
                table *= stored["table.scales"]
            hidden = (stored["hidden.weight"], stored["hidden.bias"]) if config["hidden"] else None
            head = numpy_heads[config["head"]]
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise ModelFolderError(
                f"The model folder {str(folder)!r} does not contain a static model: {error}. Copy it again, or train "
                "again."
            ) from error
        own = {name.removeprefix("head."): one for name, one in stored.items() if name.startswith("head.")}
        return cls(table, hidden, head, own)

    def logits(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (texts, outputs) logits.

        ids      the token ids of all texts, concatenated
        lengths  (texts,) the number of tokens of each text
        """
        mean = self.average(ids, lengths)
        if self.hidden is not None:
            weights, biases = self.hidden
            mean = np.maximum(mean @ weights.T + biases, 0)
        return self._head(mean, self._tensors)

    def average(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (texts, width) the mean of the vectors of each text; arguments as in `logits`."""
        mean: NDArray[np.float32] = self._sum_vectors(ids, lengths) / np.maximum(lengths, 1).astype(np.float32)[:, None]
        return mean

    @property
    def additive(self) -> bool:
        """Whether logits are a sum over tokens: a hidden layer, or another head than `linear`, mixes them."""
        return self.hidden is None and self._head is numpy_heads["linear"]

    def contributions(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (tokens, outputs) contributions of the tokens of one text to its logits, and the (outputs,) bias."""
        vectors = self.table[ids].astype(np.float64) / max(len(ids), 1)
        weights = self._tensors["output.weight"].astype(np.float64)
        return vectors @ weights.T, self._tensors["output.bias"].astype(np.float64)

    def _sum_vectors(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        ends = np.cumsum(lengths)
        sums = np.empty((len(lengths), self.table.shape[1]), dtype=np.float32)
        if len(lengths) <= MIN_SORTED_TEXTS:
            for row, (last, length) in enumerate(zip(ends.tolist(), lengths.tolist(), strict=True)):
                self.table[ids[last - length : last]].sum(axis=0, out=sums[row])
            return sums
        # Summing blocks of texts of equal length is several times faster than `np.add.reduceat`.
        order = np.argsort(lengths, kind="stable")
        known, firsts = np.unique(lengths[order], return_index=True)
        for length, rows in zip(known.tolist(), np.split(order, firsts[1:]), strict=True):
            for some in np.split(rows, range(MAX_BLOCK_ROWS, len(rows), MAX_BLOCK_ROWS)):
                places = (ends[some] - length)[:, None] + np.arange(length)
                sums[some] = self.table[ids[places]].sum(axis=1)
        return sums
