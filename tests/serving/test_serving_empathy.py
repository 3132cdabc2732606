"""`POST /v1/empathy`: the scores of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_running import Running, running

from insula import score_empathy

PAIRS = [
    ("I failed the exam again.", "I'm so sorry. What happened?"),
    ("They gave it to him.", "There is a lot of anger in what you write."),
    ("我又没考上。", "好心疼你，一定很难受吧。"),
]


@pytest.fixture(scope="module")
def linear(linear_model: Path) -> Iterator[Running]:
    """A service with one small model."""
    with running(linear_model) as service:
        yield service


def test_scores_are_those_of_the_library(linear: Running) -> None:
    body = {"pairs": [{"message": message, "reply": reply} for message, reply in PAIRS]}
    answer = linear.post("/v1/empathy", body).json()
    wanted = [one.to_dict() for one in score_empathy(PAIRS, linear.service.models.default.predictor)]
    assert answer["scores"] == [
        {name: value for name, value in row.items() if name not in ("message", "reply")} for row in wanted
    ]
    assert answer["model"] == linear.service.models.default.name


def test_a_pair_without_a_text_is_refused(linear: Running) -> None:
    for message, reply in (("I failed.", " "), (" ", "What happened?")):
        answer = linear.post("/v1/empathy", {"pairs": [{"message": message, "reply": reply}]})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert linear.post("/v1/empathy", {"pairs": []}).status_code == 422
