"""The tables of decision rules on small sets, and of abstention when texts change."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
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


PAIRS = {
    "carer, tweeteval_emotion": "CARER; TweetEval emotion (3 shared labels)",
    "smp2020_usual, smp2020_virus": "SMP2020 usual; SMP2020 virus",
    "shopping_zh without hotels, hotel_zh": "shopping reviews without hotels; hotel reviews",
    "sst2, tweets without neutral": "SST-2; tweets without neutral",
}


def abstention_shift(results: Results) -> str:
    """Share of abstained rows and accuracy of both kinds of rows, on the same set and on another one."""
    heads = (
        "trained on; measured on", "rows of", "abstained, confidence / with energy",
        "accuracy of answered rows, confidence / with energy", "accuracy of abstained rows, confidence / with energy",
    )  # fmt: skip
    found: Mapping[str, Any] = results.abstention_shift or {"rows": []}
    return table(
        heads,
        [
            (
                PAIRS[row["pair"]],
                {"test": "the first set", "shifted": "the second set"}[part],
                _sides(row, part, "abstained", ".1%"),
                _sides(row, part, "accuracy_answered", ".3f"),
                _sides(row, part, "accuracy_abstained", ".3f"),
            )
            for row in found["rows"]
            for part in ("test", "shifted")
        ],
    )


def abstention_signals(results: Results) -> str:
    """What the signals that were tried do on the second set."""
    heads = (
        "trained on; measured on", "signal", "abstained", "accuracy of answered rows", "accuracy of abstained rows",
    )  # fmt: skip
    found: Mapping[str, Any] = results.abstention_shift or {"rows": []}
    rows = []
    for row in found["rows"]:
        signals = {"confidence alone": row["before"]}
        if row["kind"] != "binary":
            signals["energy"] = row["after"]
        signals |= {"unknown words": row["by_signal"]["unknown_words"], "distance": row["by_signal"]["distance"]}
        for name, measured in signals.items():
            shifted = measured["shifted"]
            rows.append(
                (
                    PAIRS[row["pair"]], name, f"{shifted['abstained']:.1%}", f"{shifted['accuracy_answered']:.3f}",
                    f"{shifted['accuracy_abstained']:.3f}",
                )
            )  # fmt: skip
    return table(heads, rows)


def _sides(row: Mapping[str, Any], part: str, name: str, form: str) -> str:
    return " / ".join(format(row[side][part][name], form) for side in ("before", "after"))


def windows(results: Results) -> str:
    """Accuracy on long texts: their start alone, and overlapping windows; means over seeds."""
    heads = (
        "data", "model", "tokens at once", "longer texts", "accuracy, start only", "accuracy, mean of windows",
        "accuracy, max of windows", "ms a text, start / windows", "windows chosen by training",
    )  # fmt: skip
    found: Mapping[str, Any] = results.windows or {"rows": []}
    cells: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for row in found["rows"]:
        cells.setdefault((row["set"], row["base"] or row["model"], row["max_tokens"]), []).append(row)
    lines = []
    for (name, model, most), rows in cells.items():
        settings = [row["settings"] for row in rows]
        accuracy = [f"{_mean(one[kind]['accuracy'] for one in settings):.3f}" for kind in ("none", "mean", "max")]
        start, windowed = (_mean(one[kind]["milliseconds"] for one in settings) for kind in ("none", "mean"))
        chosen = sum(row["chosen"] == "mean" for row in rows)
        lines.append(
            (
                set_title(name), f"`{model}`", str(most), f"{_mean(one['longer'] for one in settings):.0%}", *accuracy,
                f"{start:.1f} / {windowed:.1f}", f"{chosen} of {len(rows)} seeds",
            )
        )  # fmt: skip
    return table(heads, lines)


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)
