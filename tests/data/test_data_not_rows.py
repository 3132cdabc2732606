"""Files whose header does not fit their rows, and files that hold no rows: read as meant, or one sentence."""

from __future__ import annotations

import pickle
import random
import sqlite3
import zipfile
from pathlib import Path

import pytest

from insula.core.errors import DataError
from insula.data.formats.formats import EXTENSIONS, FOREIGN, open_rows

ROWS = [("so happy, really", "joy"), ("they shouted", "anger"), ("nobody called", "anger")]
NOISE = random.Random(0).randbytes(4000)


def _read(file: Path, **reading: object) -> tuple[tuple[str, ...], list[dict[str, object]], list[str]]:
    with open_rows(file, **reading) as reader:  # type: ignore[arg-type]
        rows = [row for batch in reader for row in batch.rows]
        assert reader.reject_count == 0
        return tuple(reader.columns), rows, list(reader.warnings)


@pytest.mark.parametrize(
    ("content", "columns", "note"),
    [
        ('"text","label"\n"1","{0}","{1}"\n', ("column_1", "text", "label"), "holds row numbers"),
        ('text,label\n"{0}",{1},\n', ("text", "label", "column_3"), "ends with 1 empty cell without a column name"),
        ('text,label\n"{0}",{1},,\n', ("text", "label", "column_3", "column_4"), "ends with 2 empty cells"),
        ('text,label,\n"{0}",{1}\n', ("text", "label"), None),
        ('# from a tool\n\ntext,label\n"{0}",{1}\n', ("text", "label"), "2 lines before the names of the columns"),
        ('Survey of 2024\ntext;label\n"{0}";{1}\n', ("text", "label"), "1 line before the names of the columns"),
    ],
)
def test_a_header_of_another_width_is_read_as_meant(
    tmp_path: Path, content: str, columns: tuple[str, ...], note: str | None
) -> None:
    *above, last = content.splitlines(keepends=True)
    lines = [last.format(*row).replace('"1"', f'"{number}"') for number, row in enumerate(ROWS, 1)]
    (tmp_path / "rows.csv").write_text("".join([*above, *lines]), encoding="utf-8")
    found, rows, warnings = _read(tmp_path / "rows.csv")
    assert found == columns
    assert [(row["text"], row["label"]) for row in rows] == ROWS
    assert note is None or any(note in warning for warning in warnings)


def test_tab_separated_rows_of_r_have_their_names(tmp_path: Path) -> None:
    lines = [f"{number}\t{text}\t{label}\n" for number, (text, label) in enumerate(ROWS, 1)]
    (tmp_path / "rows.tsv").write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    found, rows, _ = _read(tmp_path / "rows.tsv")
    assert found == ("column_1", "text", "label")
    assert [row["text"] for row in rows] == [text for text, _ in ROWS]


@pytest.mark.parametrize("text", ["well, {0}, you know", "x,{0},y,z"])
def test_a_narrow_header_that_nobody_can_read_is_a_question(tmp_path: Path, text: str) -> None:
    lines = [f"{label},{text.format(said.split(',')[0])}\n" for said, label in ROWS]
    (tmp_path / "rows.csv").write_text("label,text\n" + "".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"has 2 cells \('label', 'text'\), but the rows below have [45]") as caught:
        _read(tmp_path / "rows.csv")
    assert "--no-header" in str(caught.value)
    assert "nobody called" not in str(caught.value)


def test_a_few_wide_rows_are_still_rejected_rows(tmp_path: Path) -> None:
    lines = ["text,label\n", *(f"text {number},joy\n" for number in range(30)), "too,many,cells\n"]
    (tmp_path / "rows.csv").write_text("".join(lines), encoding="utf-8")
    with open_rows(tmp_path / "rows.csv") as reader:
        assert sum(len(batch.rows) for batch in reader) == 30
        assert reader.reject_count == 1


