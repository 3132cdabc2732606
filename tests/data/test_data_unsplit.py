"""Data that cannot be trained on are described all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import insula
from insula.core.errors import DataError
from insula.data.options import DataOptions


def test_few_rows(tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    file.write_text("text,label\nso good,good\nso bad,bad\nso good again,good\n", encoding="utf-8")
    found = insula.describe_data(file)
    assert sum(found.rows.values()) == 3
    assert set(found.labels) == {"good", "bad"}
    assert "cannot be trained on" in found.notes[-1]
    assert "3 rows" in found.format_lines()[0]


def test_one_label(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("text,label\n" + "".join(f"message {n},same\n" for n in range(30)), encoding="utf-8")
    found = insula.describe_data(file)
    assert sum(found.rows.values()) == 30
    assert "cannot be trained on" in found.notes[-1]


def test_test_rows_alone(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(
        "text,label\n" + "".join(f"message {n},{'ab'[n % 2]}\n" for n in range(30)), encoding="utf-8"
    )
    found = insula.describe_data(tmp_path)
    assert dict(found.rows) == {"test": 30}
    assert found.balance["test"]["a"]["count"] == 15
    assert "no training rows" in found.notes[-1]


def test_rows_whose_weights_are_no_numbers(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("text,label\n" + "".join(f"message {n},{'ab'[n % 2]}\n" for n in range(30)), encoding="utf-8")
    found = insula.describe_data(file, DataOptions(weight="label"))
    assert dict(found.rows) == {"all": 30}
    assert "30 with a weight that is not a number" in found.notes[-1]


def test_no_labels(tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("text,when\nhello there,1\nhello there,2\n你好吗,3\n", encoding="utf-8")
    found = insula.describe_data(file)
    assert (found.kind, list(found.labels), dict(found.balance)) == ("unlabelled", [], {})
    assert found.exact_duplicates == 1
    assert found.missing["unlabelled"] == 3
    assert any("no labels" in line for line in found.format_lines())
    assert found.to_dict()["rows"]


def test_what_holds_no_text_is_refused_as_before(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="text"):
        insula.describe_data(file)
