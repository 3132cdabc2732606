"""Names of the baselines in charts, sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BaselineName:
    """The names of one baseline.

    title    in charts and tables
    note     line below the title
    phrase   end of a sentence: "0.041 above ..."
    answer   what it predicts: "always the most frequent label"
    """

    title: str
    note: str
    phrase: str
    answer: str


_NAMES = {
    "untrained": BaselineName(
        "Untrained", "before training", "the same model before training", "the same model before training"
    ),
    "linear": BaselineName("Linear", "words, linear model", "the linear baseline", "linear, trained on the same rows"),
}
_MAJORITY = BaselineName(
    "Majority", "most frequent label", "always predicting the most frequent label", "always the most frequent label"
)
_MAJORITY_OF_SETS = BaselineName(
    "Majority", "labels of most rows", "always predicting the labels of most rows", "always the labels of most rows"
)
_MEAN = BaselineName("Mean", "mean of each dimension", "always predicting the mean", "always the mean")


def find_baseline_name(baseline: str, kind: str | None) -> BaselineName:
    """Return the names of a baseline for a kind of label scheme; an unknown baseline has its own name."""
    if baseline == "majority":
        return {"dimensional": _MEAN, "multi": _MAJORITY_OF_SETS}.get(kind or "", _MAJORITY)
    own = BaselineName(baseline.replace("_", " ").capitalize(), "", f"the baseline {baseline!r}", baseline)
    return _NAMES.get(baseline, own)
