"""The sentences of the first answer have the size, the kinds and the held-out third that their README states."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from insula.core.builtin_schemes import get_builtin_scheme

FOLDER = Path(__file__).parent / "first_answer"
KINDS = {
    "plain", "negated", "double_negation", "contrast", "intensity", "sarcasm", "grief", "thanks", "complaint",
    "medical", "code", "small_talk", "mixed", "dialect",
}  # fmt: skip


def rows(part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def sentences() -> list[dict[str, Any]]:
    return [*rows("development"), *rows("held_out")]


def test_each_language_has_150_different_sentences(sentences: list[dict[str, Any]]) -> None:
    assert Counter(row["language"] for row in sentences) == {"en": 150, "zh": 150}
    assert len({row["text"] for row in sentences}) == len({row["id"] for row in sentences}) == 300


def test_each_language_has_every_kind(sentences: list[dict[str, Any]]) -> None:
    kinds = Counter((row["language"], row["kind"]) for row in sentences)
    assert {kind for language, kind in kinds if language == "en"} == KINDS
    assert {kind for language, kind in kinds if language == "zh"} == {*KINDS, "traditional"}
    assert min(kinds.values()) >= 6
    assert kinds["en", "negated"] == kinds["zh", "negated"] == 20


def test_labels_are_of_the_scheme_and_not_in_both_lists(sentences: list[dict[str, Any]]) -> None:
    names = set(get_builtin_scheme("goemotions").names)
    for row in sentences:
        assert row["acceptable"], row["id"]
        assert row["unacceptable"], row["id"]
        assert {*row["acceptable"], *row["unacceptable"]} <= names, row["id"]
        assert not set(row["acceptable"]) & set(row["unacceptable"]), row["id"]


def test_a_third_is_held_out_by_its_text() -> None:
    for part, is_held_out in (("development", False), ("held_out", True)):
        for row in rows(part):
            digits = hashlib.sha256(row["text"].encode()).hexdigest()[:8]
            assert (int(digits, 16) % 3 == 0) == is_held_out, row["id"]
