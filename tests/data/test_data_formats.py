"""Every format is read in batches, with line numbers, rejects that are never silent, and one sentence an error."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError, MissingFileError
from insula.data.formats.formats import EXTENSIONS, find_format, open_rows
from insula.data.formats.row_reader import Reject, RowReader
from insula.data.formats.writers import open_writer


def rows_of(reader: RowReader) -> list[tuple[int, dict[str, Any]]]:
    with reader:
        return [pair for batch in reader for pair in zip(batch.lines, batch.rows, strict=True)]


def read(path: Path, content: bytes | str, **options: Any) -> tuple[list[tuple[int, dict[str, Any]]], RowReader]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = open_rows(path, **options)
    return rows_of(reader), reader


@pytest.mark.parametrize("ending", EXTENSIONS)
def test_formats_by_ending(ending: str) -> None:
    assert find_format(f"a/rows{ending}") == find_format(f"a/ROWS{ending.upper()}.GZ") == EXTENSIONS[ending]


def test_unknown_ending_names_the_allowed() -> None:
    with pytest.raises(DataError, match=r"must end in one of \.csv, .*Got '\.jsonlines'.*Did you mean '\.jsonl'"):
        find_format("rows.jsonlines")
    with pytest.raises(DataError, match="Got 'no ending'"):
        open_rows("rows")
    with pytest.raises(DataError, match=r"The format must be one of csv.*Did you mean 'json'"):
        open_rows("rows.csv", format="json1")


def test_csv_line_numbers_of_multi_line_cells(tmp_path: Path) -> None:
    content = 'text,label\r\n"first\r\nsecond, still",joy\r\nplain,sadness\r\n\r\n"a ""word""",anger'
    rows, reader = read(tmp_path / "a.csv", content)
    assert rows == [
        (2, {"text": "first\r\nsecond, still", "label": "joy"}),
        (4, {"text": "plain", "label": "sadness"}),
        (6, {"text": 'a "word"', "label": "anger"}),
    ]
    assert (reader.columns, reader.encoding, reader.warnings, reader.rejects) == (("text", "label"), "utf-8", [], [])


