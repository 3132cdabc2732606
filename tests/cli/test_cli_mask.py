"""`insula data mask`: a file in, the same file without personal data out; with a key and back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from insula.api.masking import mask_file, mask_texts, reveal_texts
from insula.core.errors import DataError
from insula.data.formats.formats import open_rows
from insula.data.formats.writers import open_writer

ROWS = [
    {"message": "mail jo@x.de, please", "label": "joy"},
    {"message": "我的电话13800138000", "label": "sad"},
    {"message": "nothing here", "label": "joy"},
]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("0123456789abcdef" * 8, encoding="ascii")
    return path


def _written(path: Path, rows: list[dict[str, object]]) -> Path:
    with open_writer(path) as writer:
        writer.write(rows)
    return path


def _rows(path: Path) -> list[dict[str, object]]:
    with open_rows(path) as reader:
        return [row for batch in reader for row in batch.rows]


@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.jsonl", "m.json", "m.parquet", "m.arrow", "m.csv.gz"])
def test_every_format_keeps_its_rows_and_columns(insula: Callable[..., Result], tmp_path: Path, name: str) -> None:
    source = _written(tmp_path / name, ROWS)
    done = insula("data", "mask", source, "--output", tmp_path / f"out-{name}", "-q")
    assert done.exit_code == 0, done.output
    assert _rows(tmp_path / f"out-{name}") == [
        {"message": "mail [EMAIL], please", "label": "joy"},
        {"message": "我的电话[PHONE]", "label": "sad"},
        {"message": "nothing here", "label": "joy"},
    ]


def test_counts_by_kind_at_the_end(insula: Callable[..., Result], tmp_path: Path) -> None:
    source = _written(tmp_path / "m.csv", ROWS)
    said = insula("data", "mask", source, "-o", tmp_path / "out.csv", "-q").output
    assert said == ""
    said = insula("data", "mask", source, "-o", tmp_path / "out.csv").output
    assert "3 rows written, 2 of them changed." in said
    counts = json.loads(insula("data", "mask", source, "-o", tmp_path / "out.csv", "--json").output)
    assert (counts["rows"], counts["altered"], counts["counts"]) == (3, 2, {"email": 1, "phone": 1})


def test_a_key_hides_and_brings_back(insula: Callable[..., Result], tmp_path: Path, key: Path) -> None:
    source = _written(tmp_path / "m.csv", ROWS)
    insula("data", "mask", source, "-o", tmp_path / "hidden.csv", "--key-file", key)
    hidden = (tmp_path / "hidden.csv").read_text(encoding="utf-8")
    assert "jo@x.de" not in hidden
    assert "[EMAIL:" in hidden
    done = insula("data", "mask", tmp_path / "hidden.csv", "-o", tmp_path / "back.csv", "--key-file", key, "--reveal")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "back.csv").read_bytes() == source.read_bytes()


def test_only_the_named_kinds_and_columns(insula: Callable[..., Result], tmp_path: Path) -> None:
    source = _written(tmp_path / "m.csv", [{"a": "jo@x.de 13800138000", "b": "al@x.de"}])
    insula("data", "mask", source, "-o", tmp_path / "o.csv", "--kinds", "email", "--column", "a")
    assert _rows(tmp_path / "o.csv") == [{"a": "[EMAIL] 13800138000", "b": "al@x.de"}]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--kinds", "emial"], "Did you mean 'email'"),
        (["--kinds", ","], "at least one kind"),
        (["--column", "mesage"], "Did you mean 'message'"),
        (["--reveal"], "--reveal needs the key"),
        (["--key-file", "nokey"], "The key file 'nokey' does not exist"),
    ],
)
def test_what_cannot_be_done_is_said(
    process: Callable[..., object], tmp_path: Path, options: list[str], sentence: str
) -> None:
    source = _written(tmp_path / "m.csv", ROWS)
    done = process("data", "mask", source, "-o", tmp_path / "o.csv", *options)
    assert done.returncode != 0  # type: ignore[attr-defined]
    assert sentence in " ".join(done.stderr.replace("│", " ").split())  # type: ignore[attr-defined]
    assert not (tmp_path / "o.csv").exists()


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    source = _written(tmp_path / "m.csv", ROWS)
    with pytest.raises(OSError, match="must differ from the input"):
        mask_file(source, source)


def test_texts_in_lists_and_objects_are_masked(tmp_path: Path) -> None:
    source = _written(tmp_path / "m.jsonl", [{"turns": [{"text": "jo@x.de"}], "n": 13800138000, "none": None}])
    done = mask_file(source, tmp_path / "o.jsonl")
    assert _rows(tmp_path / "o.jsonl") == [{"turns": [{"text": "[EMAIL]"}], "n": 13800138000, "none": None}]
    assert done.counts == {"email": 1}


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "m.jsonl.gz"
    source.write_bytes(gzip.compress(b'{"text": "jo@x.de"}\n{"text": \n{"text": "b"}\n'))
    done = mask_file(source, tmp_path / "o.jsonl")
    assert (done.rows, done.rejected) == (2, 1)
    assert done.first_reject is not None
    assert done.first_reject.startswith("line 2")


def test_texts_in_python(key: Path) -> None:
    (masked,) = mask_texts(["mail jo@x.de"], kinds=["email"], key_file=key)
    assert masked.text != "mail [EMAIL]"
    assert reveal_texts([masked.text], key) == ["mail jo@x.de"]
    with pytest.raises(DataError, match="needs the key that masked it"):
        mask_file("a.csv", "b.csv", reveal=True)


@pytest.mark.parametrize("name", ["out.csv", "out.tsv.gz", "out.parquet", "out.arrow"])
def test_a_table_has_the_columns_of_all_rows_of_json(tmp_path: Path, name: str) -> None:
    plain: list[dict[str, object]] = [{"message": "nothing here", "n": 1} for _ in range(9000)]
    late = {"message": "mail jo@x.de", "n": 2.5, "note": "call 13800138000", "scores": {"joy": 0.5}}
    source = _written(tmp_path / "m.jsonl", [*plain, late])
    done = mask_file(source, tmp_path / name)
    assert (done.rows, done.altered, done.counts) == (9001, 1, {"email": 1, "phone": 1})
    first, *_, last = _rows(tmp_path / name)
    assert (last["message"], last["note"]) == ("mail [EMAIL]", "call [PHONE]")
    assert set(first) == set(last)
    assert not first["note"]
    numbers = [1, 2.5] if name.endswith(("parquet", "arrow")) else ["1", "2.5"]
    assert [first["n"], last["n"]] == numbers
    assert (last.get("scores") or last.get("score_joy")) in ({"joy": 0.5}, "0.5")


def test_a_late_column_can_be_the_one_that_is_masked(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"message": "jo@x.de"} for _ in range(9000)]
    source = _written(tmp_path / "m.jsonl", [*rows, {"message": "jo@x.de", "note": "jo@x.de"}])
    assert mask_file(source, tmp_path / "out.jsonl", columns=["note"]).altered == 1
    assert _rows(tmp_path / "out.jsonl")[-1] == {"message": "jo@x.de", "note": "[EMAIL]"}
    with pytest.raises(DataError, match=r"one of message, note, the columns of .*Got 'notes'"):
        mask_file(source, tmp_path / "out.jsonl", columns=["notes"])
