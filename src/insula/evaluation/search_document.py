"""`SearchDocument`: the content of `search.json`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from insula.evaluation.record import WITHOUT_NULLS, Document, Record
from insula.evaluation.result import Interval


class SearchedRows(Record):
    """The training and validation rows of every trial."""

    name: str = ""
    rows: dict[str, int] = Field(default_factory=dict, description="number of rows for each split")


class SearchedOption(Record):
    """The search space of one option: choices, or a range of numbers."""

    choices: list[Any] | None = None
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = Field(False, description="whether values are sampled on a logarithmic scale")


class SearchTrial(Record):
    """One trial."""

    number: int = 0
    state: Literal["complete", "pruned", "failed", "lost"] = "complete"
    values: dict[str, Any] = Field(default_factory=dict, description="this trial's value for each dotted recipe key")
    value: float | None = Field(None, description="metric on validation rows; null unless the trial is complete")
    low: float | None = None
    high: float | None = None
    scores: list[float] = Field(default_factory=list, description="validation score at each evaluation in training")
    seconds: float = 0.0
    error: str | None = None

    @property
    def interval(self) -> Interval:
        """The metric with its interval."""
        return Interval(self.value, self.low, self.high)


class SearchDocument(Document):
    """The trials of a search and their results: the content of `search.json`."""

    title: ClassVar[str] = "search"

    format_version: int = 1
    insula_version: str | None = None
    name: str = ""
    command: str = ""
    study: str | None = Field(None, description="database with the trials")
    source: list[str] = Field(default_factory=list)
    data: SearchedRows = Field(default_factory=SearchedRows)
    model: str = ""
    metric: str = Field("", description="name of the metric that the search maximises")
    seed: int = 0
    pruner: str = ""
    space: dict[str, SearchedOption] = Field(default_factory=dict)
    created: str | None = None
    trials: list[SearchTrial] = Field(default_factory=list)
    best: int = Field(0, description="number of the best trial")
    importance: Annotated[dict[str, float], WITHOUT_NULLS] = Field(
        default_factory=dict, description="share of the variance between trials that each recipe key explains"
    )

    @property
    def best_trial(self) -> SearchTrial:
        """The best trial."""
        return next(trial for trial in self.trials if trial.number == self.best)
