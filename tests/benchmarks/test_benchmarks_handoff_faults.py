"""The fault run of the hand-off queue, with few kills; the benchmark has a hundred."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import handoff_faults
from insula.operations.handoff.cases import CaseEvent


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_few_kills_lose_nothing(trained_run: Callable[..., Any], request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("postgresql")  # skips where there is none
    found = handoff_faults.run(6, str(trained_run("linear", "single").model), seed=1)
    assert handoff_faults.is_whole(found), found
    assert found["notified_share"] == 1.0
    assert min(found["closed"], found["escalations"], found["notifications"]) > 0  # it was not idle


def test_an_automatic_answer_after_the_hand_off_is_found() -> None:
    cases = {"mail m-1": ("anna", 10.0, 20.0), "mail m-2": ("ben", 10.0, math.inf)}

    def count(message: str, subject: str, asked: float, allowed: float | None = None) -> int:
        answer = handoff_faults.BotAnswer(message, subject, asked, asked + 1 if allowed is None else allowed)
        return handoff_faults.count_answers_after_hand_off([answer], cases)

    assert count("mail m-1", "anna", 12) == 1
    assert count("mail m-1", "anna", 30) == 1  # its case is closed: people have answered it
    assert count("mail m-9", "anna", 12) == 1
    assert count("mail m-9", "anna", 9, 12) == 0  # the case was opened while the bot asked
    assert count("mail m-9", "anna", 18, 21) == 0  # and closed
    assert count("mail m-9", "anna", 30) == 0
    assert count("mail m-9", "ben", 1e9) == 1
    assert count("mail m-9", "cem", 12) == 0


def test_each_time_that_a_case_is_open_counts_apart() -> None:
    start = datetime(2026, 11, 30, tzinfo=UTC)

    def event(seconds: float, name: str) -> CaseEvent:
        time = start + timedelta(seconds=seconds)
        return CaseEvent(number=1, case=1, version=1, time=time, event=name, actor="a", facts={})

    in_time, late = handoff_faults.DEADLINE - 1, handoff_faults.DEADLINE + 1
    trail = [event(0, "opened"), event(in_time, "closed"), event(10, "reopened"), event(10 + late, "escalated")]
    assert list(handoff_faults.iterate_rounds(trail)) == [(False, 0), (True, 1)]
    assert list(handoff_faults.iterate_rounds([event(0, "opened"), event(late, "closed")])) == [(True, 0)]
