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


def test_a_blank_row_is_counted_without_a_rejects_file(
    tmp_path: Path, trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.csv").write_text('text\nlovely\n""\nawful\n', encoding="utf-8")
    # A folder stands where the file would: not even root can write there.
    (tmp_path / "here" / "m.csv.rejects.jsonl" / "full").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    taken: list[Any] = []
    model = trained_run("linear", "single").path
    result = insula.predict_file(tmp_path / "m.csv", taken.extend, model)
    assert (len(taken), result.rejected, result.rejects) == (2, 1, None)
    with pytest.raises(OutputError):
        insula.predict_file(tmp_path / "m.csv", taken.extend, model, rejects="m.csv.rejects.jsonl")


def test_bytes_for_a_text_are_rejected_and_nan_is_written(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    table = {"text": pa.array([b"lovely", b"\xff\xfe"], pa.binary()), "stars": pa.array([float("nan"), 1.0])}
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    result = insula.predict_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", trained_run("linear", "single").path)
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert (row["text"], row["stars"], result.rejected) == ("lovely", None, 1)
    assert "bytes in place of a text" in (tmp_path / "out.jsonl.rejects.jsonl").read_text(encoding="utf-8")
