"""`POST /v1/empathy`: the scores of the library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_running import Running, running

from insula import score_empathy, train_empathy
from insula.empathy.scoring.result import MECHANISMS

PAIRS = [
    ("I failed the exam again.", "I'm so sorry. What happened?"),
    ("They gave it to him.", "There is a lot of anger in what you write."),
    ("我又没考上。", "好心疼你，一定很难受吧。"),
    ("It broke.", "i am worried about you, number 7. what happened?"),
]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scorer that was trained on pairs whose levels follow from their words."""
    folder = tmp_path_factory.mktemp("scorer")
    words = ("the form is upstairs", "take care friend", "i am worried about you")
    asks = ("read the rules", "what happened", "who is she")
    rows = [
        {
            "message": f"message {number}",
            "reply": f"{words[number % 3]}, number {number}. {asks[number // 3 % 3]}?",
            "emotional_reaction": number % 3,
            "interpretation": number // 9 % 2 and number % 3,
            "exploration": number // 3 % 3,
        }
        for number in range(120)
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return train_empathy(folder / "pairs.jsonl", output=folder / "scorer", recipe="linear").run.path


@pytest.fixture(scope="module")
def linear(linear_model: Path, scorer: Path) -> Iterator[Running]:
    """A service with a small model, and a trained scorer."""
    with running(linear_model, scorer) as service:
        yield service


def test_scores_are_those_of_the_library(linear: Running) -> None:
    body = {"pairs": [{"message": message, "reply": reply} for message, reply in PAIRS]}
    for model in linear.service.models:
        answer = linear.post("/v1/empathy", {**body, "model": model.name}).json()
        wanted = [one.to_dict() for one in score_empathy(PAIRS, model.predictor)]
        assert [row["scorer"] for row in answer["scores"]] == [row["scorer"] for row in wanted]
        for row, one in zip(answer["scores"], wanted, strict=True):
            for name in MECHANISMS:
                assert row[name]["level"] == one[name]["level"]
                assert row[name]["words"] == one[name]["words"]
                assert row[name]["scores"] == pytest.approx(one[name]["scores"], abs=1e-3)
        assert answer["model"] == model.name
    assert {one.scorer for one in score_empathy(PAIRS, model.predictor)} == {"trained"}


def test_a_pair_without_a_text_is_refused(linear: Running) -> None:
    for message, reply in (("I failed.", " "), (" ", "What happened?")):
        answer = linear.post("/v1/empathy", {"pairs": [{"message": message, "reply": reply}]})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert linear.post("/v1/empathy", {"pairs": []}).status_code == 422