def test_csv_rejects_rows_of_another_width(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", "text,label\na,joy\nb\nc,joy,x\nd,fear\n")
    assert [line for line, _ in rows] == [2, 5]
    assert reader.rejects == [
        Reject(3, "1 cell, but the header has 2", "b\n"),
        Reject(4, "3 cells, but the header has 2", "c,joy,x\n"),
    ]


def test_csv_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", 'text,label\n"oops,joy\n' + "fine,joy\n" * 50)
    assert [line for line, _ in rows] == list(range(3, 53))
    assert reader.rejects == [Reject(2, "opens a quote that is never closed", '"oops,joy\n')]


def test_csv_quote_that_closes_too_late_does_not_eat_the_file(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", 'text,label\n"oops,joy\n' + "fine,joy\n" * 12_000 + 'say "x",fear\n')
    assert len(rows) == 12_001
    assert [reject.line for reject in reader.rejects] == [2]


@pytest.mark.parametrize("line", ['"oops,joy\n', 'oops,"joy\n'])
def test_stray_csv_quotes_do_not_join_rows(tmp_path: Path, line: str) -> None:
    content = "text,label\n" + line + "fine,joy\n" * 20 + line + '"two\nlines, quoted ""well""","joy"\n'
    rows, reader = read(tmp_path / "a.csv", content)
    assert [number for number, _ in rows] == [*range(3, 23), 24]
    assert rows[-1][1] == {"text": 'two\nlines, quoted "well"', "label": "joy"}
    assert reader.rejects == [Reject(number, "opens a quote that is never closed", line) for number in (2, 23)]


@pytest.mark.parametrize("header", ["\n text;label;a,b\n", "text;label;a,b\n"])
def test_csv_delimiter_is_what_the_header_has_most_of(tmp_path: Path, header: str) -> None:
    rows, _ = read(tmp_path / "a.csv", header + "a, b;joy;1\n")
    assert rows[0][1] == {"text": "a, b", "label": "joy", "a,b": "1"}


def test_csv_carriage_return_inside_a_bare_cell_is_rejected(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.csv", b"text,label\na\rb,joy\nc,joy\n")
    assert [line for line, _ in rows] == [3]
    assert reader.rejects[0].line == 2


def test_csv_unreadable_bytes_reject_their_record(tmp_path: Path) -> None:
    content = 'text,label\n好,joy\n"a\n'.encode() + b"\xff\xfe\x81" + '",joy\n好,joy\n'.encode()
    rows, reader = read(tmp_path / "a.csv", content)
    assert [line for line, _ in rows] == [2, 5]
    assert [(r.line, r.reason) for r in reader.rejects] == [(3, "bytes that are not utf-8")]


def test_csv_cell_of_a_megabyte(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.csv", f"text,label\n{'好' * 1_100_000},joy\nb,joy\n")
    assert [len(row["text"]) for _, row in rows] == [1_100_000, 1]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_csv_of_other_countries(tmp_path: Path, mark: str) -> None:
    rows, _ = read(tmp_path / "a.csv", f"text{mark}label\nso, so{mark}joy\n")
    assert rows == [(2, {"text": "so, so", "label": "joy"})]


def test_csv_column_names_are_trimmed_and_different(tmp_path: Path) -> None:
    _, reader = read(tmp_path / "a.csv", "\ufeff text ,,text\na,b,c\n")
    assert reader.columns == ("text", "column_2", "text_3")
    rows, _ = read(tmp_path / "b.csv", "a_3,a,a\n1,2,3\n")
    assert rows == [(2, {"a_3": "1", "a": "2", "a_3_3": "3"})]


def test_csv_without_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no header line"):
        read(tmp_path / "a.csv", "\n\n")
    rows, reader = read(tmp_path / "b.csv", "text,label\n")
    assert (rows, reader.columns) == ([], ("text", "label"))


def test_tsv_quotes_are_text_in_a_corpus(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.tsv", 'text\tlabel\n"Never" she said\tjoy\n"open\tfear\nend"\tjoy\n')
    assert [row["text"] for _, row in rows] == ['"Never" she said', '"open', 'end"']
    assert reader.rejects == []


def test_tsv_quotes_of_a_spreadsheet_are_quoting(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.tsv", 'text\tlabel\n"a\ttab and ""quotes""\nover two lines"\tjoy\nb\tfear\n')
    assert rows[0] == (2, {"text": 'a\ttab and "quotes"\nover two lines', "label": "joy"})
    assert rows[1][0] == 4


def test_json_lines(tmp_path: Path) -> None:
    content = '{"text": "a\u2028b", "labels": ["joy"]}\n\n{"text": broken}\n[1]\n{"text": "c", "id": 7}\n'
    rows, reader = read(tmp_path / "a.jsonl", content)
    assert rows == [(1, {"text": "a\u2028b", "labels": ["joy"]}), (5, {"text": "c", "id": 7})]
    assert reader.columns == ("text", "labels", "id")
    assert [r.line for r in reader.rejects] == [3, 4]
    assert "broken JSON" in reader.rejects[0].reason
    assert reader.rejects[0].raw == '{"text": broken}'


def test_json_half_characters_and_nuls_are_repaired(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.jsonl", r'{"text": "a\ud83d b\u0000", "ok": "\ud83d\ude00"}' + "\n")
    assert rows == [(1, {"text": "a\ufffd b", "ok": "😀"})]
    assert reader.warnings == ["1 row held unpaired surrogates or NUL characters, which were replaced or removed."]


def test_json_nested_too_deep_is_rejected(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.jsonl", "[" * 200_000 + '\n{"text": "a"}\n')
    assert len(rows) == 1
    assert len(reader.rejects[0].raw) == 1000


def test_json_list(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.json", '[\n {"text": "a"},\n 7,\n {"text":\n "b"}\n]\n')
    assert rows == [(2, {"text": "a"}), (4, {"text": "b"})]
    assert [r.line for r in reader.rejects] == [3]


def test_json_list_that_breaks_off_says_so(tmp_path: Path) -> None:
    rows, reader = read(tmp_path / "a.json", '[{"text": "a"},\n{"text": "b", ')
    assert len(rows) == 1
    assert "the rest of the list cannot be read" in reader.rejects[0].reason
    _, reader = read(tmp_path / "a.json", '[{"text": "a"}')
    assert "never closed" in reader.rejects[0].reason
    with pytest.raises(DataError, match=r"must hold a list of objects.*--format jsonl"):
        read(tmp_path / "a.json", '{"text": "a"}')


def test_json_list_with_another_behind_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text('[\n{"text": "a"}\n]\n\n[{"text": "b"}]\n')
    with open_rows(tmp_path / "two.json") as reader:
        assert [row for batch in reader for row in batch.rows] == [{"text": "a"}]
    (reject,) = reader.rejects
    assert (reject.line, reject.raw) == (5, '[{"text": "b"}]\n')
    assert "follows the end of the list" in reject.reason


def test_json_list_with_unreadable_bytes_rejects_their_object(tmp_path: Path) -> None:
    lines = b'{"text": "a\xff\x81 \x8d"}, {"text": "b"},', b'{"text": "\xc3\xa9"},', b'{"text": "\xc3\xa8"}'
    rows, reader = read(tmp_path / "a.json", b"[" + b"\n".join(lines) + b"]")
    assert [row["text"] for _, row in rows] == ["b", "é", "è"]
    assert [(reject.line, reject.reason) for reject in reader.rejects] == [(1, "bytes that are not utf-8")]


def test_json_lines_under_the_ending_json(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.json", '{"text": "a"}\n\n{"text": "b"}\n')
    assert rows == [(1, {"text": "a"}), (3, {"text": "b"})]


def test_plain_lines_keep_blank_ones(tmp_path: Path) -> None:
    rows, _ = read(tmp_path / "a.txt", "one\r\n\ntwo\x85same")
    assert rows == [(1, {"text": "one"}), (2, {"text": ""}), (3, {"text": "two\x85same"})]


def arrow_table() -> pa.Table:
    rows = [{"text": f"text {n}", "labels": ["joy"] if n % 2 else [], "scores": {"joy": n / 10}} for n in range(25)]
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_parquet_and_arrow(tmp_path: Path, kind: str, packed: bool) -> None:
    table, buffer = arrow_table(), io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, buffer)
    else:
        with (pa.ipc.new_file if kind == "file" else pa.ipc.new_stream)(buffer, table.schema) as writer:
            writer.write(table)
    name = ("a.parquet" if kind == "parquet" else "a.arrow") + (".gz" if packed else "")
    (tmp_path / name).write_bytes(gzip.compress(buffer.getvalue()) if packed else buffer.getvalue())
    with open_rows(tmp_path / name, batch_size=10) as reader:
        batches = list(reader)
    assert [len(batch.rows) for batch in batches] == [10, 10, 5]
    assert batches[2].lines == [21, 22, 23, 24, 25]
    assert batches[0].rows[1] == {"text": "text 1", "labels": ["joy"], "scores": {"joy": 0.1}}
    assert reader.columns == ("text", "labels", "scores")
    assert reader.encoding is None


def test_parquet_row_with_broken_utf8_is_rejected(tmp_path: Path) -> None:
    column = pa.array([b"fine", b"\xff\xfe", b"also"]).view(pa.string())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    reader = open_rows(tmp_path / "a.parquet")
    assert [line for line, _ in rows_of(reader)] == [1, 3]
    assert [reject.line for reject in reader.rejects] == [2]


def test_parquet_row_with_a_date_beyond_python_is_rejected(tmp_path: Path) -> None:
    column = pa.array([0, 10**15, 1], pa.timestamp("s"))
    pq.write_table(pa.table({"text": ["a", "b", "c"], "at": column}), tmp_path / "a.parquet")
    reader = open_rows(tmp_path / "a.parquet")
    assert [line for line, _ in rows_of(reader)] == [1, 3]
    assert reader.rejects[0].reason.startswith("a value that cannot be read: ")


def test_parquet_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array([1]), pa.array([2.5])], names=["text", "a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    reader = open_rows(tmp_path / "a.parquet")
    assert reader.types == {"text": pa.string(), "a": pa.int64(), "a_3": pa.float64()}
    assert rows_of(reader) == [(1, {"text": "x", "a": 1, "a_3": 2.5})]


def test_parquet_texts_that_are_stored_as_bytes(tmp_path: Path) -> None:
    column = pa.array(["好".encode(), b"\xff\xfe", None])
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    rows = rows_of(open_rows(tmp_path / "a.parquet"))
    assert [row["text"] for _, row in rows] == ["好", b"\xff\xfe", None]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_half_written_parquet_and_arrow(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    pq.write_table(arrow_table(), buffer)
    with pytest.raises(DataError, match=r"is not a complete (Parquet|Arrow) file"):
        read(tmp_path / name, buffer.getvalue()[:-50])


def test_an_arrow_file_that_points_outside_itself(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    table = pa.table({"text": ["happy", "calm"], "label": ["joy", "relief"]})
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write(table)
    ends = struct.pack("<3i", 0, 5, 9)  # where the two texts begin and end
    assert buffer.getvalue().count(ends) == 1
    with pytest.raises(DataError, match="is not a complete Arrow file"):
        read(tmp_path / "a.arrow", buffer.getvalue().replace(ends, struct.pack("<3i", 0, 5, 1 << 30)))


def test_a_parquet_column_name_that_is_not_text(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": ["happy", "calm"]}), buffer, store_schema=False)
    with pytest.raises(DataError, match="is not a complete Parquet file"):
        read(tmp_path / "a.parquet", buffer.getvalue().replace(b"text", b"te\xfft"))


def test_gzip_under_any_name_and_cut_off(tmp_path: Path) -> None:
    data = gzip.compress(b"text,label\n" + b"".join(b"word %d,joy\n" % n for n in range(30_000)))
    rows, _ = read(tmp_path / "a.csv.gz", data)
    assert len(rows) == 30_000
    assert len(read(tmp_path / "a.csv", data)[0]) == 30_000
    with pytest.raises(DataError, match="is truncated or damaged"):
        read(tmp_path / "b.csv.gz", data[: len(data) // 2])
    with pytest.raises(DataError, match="has the ending of a gzip file"):
        read(tmp_path / "c.csv.gz", b"text,label\n")
    with pytest.raises(DataError, match="is truncated or damaged"):  # an open file left behind fails the test
        read(tmp_path / "d.arrow", data[: len(data) // 2])


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text\n")
    with pytest.raises(MissingFileError, match=r"does not exist\. Did you mean 'train\.csv'"):
        open_rows(tmp_path / "trian.csv")
    with pytest.raises(MissingFileError, match="does not exist either"):
        open_rows(tmp_path / "no" / "a.csv")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        open_rows(tmp_path / "b.csv")
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "c.csv", b"")
    with pytest.raises(DataError, match="looks like a PNG picture"):
        read(tmp_path / "d.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def test_rejects_may_go_elsewhere(tmp_path: Path) -> None:
    seen: list[Reject] = []
    _, reader = read(tmp_path / "a.csv", "text,label\nb\n", on_reject=seen.append)
    assert (len(seen), reader.rejects, reader.reject_count) == (1, [], 1)


@pytest.mark.parametrize(
    ("typed", "expected"), [(b'{"text": "a"}\n', {"text": "a"}), (b"a\n", {"text": "a"}), (b" {\n", None)]
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, typed: bytes, expected: dict[str, str] | None) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(typed))))  # type: ignore[arg-type]
    reader = open_rows("-")
    assert [row for _, row in rows_of(reader)] == ([expected] if expected else [])
    assert reader.reject_count == (expected is None)


def test_standard_input_that_is_packed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = gzip.compress("".join(f"{n**5}\n" for n in range(2000)).encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(typed))))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="looks like gzip data"):
        open_rows("-")


def whole_file(ending: str, folder: Path) -> bytes:
    with open_writer(folder / f"whole{ending}") as writer:
        writer.write([{"text": f"好 day {n}", "label": "joy"} for n in range(20)])
    return (folder / f"whole{ending}").read_bytes()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json", ".txt", ".parquet", ".arrow", ".csv.gz"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=60), start=st.integers(0, 400), cut=st.integers(0, 400))
def test_damage_is_a_reject_or_one_sentence(tmp_path: Path, ending: str, noise: bytes, start: int, cut: int) -> None:
    data = whole_file(ending, tmp_path)
    damaged = (data[:start] + noise + data[start + len(noise) :])[: max(1, len(data) - cut)]
    try:
        rows, reader = read(tmp_path / f"a{ending}", damaged)
    except DataError:
        return
    assert all(isinstance(row, dict) for _, row in rows)
    assert [line for line, _ in rows] == sorted(line for line, _ in rows)
    assert reader.reject_count == len(reader.rejects)


def test_memory_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl.gz"
    line = json.dumps({"text": "a happy day in the park " * 8, "label": "joy"}) + "\n"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(line * 100_000)  # 21 MB
    tracemalloc.start()
    with open_rows(path, batch_size=1000) as reader:
        count = sum(len(batch.rows) for batch in reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 8_000_000
