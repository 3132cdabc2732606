"""The test set of signals of risk has the size, the balance and the held-out third that its README states."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from signal_cases import FOLDER, FRAMES, LOOKALIKES, SIGNALS, WORDINGS, SignalCase, is_held_out, signal_cases


@pytest.fixture(scope="module")
def cases() -> list[SignalCase]:
    return [*signal_cases("development"), *signal_cases("held_out")]


def _spelling(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_signals_are_many_and_half_of_them_oblique(cases: list[SignalCase], language: str) -> None:
    signals = [case for case in cases if case.language == language and case.signal]
    lookalikes = [case for case in cases if case.language == language and not case.signal]
    assert len(signals) >= 200
    assert len(lookalikes) >= 200
    assert abs(len(signals) - len(lookalikes)) <= 5
    wordings = Counter((case.signal, case.wording) for case in signals)
    assert set(wordings) == {(signal, wording) for signal in SIGNALS for wording in WORDINGS}
    assert min(wordings.values()) >= 20
    assert 0.48 <= sum(case.wording == "oblique" for case in signals) / len(signals) <= 0.52


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_frame_and_each_lookalike_occurs(cases: list[SignalCase], language: str) -> None:
    own = [case for case in cases if case.language == language]
    frames = Counter((case.signal, case.frame) for case in own if case.signal)
    assert set(frames) == {(signal, frame) for signal in SIGNALS for frame in FRAMES}
    assert min(frames.values()) >= 3
    kinds = Counter(case.lookalike for case in own if not case.signal)
    assert set(kinds) == set(LOOKALIKES)
    assert min(kinds.values()) >= 10


def test_a_case_is_a_signal_or_a_lookalike(cases: list[SignalCase]) -> None:
    for case in cases:
        assert (case.signal is None) == (case.wording is None) == (case.frame is None) != (case.lookalike is None), case
        assert case.signal in (None, *SIGNALS)


def test_no_message_occurs_twice(cases: list[SignalCase]) -> None:
    assert len({case.id for case in cases}) == len(cases)
    assert len({_spelling(case.text) for case in cases}) == len(cases)


def test_no_message_is_another_one_with_a_word_changed(cases: list[SignalCase]) -> None:
    """Sentences from a template share most of their pieces of three characters."""
    pieces = [
        (case, {text[at : at + 3] for at in range(len(text) - 2)}) for case in cases for text in [_spelling(case.text)]
    ]
    alike = [
        (one.text, other.text)
        for place, (one, first) in enumerate(pieces)
        for other, second in pieces[:place]
        if len(first & second) > 0.6 * min(len(first), len(second))
    ]
    assert alike == []


def test_a_third_is_held_out_by_the_hash_of_the_id(cases: list[SignalCase]) -> None:
    development, held_out = signal_cases("development"), signal_cases("held_out")
    assert not any(is_held_out(case.id) for case in development)
    assert all(is_held_out(case.id) for case in held_out)
    for language in ("en", "zh"):
        for is_signal in (True, False):
            parts = [is_held_out(c.id) for c in cases if c.language == language and bool(c.signal) == is_signal]
            assert 0.28 <= sum(parts) / len(parts) <= 0.38
    assert {(c.language, c.signal, c.wording) for c in held_out if c.signal} == {
        (language, signal, wording) for language in ("en", "zh") for signal in SIGNALS for wording in WORDINGS
    }


def test_messages_are_in_their_language(cases: list[SignalCase]) -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [case.text for case in cases if bool(han.search(case.text)) != (case.language == "zh")] == []


def test_the_readme_states_the_counts(cases: list[SignalCase]) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    counts = Counter(case.language for case in cases)
    assert text.startswith(
        f"# Signals of risk: the test set\n\n{len(cases)} messages, {counts['en']} English and {counts['zh']} Chinese"
    )
    assert f"{len(signal_cases('held_out'))} of {len(cases)}" in text


def test_files_hold_plain_json_lines() -> None:
    for part in ("development", "held_out"):
        raw = (FOLDER / f"{part}.jsonl").read_text(encoding="utf-8")
        assert raw == "".join(json.dumps(json.loads(line), ensure_ascii=False) + "\n" for line in raw.splitlines())
