"""Stored predictions as reviewers find them: by words, labels and numbers, part by part, with their corrections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from insula.core.errors import DataError, UnknownNameError
from insula.core.model_input import Turn
from insula.operations.store import review
from insula.operations.store.database import Database
from insula.operations.store.retention import Retention
from insula.operations.store.review import PredictionFilter, PredictionReview
from insula.operations.store.rows import RetentionStore, StoredPrediction, erase
from insula.operations.store.tables import FEEDBACK

SCORES = {"joy": 0.2, "anger": 0.7, "neutral": 0.1}
ROWS = (
    ("a", ["anger"], 0.9, False, {"text": "Two hours on hold, 100% AWFUL", "language": "en", "subject": "anna"}),
    ("b", ["joy", "anger"], 0.5, True, {"text": "bitter_sweet", "language": "en", "caller": "local", "model": "old"}),
    ("c", [], None, False, {"text": None, "target": "service"}),
    ("d", ["joy"], 0.7, False, {"text": "服务很好", "language": "zh", "turns": [Turn("您好", "agent")]}),
)


@pytest.fixture
def reviewed(database: Database, clock: Any) -> PredictionReview:
    """A store with the predictions of `ROWS`, a minute apart."""
    rows = RetentionStore(database, Retention(30, mask=lambda text: text), clock=clock)
    for id, labels, confidence, abstained, more in ROWS:
        answer = {"labels": labels, "scores": SCORES, "confidence": confidence, "abstained": abstained}
        rows.keep([StoredPrediction(**{"caller": "key:1", "model": "care", "answer": answer, "id": id, **more})])
        clock.forward(minutes=1)
    return PredictionReview(database, clock=clock)


SEARCHES: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "dcba"),
    ({"text": "awful"}, "a"),
    ({"text": "0%"}, "a"),
    ({"text": "r_s"}, "b"),
    ({"text": "r%s"}, ""),
    ({"text": "很好"}, "d"),
    ({"label": "joy"}, "db"),
    ({"label": "jo"}, ""),
    ({"min_confidence": 0.7}, "da"),
    ({"max_confidence": 0.5}, "b"),
    ({"abstained": True}, "b"),
    ({"abstained": False}, "dca"),
    ({"language": "en"}, "ba"),
    ({"model": "old"}, "b"),
    ({"label": "anger", "caller": "key:1"}, "a"),
)


def test_a_search_finds_what_matches(reviewed: PredictionReview) -> None:
    for wanted, ids in SEARCHES:
        found = reviewed.search(PredictionFilter(**wanted))
        assert ("".join(one.id for one in found.predictions), found.after) == (ids, None), wanted
        assert PredictionFilter(**wanted).names == list(wanted)


def test_a_search_of_some_time_has_its_start_and_not_its_end(reviewed: PredictionReview) -> None:
    first, second = (reviewed.find(id).created for id in "bc")
    found = reviewed.search(PredictionFilter(since=first, until=second)).predictions
    assert [one.id for one in found] == ["b"]
    found = reviewed.search(PredictionFilter(since=first, until=second + timedelta(microseconds=1))).predictions
    assert [one.id for one in found] == ["c", "b"]


def _read_parts(reviewed: PredictionReview, limit: int) -> list[str]:
    parts, after = [], None
    while True:
        found = reviewed.search(PredictionFilter(), limit=limit, after=after)
        parts.append("".join(one.id for one in found.predictions))
        after = found.after
        if after is None:
            return parts


def test_parts_together_are_the_whole(reviewed: PredictionReview, database: Database, clock: Any) -> None:
    rows = RetentionStore(database, Retention(30), clock=clock)
    rows.keep([StoredPrediction("key:1", "care", {}, id=id) for id in ("f", "e", "g")])  # of one moment
    assert _read_parts(reviewed, 1) == list("gfedcba")
    assert _read_parts(reviewed, 3) == ["gfe", "dcb", "a"]
    assert _read_parts(reviewed, 7) == ["gfedcba"]


def test_a_search_ends_after_some_rows_and_says_so(reviewed: PredictionReview, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "SEARCHED", 2)
    wanted = PredictionFilter(label="anger")
    first = reviewed.search(wanted)
    assert (first.predictions, first.searched_until) == ([], reviewed.find("c").created)
    second = reviewed.search(wanted, after=first.after)
    assert [one.id for one in second.predictions] == ["b", "a"]
    third = reviewed.search(wanted, after=second.after)
    assert (third.predictions, third.after) == ([], None)


def test_a_wrong_place_to_resume_is_an_error(reviewed: PredictionReview) -> None:
    for after in ("", "x", "1_", "9" * 18 + "_a", "1_a;--"):
        with pytest.raises(DataError, match="after"):
            reviewed.search(PredictionFilter(), after=after)


def test_a_correction_ends_with_its_prediction(reviewed: PredictionReview, database: Database, clock: Any) -> None:
    clock.forward(days=3)
    reviewed.correct("d", ["neutral"], caller="key:2")
    clock.forward(minutes=1)
    found = reviewed.correct("d", [], caller="local")
    assert [(one.labels, one.caller) for one in found.feedback] == [((), "local"), (("neutral",), "key:2")]
    assert found == reviewed.find("d") == reviewed.search(PredictionFilter(), limit=1).predictions[0]
    with database.begin_read() as connection:
        stored = connection.execute(sa.select(FEEDBACK).where(FEEDBACK.c.caller == "key:2")).mappings().one()
    assert (stored["text"], stored["turns"]) == ("服务很好", [{"text": "您好", "speaker": "agent"}])
    assert stored["delete_after"] == found.delete_after


def test_an_erasure_takes_corrections_with_it(reviewed: PredictionReview, database: Database) -> None:
    reviewed.correct("a", ["joy"], caller="local")
    assert erase(database, "anna") == 2
    with pytest.raises(UnknownNameError, match="Search again"):
        reviewed.find("a")


def test_what_cannot_be_corrected_is_an_error(reviewed: PredictionReview) -> None:
    with pytest.raises(UnknownNameError):
        reviewed.correct("none", ["joy"], caller="local")
    with pytest.raises(DataError, match="Choose from: joy, anger, neutral"):
        reviewed.correct("a", ["joy", "fury"], caller="local")
    assert reviewed.find("a").feedback == ()


def test_the_newest_rows_offer_their_values(reviewed: PredictionReview) -> None:
    choices = reviewed.list_choices()
    assert (choices.models, choices.languages) == (["care", "old"], ["en", "zh"])
    assert choices.callers == ["key:1", "local"]


def test_an_empty_store_offers_nothing(database: Database) -> None:
    choices = PredictionReview(database).list_choices()
    assert (choices.models, choices.languages, choices.callers) == ([], [], [])
