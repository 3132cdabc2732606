"""The result of a search: its trials, the best one, and the recipe with its values."""

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

    state      complete; pruned (stopped early, as it was no better than others at that time); failed (see `error`);
               lost (its process was killed; it is repeated under another number)
    values     the values tried, by dotted key of the recipe
    value      the headline metric on validation rows under the decision rule, with its 95 % bootstrap interval `low`
               to `high`; None unless complete
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
    """The result of a search so far.

    path        its folder: `recipe.toml`, `report.html`, `search.json`, and the database unless another one was named
    recipe      the recipe with the values of the best trial
    best        the best trial
    metric      the maximised metric on validation rows: macro_f1, or pearson for dimensional schemes
    importance  the share of each key in the variance of the scores; empty if too few trials are complete
    """

    path: Path
    recipe: Recipe
    best: TrialRecord
    metric: str
    trials: Sequence[TrialRecord]
    importance: Mapping[str, float]

    @property
    def recipe_file(self) -> Path:
        """The best recipe as TOML, for use with `--recipe`."""
        return self.path / "recipe.toml"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"
