"""Tables as other programs write them: delimiters, escapes, blanks, no header, and what hides in a `.txt` file."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.data.formats.csv_dialect import double_escaped_quotes
from insula.data.formats.formats import open_rows
from insula.data.formats.row_reader import RowReader
from insula.data.load import load_dataset
from insula.data.options import DataOptions

Rows = list[dict[str, Any]]


def read(path: Path, content: str, **options: Any) -> tuple[Rows, RowReader]:
    path.write_text(content, encoding="utf-8")
    with open_rows(path, **options) as reader:
        return [row for batch in reader for row in batch.rows], reader


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_the_delimiter_is_found(tmp_path: Path, mark: str, ending: str) -> None:
    lines = [mark.join(("id", "text", "label")), mark.join(("0", "so; so", "joy")), mark.join(("1", "b", "fear"))]
    if mark == ";":
        lines[1] = lines[1].replace("; ", ", ")
    rows, reader = read(tmp_path / f"a.{ending}", "\n".join(lines))
    assert [row["label"] for row in rows] == ["joy", "fear"]
    assert reader.rejects == []
    unusual = mark == "|" or (ending == "tsv" and mark != "\t")
    assert reader.warnings == ([f"The cells are separated by {mark!r}."] if unusual else [])


def test_a_delimiter_inside_the_texts_is_not_taken(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", "id|text, cleaned|label\n" + "0|one, two, three|joy\n" * 5)
    assert rows[0] == {"id": "0", "text, cleaned": "one, two, three", "label": "joy"}
    rows, _ = read(tmp_path / "b.csv", "a,b,c;text;label\n" + "1;one;joy\n" * 5)
    assert rows[0] == {"a,b,c": "1", "text": "one", "label": "joy"}


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_line_that_states_the_separator_is_no_header(tmp_path: Path, first: str) -> None:
    rows, reader = read(tmp_path / "a.csv", f"{first}\ntext;label\na, b;joy\nc\n")
    assert rows == [{"text": "a, b", "label": "joy"}]
    assert [reject.line for reject in reader.rejects] == [4]


@pytest.mark.parametrize(("separator", "mark"), [("^", "^"), ("tab", "\t"), ("\\t", "\t"), (" ", " ")])
def test_a_separator_that_is_given_is_used(tmp_path: Path, separator: str, mark: str) -> None:
    rows, _ = read(tmp_path / "a.csv", f"text{mark}label\na,b{mark}joy\n", separator=separator)
    assert rows == [{"text": "a,b", "label": "joy"}]
    with pytest.raises(DataError, match=r"must be one character, or tab\. Got '::'"):
        read(tmp_path / "a.csv", "text::label\n", separator="::")
    with pytest.raises(DataError, match="apply only to CSV and TSV"):
        read(tmp_path / "a.jsonl", '{"text": "a"}\n', separator=";")


ESCAPED = (
    '"a \\"word\\" here",joy\n"b \\"word\\", here",anger\nplain,joy\n"ends \\"so\\"",joy\n"over\nlines \\"so\\"",joy\n'
)
MEANT = ['a "word" here', 'b "word", here', "plain", 'ends "so"', 'over\nlines "so"']


def test_quotes_escaped_by_backslashes(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", "text,label\n" + ESCAPED)
    assert [row["text"] for row in rows] == MEANT
    assert reader.rejects == []
    assert reader.warnings == ['Quotes inside cells are escaped by a backslash (\\").']


def test_escaped_quotes_after_the_first_lines_are_counted(tmp_path: Path) -> None:
    plain = 'the path is "C:\\new"\n'.replace("\n", ",joy\n")
    rows, reader = read(tmp_path / "a.csv", "text,label\n" + plain * 30_000 + '"he ""said"" so",joy\n' + ESCAPED)
    assert [row["text"] for row in rows[30_001:30_005]] == MEANT[:4]
    assert rows[0]["text"] == 'the path is "C:\\new"', "a backslash alone changes nothing"
    assert rows[30_000]["text"] == 'he "said" so'
    assert any("escaped by a backslash" in warning for warning in reader.warnings)
    assert len(rows) + reader.reject_count >= 30_005


def test_text_after_a_closing_quote_is_counted(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", 'text,label\n"a" b,joy\nc,joy\n5" screen,joy\n')
    assert [row["text"] for row in rows] == ["a b", "c", '5" screen']
    assert reader.warnings == ["1 row with text after a closing quote read without that quote."]


@given(st.text(alphabet='ab", \n', max_size=12))
def test_escaped_quotes_are_restored(text: str) -> None:
    line = double_escaped_quotes('"' + text.replace('"', '\\"') + '",joy\n')
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [[text, "joy"]]


def test_blanks_before_quotes(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", 'text, label\n"so, so", "joy"\n"b", "fear"\n')
    assert rows == [{"text": "so, so", "label": "joy"}, {"text": "b", "label": "fear"}]
    assert "Blanks after a separator are skipped" in reader.warnings[0]
    listed = '"[""a"", ""b""]"'
    rows, reader = read(tmp_path / "c.csv", f"text,label\n{listed},joy\n")
    assert (rows[0]["text"], reader.warnings) == ('["a", "b"]', [])
    rows, reader = read(tmp_path / "d.csv", 'text,label\n" ""so"" she said",joy\n')
    assert (rows[0]["text"], reader.warnings) == (' "so" she said', [])
    rows, _ = read(tmp_path / "b.csv", "text,label\na, joy\n")
    assert rows == [{"text": "a", "label": " joy"}]


NO_HEADER = "".join(f"{label}\tkind note {n}\n" for n, label in enumerate(["ham", "spam", "ham", "ham", "spam"] * 4))


def test_a_first_line_of_data_is_a_question(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"looks like data, .*: 'ham' is also .* --no-header .* --text 2.*--header"):
        read(tmp_path / "a.tsv", NO_HEADER)
    rows, reader = read(tmp_path / "a.tsv", NO_HEADER, header=False)
    assert reader.columns == ("column_1", "column_2")
    assert rows[0] == {"column_1": "ham", "column_2": "kind note 0"}
    rows, reader = read(tmp_path / "a.tsv", NO_HEADER, header=True)
    assert reader.columns == ("ham", "kind note 0")


@pytest.mark.parametrize("content", ['"0","1467","a b"\n' * 9, "I was glad,1\nnever again,0\nso good,1\nbad,0\nok,1\n"])
def test_numbers_and_labels_in_the_first_line_are_data(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="looks like data"):
        read(tmp_path / "a.csv", content)


@pytest.mark.parametrize(
    "content",
    [
        "text,0,1\n" + "a,0,1\n" * 9,
        "text,joy\n" + "joy,joy\n" * 9,
        "name,comment count\n" + "a,5\n" * 9,
        "文本,情绪\n" + "好,喜\n" * 9,
        "mood,said\n",
    ],
)
def test_a_header_is_no_question(tmp_path: Path, content: str) -> None:
    assert read(tmp_path / "a.csv", content)[1].columns == tuple(content.split("\n")[0].split(","))


def test_columns_by_number_without_a_header(tmp_path: Path) -> None:
    rows = "".join(f"{'joy' if n % 2 else 'fear'},text {n}\n" for n in range(60))
    (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
    dataset = load_dataset(tmp_path / "a.csv", DataOptions(header=False, text="2", label="1"))
    assert sum(map(len, dataset.splits.values())) == 60
    assert dataset.scheme.names == ("fear", "joy")


TABLE = "id\ttext\tlabel\n0\tkind note\tjoy\n1\tcold soup\tanger\n"


@pytest.mark.parametrize(
    ("content", "kind", "first"),
    [
        (TABLE, "tsv", {"id": "0", "text": "kind note", "label": "joy"}),
        (TABLE.replace("\t", ","), "csv", {"id": "0", "text": "kind note", "label": "joy"}),
        ('{"text": "a"}\n{"text": "b"}\n', "jsonl", {"text": "a"}),
        (json.dumps([{"text": "a"}, {"text": "b"}]), "json", {"text": "a"}),
        (json.dumps([{"text": "a"}, {"text": "b"}], indent=2), "json", {"text": "a"}),
        ("__label__joy so glad\n__label__fear oh no\n", "fasttext", {"text": "so glad", "label": "joy"}),
    ],
)
def test_what_a_text_file_holds_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, kind: str, first: dict[str, str]
) -> None:
    rows, reader = read(tmp_path / "a.txt", content)
    assert rows[0] == first
    assert len(rows) == 2
    assert reader.warnings[0] == f"The lines are read as {kind}. To read one text per line, use --format lines."
    rows, reader = read(tmp_path / "a.txt", content, format="lines")
    assert rows[0] == {"text": content.split("\n")[0]}
    assert reader.warnings == []
    typed = io.BufferedReader(io.BytesIO(content.encode()))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=typed))
    assert next(row for batch in open_rows("-") for row in batch.rows) == first


@pytest.mark.parametrize(
    "content",
    [
        "one\ntwo, three\nfour\n",
        "text, they say, is all\nand this, too, is, one\n",
        "[sighs] fine\n[laughs] no\n",
        "a\tb\nc\n",
        "{not json\n{at all\n",
        "a message\nanother message\n",
    ],
)
def test_texts_stay_texts(tmp_path: Path, content: str) -> None:
    rows, reader = read(tmp_path / "a.txt", content)
    assert [row["text"] for row in rows] == content.splitlines()
    assert reader.warnings == []


def test_a_table_without_a_header_in_a_text_file_is_a_question(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Every line .* has a tab, .*--format tsv .*--no-header.* --format lines"):
        read(tmp_path / "a.txt", NO_HEADER)


def test_lines_of_fasttext_with_several_labels(tmp_path: Path) -> None:
    content = "__label__joy __label__love so glad \n\nno label\n__label__fear\n__label__calm all  good\n"
    rows, reader = read(tmp_path / "a.txt", content, format="fasttext")
    assert rows == [
        {"text": "so glad", "label": ["joy", "love"]},
        {"text": "", "label": "fear"},
        {"text": "all  good", "label": "calm"},
    ]
    assert [(reject.line, reject.raw) for reject in reader.rejects] == [(3, "no label")]
