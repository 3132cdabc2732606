"""Rows set aside where their file cannot be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import insula
from insula.core.errors import OutputError


def test_a_blank_row_is_counted_without_a_rejects_file(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    (tmp_path / "m.csv").write_text('text\nlovely\n""\nawful\n', encoding="utf-8")
    # A folder stands where the file would: not even root can write there.
    (tmp_path / "out.csv.rejects.jsonl" / "full").mkdir(parents=True)
    model = trained_run("linear", "single").path
    result = insula.predict_file(tmp_path / "m.csv", tmp_path / "out.csv", model)
    assert (result.rows, result.rejected, result.rejects) == (2, 1, None)
    with pytest.raises(OutputError):
        insula.predict_file(tmp_path / "m.csv", [].extend, model, rejects=tmp_path / "out.csv.rejects.jsonl")


@pytest.mark.parametrize("content", ['{"text": "mine", "reason": "kept"}\n', "my notes\n", "\x00\xff"])
def test_a_file_of_the_user_is_never_replaced(tmp_path: Path, trained_run: Callable[..., Any], content: str) -> None:
    (tmp_path / "m.csv").write_text('text\nlovely\n""\nawful\n', encoding="utf-8")
    mine = tmp_path / "out.csv.rejects.jsonl"
    mine.write_text(content, encoding="utf-8")
    model = trained_run("linear", "single").path
    result = insula.predict_file(tmp_path / "m.csv", tmp_path / "out.csv", model)
    assert (result.rejected, result.rejects, mine.read_text(encoding="utf-8")) == (1, None, content)
    with pytest.raises(OutputError, match="exists and contains something other"):
        insula.predict_file(tmp_path / "m.csv", tmp_path / "out.csv", model, rejects=mine)
    (tmp_path / "m.csv").write_text("text\nlovely\n", encoding="utf-8")
    assert insula.predict_file(tmp_path / "m.csv", tmp_path / "out.csv", model).rejected == 0
    assert mine.read_text(encoding="utf-8") == content
    mine.write_text("", encoding="utf-8")
    (tmp_path / "m.csv").write_text('text\nlovely\n""\n', encoding="utf-8")
    for _ in range(2):  # over an empty file, then over that of the first run
        assert insula.predict_file(tmp_path / "m.csv", tmp_path / "out.csv", model).rejects == mine


def test_bytes_for_a_text_are_rejected_and_nan_is_written(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    table = {"text": pa.array([b"lovely", b"\xff\xfe"], pa.binary()), "stars": pa.array([float("nan"), 1.0])}
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    result = insula.predict_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", trained_run("linear", "single").path)
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert (row["text"], row["stars"], result.rejected) == ("lovely", None, 1)
    assert "bytes in place of a text" in (tmp_path / "out.jsonl.rejects.jsonl").read_text(encoding="utf-8")