def test_a_table_of_one_column_keeps_its_first_lines(tmp_path: Path) -> None:
    """A row that names columns by chance is no header where the lines below it have no cells."""
    lines = ["opinion\n", "text, label\n", "fine\n", "good enough\n"]
    (tmp_path / "rows.csv").write_text("".join(lines), encoding="utf-8")
    with open_rows(tmp_path / "rows.csv") as reader:
        assert tuple(reader.columns) == ("opinion",)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n" + NOISE, "a PDF document"),
        (b"\x89PNG\r\n\x1a\n" + NOISE, "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + NOISE, "a JPEG picture"),
        (b"\xd0\xcf\x11\xe0" + NOISE, "an old Excel or Word document. Save it as CSV."),
        (b"\x89HDF\r\n\x1a\n" + NOISE, "an HDF5 file"),
        (b"7z\xbc\xaf\x27\x1c" + NOISE, "a 7z archive. Unpack it first."),
        (b"Rar!\x1a\x07\x00" + NOISE, "a RAR archive. Unpack it first."),
        (b"\x93NUMPY\x01\x00" + NOISE, "an array of numpy"),
        (b"{\\rtf1\\ansi text, label\\par}\n", "an RTF document"),
        (pickle.dumps(ROWS), "a pickle of Python"),
        (pickle.dumps(ROWS, protocol=2), "a pickle of Python"),
        (pickle.dumps(ROWS, protocol=0), "a pickle of Python"),
        (NOISE, "binary data"),
        (bytes(code for code in NOISE if code), "binary data"),
        (bytes(code for code in NOISE if code > 127), "binary data"),
        (b"<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n", "a web page"),
        (b'<?xml version="1.0"?>\n<rows><row>a</row></rows>\n', "an XML document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n", "a pointer of Git LFS"),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json", ".txt"])
def test_what_holds_no_rows_is_one_sentence(tmp_path: Path, head: bytes, kind: str, ending: str) -> None:
    file = tmp_path / f"rows{ending}"
    file.write_bytes(head)
    with pytest.raises(DataError) as caught:
        _read(file)
    message = str(caught.value)
    assert f"but looks like {kind}" in message
    assert message.isprintable()
    assert len(message.replace(str(file), "")) < 200


def test_a_database_and_a_document_are_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.csv") as database:
        database.execute("create table t(text, label)")
    database.close()
    with zipfile.ZipFile(tmp_path / "word.csv", "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    for name, kind in (("rows.csv", "an SQLite database"), ("word.csv", "Excel or Word document")):
        with pytest.raises(DataError, match=kind):
            _read(tmp_path / name)


@pytest.mark.parametrize("ending", [".docx", ".pdf", ".pkl", ".db", ".sav", ".xml", ".yaml", ".bz2", ".xz", ".tar.gz"])
def test_a_file_name_of_another_kind_says_what_to_do(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows{ending}"
    file.write_bytes(b"anything")
    with pytest.raises(DataError) as caught:
        _read(file)
    known = f".{ending.removesuffix('.gz').split('.')[1]}"
    assert str(caught.value).endswith(FOREIGN[known])
    assert "Did you mean" not in str(caught.value)
    assert not FOREIGN.keys() & EXTENSIONS.keys()


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "gb18030", "big5", "shift_jis", "cp1252"])
def test_text_in_old_encodings_is_no_binary_data(tmp_path: Path, codec: str) -> None:
    said = {"big5": "今天很開心", "shift_jis": "今日はとても嬉しい", "cp1252": "très déçu, naïf"}.get(
        codec, "今天很开心"
    )
    lines = "".join(f'"{said} {number}",joy\r\n' for number in range(40))
    (tmp_path / "rows.csv").write_bytes(("text,label\r\n" + lines + "\x1a").encode(codec))
    with open_rows(tmp_path / "rows.csv") as reader:
        assert sum(len(batch.rows) for batch in reader) == 40


def test_names_of_columns_are_not_dumped_into_errors(tmp_path: Path) -> None:
    from insula.data.columns import find_text_columns

    with pytest.raises(DataError) as caught:
        find_text_columns(["a very long first line of a private message " * 9, "b"], None, "'rows.csv'")
    assert "a very long first line of a private mes…" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_header_of_a_joined_file_is_no_row(tmp_path: Path) -> None:
    """It was a row with the label 'label'."""
    half = "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS)
    (tmp_path / "rows.csv").write_text(half + half, encoding="utf-8")
    with open_rows(tmp_path / "rows.csv") as reader:
        assert [row["label"] for batch in reader for row in batch.rows] == [label for _, label in ROWS] * 2
        assert [(one.line, one.reason) for one in reader.rejects] == [(5, "repeats the names of the columns")]
    (tmp_path / "texts.csv").write_text("text\nfine\ntext\n", encoding="utf-8")  # one column: it may be a text
    with open_rows(tmp_path / "texts.csv") as reader:
        assert sum(len(batch.rows) for batch in reader) == 2


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u00a0", "\u3000"])
def test_invisible_characters_are_no_part_of_a_column_name(tmp_path: Path, mark: str) -> None:
    (tmp_path / "rows.csv").write_text(f"\ufeff{mark}text{mark},{mark}label{mark}\nfine,joy\n", encoding="utf-8")
    with open_rows(tmp_path / "rows.csv") as reader:
        assert tuple(reader.columns) == ("text", "label")
