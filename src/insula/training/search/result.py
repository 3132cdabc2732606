"""What a search leaves: its trials, the best of them, and the recipe that they lead to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from insula.training.recipe.recipe import Recipe


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    state      complete; pruned (ended early, being no better than others at that time); failed (see `error`); lost
               (its process was killed; it is tried again under another number)
    values     dotted keys of the recipe to what was tried
    value      the headline metric on validation rows under the decision rule, with `low` and `high`, the ends of its
               95 % bootstrap interval; None unless complete
    scores     the validation score at each evaluation during training, before any decision rule
    """

    number: int
    state: Literal["complete", "pruned", "failed", "lost"]
    values: Mapping[str, Any]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    scores: Sequence[float] = ()
    seconds: float = 0.0
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class SearchResult:
    """A search as far as it has come.

    path        its folder: `recipe.toml`, `report.html`, `search.json`, and the study's database where none was named
    recipe      the recipe with the best trial's values
    best        that trial
    metric      what was made large on validation rows: macro_f1, or pearson for dimensional schemes
    importance  key to its share in how far the scores of trials differ; empty where too few are complete
    """

    path: Path
    recipe: Recipe
    best: TrialRecord
    metric: str
    trials: Sequence[TrialRecord]
    importance: Mapping[str, float]

    @property
    def recipe_file(self) -> Path:
        """The best recipe as TOML, to be given as `--recipe`."""
        return self.path / "recipe.toml"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"
