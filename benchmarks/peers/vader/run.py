"""VADER (Hutto and Gilbert 2014): a polarity lexicon with rules, English, learns nothing.

Three classes: its usual cut, positive from a compound score of 0.05, negative to -0.05, else neutral; scores are its
shares of positive, neutral and negative words. Two classes: positive from a compound score of 0.
"""

from __future__ import annotations

import time

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from exchange import read_task, write_answer

CUT = 0.05
SHARE = {"negative": "neg", "neutral": "neu", "positive": "pos"}


def main() -> None:
    """Judge the test rows."""
    task = read_task()
    analyzer = SentimentIntensityAnalyzer()
    began = time.monotonic()
    found = [analyzer.polarity_scores(text) for text in task.texts["test"]]
    seconds = time.monotonic() - began
    if "neutral" in task.names:
        scores = [[row[SHARE[name]] for name in task.names] for row in found]
        labels = [_three(row["compound"]) for row in found]
    else:
        positive = [(row["compound"] + 1) / 2 for row in found]
        scores = [[p if name == "positive" else 1 - p for name in task.names] for p in positive]
        labels = ["positive" if row["compound"] >= 0 else "negative" for row in found]
    write_answer(
        task,
        test=scores,
        chosen=[[int(name == label) for name in task.names] for label in labels],
        packages=("vaderSentiment",),
        train_seconds=0.0,
        parameters=len(analyzer.lexicon),
        rows_per_second=len(found) / seconds,
        silent_rows=sum(row["compound"] == 0 for row in found),
    )


def _three(compound: float) -> str:
    return "positive" if compound >= CUT else "negative" if compound <= -CUT else "neutral"


main()
