"""The page of a search: what it says of trials that came near, and what it draws of those that failed."""

from __future__ import annotations

from typing import Any

import pytest

from insula.evaluation.reports.search_report import render_search_report
from insula.evaluation.search_document import SearchDocument


def trial(number: int, state: str, value: float | None = None, scores: tuple[float, ...] = ()) -> dict[str, Any]:
    near = {} if value is None else {"value": value, "low": value - 0.02, "high": value + 0.02}
    error = {"error": "Training has diverged."} if state == "failed" else {}
    return {"number": number, "state": state, "values": {"train.epochs": 1 + number}, "scores": scores, "seconds": 1.0,
            **near, **error}  # fmt: skip


def page(*trials: dict[str, Any]) -> str:
    document = SearchDocument.from_dict(
        {
            "name": "search", "model": "static", "metric": "macro_f1", "seed": 0, "pruner": "median", "best": 0,
            "data": {"name": "toy", "rows": {"validation": 40}}, "space": {"train.epochs": {"low": 1, "high": 9}},
            "trials": list(trials),
        }
    )  # fmt: skip
    return render_search_report(document, {})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.69], "1 other trial is within its interval: no significant difference."),
        ([0.69, 0.7], "2 other trials are within its interval: no significant difference."),
    ],
)
def test_it_says_how_many_came_near(values: list[float], said: str) -> None:
    html = page(trial(0, "complete", 0.7), *(trial(1 + i, "complete", value) for i, value in enumerate(values)))
    assert said in html


def test_pruned_trials_are_drawn_and_failed_ones_are_not() -> None:
    html = page(
        trial(0, "complete", 0.7, (0.5, 0.6)), trial(1, "pruned", None, (0.3, 0.4)), trial(2, "failed", None, (0.2,))
    )
    assert "trial 1: 0.4000, pruned" in html
    assert "trial 2: " not in html
    assert 'title="Training has diverged."' in html
