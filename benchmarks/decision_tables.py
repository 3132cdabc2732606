"""The tables of decision rules on small sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from result_files import Results
from table_text import figure, set_title, table

SMALL = {
    "tweeteval_irony": "TweetEval irony, English, 2 labels",
    "tweeteval_offensive": "TweetEval offensive, English, 2 labels",
    "tweeteval_hate": "TweetEval hate, English, 2 labels",
    "mr": "MR, English, 2 labels",
}


def small_sets(results: Results) -> str:
    """Gains of decision rules over the plain rule, chosen as before and as now."""
    heads = (
        "data", "macro-F1, plain rule", "macro-F1 gain before", "macro-F1 gain now", "accuracy gain before",
        "accuracy gain now", "rules kept of 5, before / now",
    )  # fmt: skip
    found: Mapping[str, Any] = results.small_sets or {"rows": []}
    return table(
        heads,
        [
            (
                SMALL.get(row["set"]) or set_title(row["set"]),
                f"{row['plain']['macro_f1']:.3f}",
                figure(row["before"]["macro_f1"], "+"),
                figure(row["after"]["macro_f1"], "+"),
                figure(row["before"]["accuracy"], "+"),
                figure(row["after"]["accuracy"], "+"),
                f"{row['rules_chosen']['before']} / {row['rules_chosen']['after']}",
            )
            for row in found["rows"]
        ],
    )
