"""Texts without labels: what is read, what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from insula.core.errors import DataError
from insula.core.example import Example
from insula.data.sources.unlabelled import read_texts, select_new_texts
from insula.data.splits.leak import Fingerprint


def test_texts_of_several_formats_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"words": "three"}\n{"words": null}\n{"wor\n{"words": 4}\n', encoding="utf-8")
    texts, notes = read_texts([tmp_path / "a.txt", tmp_path / "b.jsonl"], text="words", max_length=4)
    assert texts == ["one", "two", "thre", "4"]
    assert any("2 rows" in note and "b.jsonl" in note for note in notes)
    with pytest.raises(DataError, match="Got 'phrase'"):
        read_texts([tmp_path / "b.jsonl"], text="phrase")


def test_files_without_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": " "}\n', encoding="utf-8")
    with pytest.raises(DataError, match="at least one text"):
        read_texts([tmp_path / "a.jsonl"])


def test_known_and_repeated_texts_are_left_out() -> None:
    known = Fingerprint.of([Example(text="Good day!")])
    kept, counts = select_new_texts(
        ["good day", "GOOD DAY http://x.y", "new", "New!", "...", "other"], known, Fingerprint()
    )
    assert kept == ["new", "other"]
    assert counts == (2, 0)
