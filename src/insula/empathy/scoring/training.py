"""`load_level_rows` and `measure_scorer`: train a scorer of empathy on labelled pairs, and measure it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset
from insula.data.formats.formats import open_rows
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.empathy.scoring.files import PairColumns, choose_pair_columns
from insula.empathy.scoring.result import LEVELS, MECHANISMS, Mechanism
from insula.empathy.scoring.score import score_replies
from insula.empathy.scoring.trained import LABELS, get_level_label
from insula.inference.predictor import Predictor
from insula.training.run import Run

SCHEME = LabelScheme("empathy", "multi", LABELS)


@dataclass(frozen=True)
class TrainedScorer:
    """A trained scorer of empathy.

    run       the finished run; its folder is a model for `score_empathy`
    rows      number of test rows
    macro_f1  macro-F1 over the levels that occur, by mechanism, on the test rows
    """

    run: Run
    rows: int
    macro_f1: dict[Mechanism, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        figures = {name: round(value, 4) for name, value in self.macro_f1.items()}
        return {"run": str(self.run.path), "rows": self.rows, "macro_f1": figures}


def load_level_rows(
    source: str,
    *,
    message: str | None = None,
    reply: str | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    balance: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Return pairs with levels by split; pairs of one message stay in one split.

    source  a file with the columns of `MECHANISMS`, each 0, 1 or 2
    message, reply  columns; default: detected from common column names
    balance  exponent b >= 0 of the weights of training rows: the product over mechanisms of (rows / rows of the same
             level)^b, scaled to a mean of 1. 0 weighs all rows 1; 1 gives the levels of a mechanism equal weight

    The labels are those of `trained.LABELS`: a reply of level 2 has both labels of its mechanism. Raises `DataError`.
    """
    with open_rows(source, batch_size=1) as reader:
        names = reader.columns
    reply, found = choose_pair_columns(names, repr(source), PairColumns(reply=reply, message=message))
    if missing := [name for name in MECHANISMS if name not in names]:
        raise DataError(
            f"The levels must be in the columns {', '.join(MECHANISMS)}, each 0, 1 or 2. Got no {', '.join(missing)} "
            f"in {source!r}. Add it."
        )
    options = DataOptions.checked(
        text=reply,
        context=found,
        group=found if isinstance(found, str) else found[0],
        label=MECHANISMS,
        kind="dimensional",
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    data = load_dataset(source, options, seed=seed)
    splits = {name: [_build_labelled(one) for one in rows] for name, rows in data.splits.items()}
    splits["train"] = _weigh(splits["train"], balance)
    return replace(data, scheme=SCHEME, splits=splits)


def measure_scorer(predictor: Predictor, rows: Sequence[Example]) -> dict[Mechanism, float]:
    """Return the macro-F1 of each mechanism on labelled rows."""
    scores = score_replies([one.input for one in rows], predictor)
    return {
        name: compute_macro_f1(
            [_read_level(one, name) for one in rows], [score.mechanisms[name].level for score in scores]
        )
        for name in MECHANISMS
    }


def compute_macro_f1(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 of the levels that occur in `gold` or `predicted`."""
    true, given = np.asarray(gold), np.asarray(predicted)
    counts = [
        (2 * np.sum((true == level) & (given == level)), np.sum(true == level) + np.sum(given == level))
        for level in LEVELS
    ]
    return float(np.mean([hits / both for hits, both in counts if both]))


def _build_labelled(example: Example) -> Example:
    values = example.values or ()
    if any(value not in LEVELS for value in values):
        raise DataError(
            f"A level of empathy must be 0, 1 or 2. Got {', '.join(f'{value:g}' for value in values)} for the reply "
            f"{example.text[:60]!r}. Correct or remove that row."
        )
    labels = [
        get_level_label(name, level)
        for name, value in zip(MECHANISMS, values, strict=True)
        for level in (1, 2)
        if value >= level
    ]
    return replace(example, labels=tuple(labels), values=None)


def _weigh(rows: Sequence[Example], balance: float) -> list[Example]:
    """Return rows with weights that grow with the rarity of their levels."""
    if not math.isfinite(balance) or balance < 0:
        raise DataError(f"The balance must be a number of at least 0. Got {balance}. Choose 0 for equal weights.")
    if not balance:
        return list(rows)
    levels = np.array([[_read_level(one, name) for name in MECHANISMS] for one in rows])
    counts = np.array([np.bincount(column, minlength=len(LEVELS)) for column in levels.T])
    weights = (len(rows) / counts[np.arange(len(MECHANISMS)), levels]).prod(axis=1) ** balance
    weights /= weights.mean()
    return [replace(one, weight=float(weight)) for one, weight in zip(rows, weights, strict=True)]


def _read_level(example: Example, mechanism: Mechanism) -> int:
    return sum(get_level_label(mechanism, level) in (example.labels or ()) for level in (1, 2))
