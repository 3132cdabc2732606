"""`LabelMap`: measure a model on rows with other labels than its own, such as 28 emotions on positive and negative."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from insula.core.decision import Decisions
from insula.core.errors import CHOOSE, DataError, MissingFileError, suggest
from insula.core.example import Example
from insula.core.levels import Level
from insula.core.scheme import LabelScheme


@dataclass(frozen=True)
class LabelMap:
    """Which labels of a model count as which label of the rows.

    name    of the map: the file, or the level of the model's scheme
    model   the model's scheme, categorical
    table   label of the rows to labels of the model; a label of the model may be under several, or under none

    Raises `DataError` for a label that the model does not have.
    """

    name: str
    model: LabelScheme
    table: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        if not self.model.is_categorical:
            raise DataError(
                f"A label map needs a model with labels. Got the dimensional scheme {self.model.name!r}. Choose a "
                "model with labels."
            )
        if not self.table:
            raise DataError(f"The label map {self.name!r} must have at least one label. Got none. Add some to it.")
        for label in dict.fromkeys(label for labels in self.table.values() for label in labels):
            if label not in self.model.names:
                raise DataError(
                    f"The label map {self.name!r} must map to labels of the model: "
                    f"{', '.join(self.model.names[:40])}. Got {label!r}.{suggest(label, self.model.names, CHOOSE)}"
                )

    @classmethod
    def of_level(cls, scheme: LabelScheme, level: str) -> Self:
        """Return the map of a coarser level of a scheme, such as `sentiment`; `DataError` if it has no such level."""
        scheme.coarsen((), level)  # raises with the levels that there are
        table: dict[str, tuple[str, ...]] = {}
        for fine in scheme.names:
            if (coarse := scheme.mappings[level].get(fine)) is not None:
                table[coarse] = (*table.get(coarse, ()), fine)
        return cls(level, scheme, table)

    @classmethod
    def from_file(cls, path: str | Path, scheme: LabelScheme) -> Self:
        """Read a TOML file with a line for each label of the rows: `positive = ["joy", "love"]`.

        Raises `MissingFileError`, and `DataError` for other content.
        """
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise MissingFileError(f"The label map {str(path)!r} does not exist. Check the path.") from error
        except (OSError, ValueError) as error:
            raise DataError(f"The label map {str(path)!r} cannot be read: {error}. Correct the file.") from error
        return cls.of(content, scheme, name=str(path))

    @classmethod
    def of(cls, table: Mapping[str, Any], scheme: LabelScheme, *, name: str = "map") -> Self:
        """Return the map of a dictionary: label of the rows to one label of the model, or to a list of them."""
        read = {}
        for label, labels in table.items():
            several = [labels] if isinstance(labels, str) else labels
            if not isinstance(several, Sequence) or not all(isinstance(one, str) for one in several):
                raise DataError(
                    f'The label map {name!r} must have lines such as positive = ["joy", "love"]. '
                    f"Got {labels!r} for {label!r}. Correct that line."
                )
            read[str(label)] = tuple(several)
        return cls(name, scheme, read)

    @property
    def scheme(self) -> LabelScheme:
        """All labels of the map, any number of them on a row: the scheme that rows are read with."""
        return LabelScheme(Path(self.name).stem, "multi", tuple(self.table))

    def map_rows(self, examples: Sequence[Example]) -> MappedLabels:
        """Return how the model is measured on these rows; `DataError` where they have fewer than two labels."""
        held = {label for example in examples for label in example.labels or ()}
        names = tuple(label for label in self.table if label in held)
        if len(names) < 2:
            raise DataError(
                f"The rows must have at least two labels of the map {self.name!r}. Got {', '.join(names) or 'none'}. "
                "Evaluate on other rows."
            )
        exclusive = all(len(example.labels or ()) == 1 for example in examples)
        return MappedLabels(self, LabelScheme(self.scheme.name, "single" if exclusive else "multi", names))


@dataclass(frozen=True)
class MappedLabels:
    """The mapping from decisions of the model to decisions about the labels of the rows.

    scheme  the labels that the rows have, without others of the map; single if every row has exactly one

    A score is the sum over the model's labels if they are mutually exclusive, else the largest. A label is decided if
    one of the model's decided labels counts as it. If every row has exactly one label, the model gives one, too: the
    decided label, of several the one with the highest score; if none is decided, the label with the highest score.
    """

    map: LabelMap
    scheme: LabelScheme

    @cached_property
    def _level(self) -> Level:
        names, model = self.scheme.names, self.map.model
        children = np.array([[fine in self.map.table[name] for name in names] for fine in model.names])
        return Level(LabelScheme(self.scheme.name, "multi" if model.kind == "multi" else "single", names), children)

    def map_decisions(self, decided: Decisions) -> Decisions:
        """Return the decisions about the labels of the rows; confidence and abstention are those of the model."""
        scores, chosen = (
            np.clip(self._level.compute_scores(decided.scores), 0.0, 1.0),
            self._level.choose_parents(decided.chosen),
        )
        if self.scheme.has_one_label:
            best = np.where(chosen, scores + 2.0, scores).argmax(axis=1)
            chosen = np.eye(len(self.scheme.names), dtype=bool)[best]
        return Decisions(scores, chosen, decided.confidence, decided.abstained)

    def list_notes(self, decided: Decisions) -> tuple[str, ...]:
        """Return sentences that describe the measurement."""
        names, absent = self.scheme.names, [name for name in self.map.table if name not in self.scheme.names]
        shown = "; ".join(f"{name} = {', '.join(self.map.table[name]) or 'none'}" for name in names)
        lines = [f"The model's labels count as labels of the rows ({self.map.name}): {shown}."]
        lines.append(
            f"Macro-F1 is the mean over the {len(names)} labels that the rows have: {', '.join(names)}."
            + (f" No row has {', '.join(absent)}." if absent else "")
        )
        if self.scheme.has_one_label:
            undecided = int((~self._level.choose_parents(decided.chosen).any(axis=1)).sum())
            lines.append(
                "Every row has one label, so the model gives one: its decision, or the label of these with the highest "
                f"score where it decided for none of them ({undecided:,} of {len(decided.chosen):,} rows)."
            )
        return tuple(lines)
