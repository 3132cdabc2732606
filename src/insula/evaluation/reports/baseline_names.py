"""What the baselines are called: in a chart, beside it, in a sentence, in a list of answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BaselineName:
    """The words for one baseline.

    title    in charts and tables
    note     a second line under the title
    phrase   the end of a sentence: "0.041 above ..."
    answer   what it does with the rows: "always the most frequent label"
    """

    title: str
    note: str
    phrase: str
    answer: str


_NAMES = {
    "untrained": BaselineName(
        "Untrained", "before training", "the same model before training", "the same model, not trained"
    ),
    "linear": BaselineName("Linear", "words, linear model", "the linear baseline", "linear, trained on the same rows"),
}
_MAJORITY = BaselineName(
    "Majority", "most frequent label", "always answering the most frequent label", "always the most frequent label"
)
_MAJORITY_OF_SETS = BaselineName(
    "Majority", "labels of most rows", "always giving the labels that most rows have", "always the labels of most rows"
)
_MEAN = BaselineName("Mean", "mean of each dimension", "always answering the mean", "always the mean")


def baseline_name(baseline: str, kind: str | None) -> BaselineName:
    """Return the words for a baseline under a kind of label scheme; for one not known here, its own name."""
    if baseline == "majority":
        return {"dimensional": _MEAN, "multi": _MAJORITY_OF_SETS}.get(kind or "", _MAJORITY)
    own = BaselineName(baseline.replace("_", " ").capitalize(), "", f"the baseline {baseline!r}", baseline)
    return _NAMES.get(baseline, own)
