"""The data for compression: training texts for calibration, validation rows for decisions and measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.model_input import ModelInput
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.models.folder import ModelFolder
from insula.models.provenance import drop_training_rows
from insula.text.context import Segments
from insula.text.preparation import Preparation

MIN_VALIDATION_ROWS = 50


@dataclass(frozen=True)
class CompressionData:
    """Rows of the training data of a model. Test rows are never used.

    raw         training inputs before preparation
    examples    validation rows that are not training rows
    texts       their prepared texts
    gold        (rows, labels) their gold, as `core.targets.build_gold_matrix`
    """

    raw: Sequence[ModelInput]
    preparation: Preparation
    examples: Sequence[Example]
    texts: Sequence[Segments]
    gold: NDArray[np.float64]

    @classmethod
    def of(cls, dataset: Dataset, folder: ModelFolder) -> CompressionData:
        """Select the rows of a data set for the model in a folder. Raises as `select_unseen_validation_rows`."""
        examples = select_unseen_validation_rows(dataset, [folder])
        return cls(
            raw=[example.input for example in dataset.split("train")],
            preparation=folder.preparation,
            examples=examples,
            texts=folder.preparation.prepare_segments([example.input for example in examples]),
            gold=build_gold_matrix(folder.scheme, examples),
        )

    @cached_property
    def train(self) -> list[Segments]:
        """All training texts, prepared."""
        return self.preparation.prepare_segments(self.raw)

    def sample_train(self, count: int, *, seed: int) -> list[Segments]:
        """Return at most `count` training texts, drawn without replacement."""
        drawn = np.random.default_rng(seed).permutation(len(self.raw))[:count]
        return self.preparation.prepare_segments([self.raw[row] for row in drawn])


def select_unseen_validation_rows(dataset: Dataset, folders: Sequence[ModelFolder]) -> list[Example]:
    """Return the validation rows of a data set that are not training rows of any of the models.

    Raises `DataError` if the data set has other labels than the models, or if fewer than 50 such rows are left.
    """
    scheme = folders[0].scheme
    if not dataset.scheme.has_labels_of(scheme):
        raise DataError(
            f"The data set {dataset.name!r} must have the labels of the model. Got "
            f"{dataset.scheme.summary}. Pass the data that the model was trained on with --data."
        )
    examples = list(dataset.splits.get("validation", ()))
    for folder in folders:
        examples = drop_training_rows(folder.path, examples)
    if len(examples) < MIN_VALIDATION_ROWS:
        raise DataError(
            f"The data set {dataset.name!r} must have at least {MIN_VALIDATION_ROWS} validation rows that the "
            f"model was not trained on, to choose thresholds and measure the loss. Got {len(examples)}. "
            "Pass more rows with --data."
        )
    return examples
