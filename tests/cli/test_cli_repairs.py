"""What is wrong but can be lived with is warned about and counted, and training goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_messages import FAST, messages, write_csv
from typer.testing import Result

Insula = Callable[..., Result]


@pytest.fixture
def trained(insula: Insula, here: Path) -> Callable[[], tuple[str, dict[str, object]]]:
    """Train on `rows.csv`; return the messages and the metrics."""

    def train() -> tuple[str, dict[str, object]]:
        result = insula("train", "rows.csv", "--json", *FAST)
        assert result.exit_code == 0, result.output
        return result.stderr, json.loads(result.stdout)

    return train


TrainedModel = Callable[[], tuple[str, dict[str, object]]]


def test_a_label_with_one_example(trained: TrainedModel, here: Path) -> None:
    write_csv(
        here / "rows.csv", [*messages(120), {"id": "x", "message": "so surprised by all this", "emotion": "surprise"}]
    )
    said, _ = trained()
    assert "1 label has one example only: surprise." in said


def test_nul_bytes(trained: TrainedModel, here: Path) -> None:
    text = write_csv(here / "rows.csv", messages(120)).read_bytes()
    (here / "rows.csv").write_bytes(text.replace(b"happy", b"ha\0ppy"))
    said, _ = trained()
    assert "NUL characters were removed" in said


def test_a_cell_of_a_megabyte(trained: TrainedModel, here: Path) -> None:
    rows = messages(120)
    rows[5]["message"] += " so happy" * 120_000
    write_csv(here / "rows.csv", rows)
    said, _ = trained()
    assert "1 text of 'rows.csv' truncated to 20,000 characters" in said


def test_mixed_encodings(trained: TrainedModel, here: Path) -> None:
    content = write_csv(here / "rows.csv", messages(120)).read_bytes()
    content += "200,我今天很开心 happy,joy\n".encode() + "201,这家酒店的服务很糟糕 terrible,anger\n".encode("gb18030")
    (here / "rows.csv").write_bytes(content)
    said, _ = trained()
    assert "1 line is not utf-8 like the rest: read as gb18030" in said


def test_rows_that_cannot_be_read(trained: TrainedModel, here: Path) -> None:
    with write_csv(here / "rows.csv", messages(120)).open("a", encoding="utf-8") as file:
        file.write("1,2,3,4,5,6\n")
    said, _ = trained()
    assert "1 row of 'rows.csv' could not be read, the first in line 122: 6 cells, but the header has 3" in said


def test_an_unknown_label_in_a_test_file(insula: Insula, care: Path, here: Path) -> None:
    rows = [*messages(30, seed=5), {"id": "x", "message": "so surprised by all this", "emotion": "surprise"}]
    write_csv(here / "rows.csv", rows)
    result = insula("evaluate", "rows.csv", "-m", care / "runs/care", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["test"]["rows"] == 30
    assert "surprise" in result.stderr


def test_repairs_while_predicting_are_said(insula: Insula, care: Path, here: Path) -> None:
    (here / "rows.csv").write_bytes(b"message\nso ha\0ppy\nsad, and lonely\n")
    result = insula("predict", "-i", "rows.csv", "-o", "out.jsonl", "-m", care / "runs/care")
    assert result.exit_code == 0
    assert "1 NUL character was removed" in result.stderr
    assert "1 row was not predicted" in result.stderr
    (reject,) = (here / "out.jsonl.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(reject)["line"] == 3


def test_a_megabyte_can_be_predicted(insula: Insula, care: Path, here: Path) -> None:
    write_csv(here / "rows.csv", [{"message": "so happy " * 120_000}, {"message": "so sad"}])
    result = insula("predict", "-i", "rows.csv", "-o", "out.jsonl", "-m", care / "runs/care")
    assert result.exit_code == 0
    labels = [json.loads(line)["label"] for line in (here / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert labels == ["joy", "sadness"]
