"""The rows that a model is made small with: training texts to look at, validation rows to choose and to judge on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.targets import gold_matrix
from insula.data.dataset import Dataset
from insula.data.leak import Fingerprint
from insula.models.fingerprints import fingerprints
from insula.models.folder import ModelFolder

LEAST_VALIDATION = 50


@dataclass(frozen=True)
class OwnRows:
    """Rows of the set that a model was trained on; test rows are not among them.

    train       prepared training texts
    examples    validation rows that were not trained on
    texts       the same, prepared
    gold        (rows, labels) of them, as `core.targets.gold_matrix`
    """

    train: Sequence[str]
    examples: Sequence[Example]
    texts: Sequence[str]
    gold: NDArray[np.float64]

    @classmethod
    def of(cls, dataset: Dataset, folder: ModelFolder) -> OwnRows:
        """Take the rows of a data set for the model in a folder.

        Raises `DataError` where its labels are others, or fewer than 50 validation rows are left.
        """
        if (dataset.scheme.kind, dataset.scheme.names) != (folder.scheme.kind, folder.scheme.names):
            raise DataError(
                f"The data set {dataset.name!r} must have the labels of the model. Got {dataset.scheme.kind} "
                f"{', '.join(dataset.scheme.names[:8])}. Name the data that the model was trained on with --data."
            )
        validation = list(dataset.splits.get("validation", ()))
        learnt = fingerprints(folder.path).get("train", Fingerprint())
        seen = learnt.seen([example.text for example in validation])
        examples = [example for example, known in zip(validation, seen, strict=True) if not known]
        if len(examples) < LEAST_VALIDATION:
            raise DataError(
                f"The data set {dataset.name!r} must have at least {LEAST_VALIDATION} validation rows that the "
                f"model was not trained on, to choose thresholds and to measure the loss. Got {len(examples)}. "
                "Name more rows with --data."
            )
        prepare = folder.preparation.many
        return cls(
            train=prepare([example.text for example in dataset.split("train")]),
            examples=examples,
            texts=prepare([example.text for example in examples]),
            gold=gold_matrix(folder.scheme, examples),
        )

    def some_train(self, count: int, *, seed: int) -> list[str]:
        """Return at most `count` training texts, drawn without replacement."""
        drawn = np.random.default_rng(seed).permutation(len(self.train))[:count]
        return [self.train[row] for row in drawn]
