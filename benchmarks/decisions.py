"""What each cell decided on its test rows, row by row, kept beside the runs: what paired differences are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from insula.core.decision import Decisions
from insula.core.example import Example
from insula.core.files import atomic_file
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.splits.compared import hash_text

FOLDER = Path(__file__).parent / "runs" / "decisions"


@dataclass(frozen=True)
class Answers:
    """A cell's answers to its test rows.

    rows    (rows,) hashes of the texts, by which two cells know that they answered the same rows
    gold, scores   (rows, labels)
    chosen         (rows, labels) bool; all False for dimensional schemes
    """

    rows: NDArray[np.int64]
    gold: NDArray[np.float64]
    scores: NDArray[np.float64]
    chosen: NDArray[np.bool_]

    def only(self, kept: NDArray[np.bool_]) -> Answers:
        """Return the answers to some of the rows, by a (rows,) mask."""
        return Answers(self.rows[kept], self.gold[kept], self.scores[kept], self.chosen[kept])


def hashes(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Return the (rows,) hashes of the texts."""
    return np.array([hash_text(example.text) for example in examples], dtype=np.uint64).view(np.int64)


def save(cell: str, data: Dataset, decisions: Decisions, folder: Path = FOLDER) -> Answers:
    """Keep the decisions of a cell on the test rows of its data."""
    examples = data.split("test")
    answers = Answers(
        hashes(examples),
        build_gold_matrix(data.scheme, examples),
        np.asarray(decisions.scores, dtype=np.float64),
        np.asarray(decisions.chosen, dtype=bool),
    )
    with atomic_file(folder / f"{cell}.safetensors") as temporary:
        save_file(vars(answers) | {"chosen": answers.chosen.astype(np.uint8)}, temporary)
    return answers


def load(cell: str, folder: Path = FOLDER) -> Answers | None:
    """Return what a cell decided, None where it was not kept."""
    file = folder / f"{cell}.safetensors"
    if not file.exists():
        return None
    kept = load_file(file)
    return Answers(kept["rows"], kept["gold"], kept["scores"], kept["chosen"].astype(bool))


def same_rows(*answers: Answers) -> bool:
    """Return whether all answered the same rows in the same order."""
    first = answers[0]
    return all(
        np.array_equal(first.rows, other.rows) and np.array_equal(first.gold, other.gold) for other in answers[1:]
    )
