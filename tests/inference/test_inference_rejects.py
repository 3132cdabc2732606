"""Rows set aside where their file cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.errors import OutputError


def test_a_blank_row_is_only_counted_where_nobody_asked_for_the_file(
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
