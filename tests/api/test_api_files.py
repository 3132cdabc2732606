"""File to file: order, columns, formats, rejects, and nothing half-written."""

from __future__ import annotations

import datetime
import decimal
import gzip
import itertools
import json
import string
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.api.prediction import predict_file
from insula.core.errors import DataError, OutputError
from insula.core.prediction import Prediction
from insula.data.formats.formats import open_rows
from insula.data.formats.writers import open_writer
from insula.inference.predictor import CHUNK, EncodedInputs, Predictor

TABLES = ("csv", "tsv", "jsonl", "json", "parquet", "arrow")
WORDS = ("lovely happy", "awful angry", "ordinary plain", "开心 美好", "糟糕 愤怒")
PREDICTED = {"label", "labels", "confidence", "abstained"}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"nr": str(n), "text": f"{WORDS[n % len(WORDS)]}, n{n}", "remark": f'a "{n}"'} for n in range(count)]


def write(path: Path, content: list[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        writer.write(content)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    with open_rows(path) as reader:
        return [row for batch in reader for row in batch.rows]


@pytest.mark.parametrize(("source", "target"), list(itertools.product(TABLES, TABLES)))
def test_every_format_into_every_format(tmp_path: Path, predictor: Predictor, source: str, target: str) -> None:
    given = rows(30)
    result = predict_file(write(tmp_path / f"in.{source}", given), tmp_path / f"out.{target}", predictor)
    assert (result.rows, result.rejected, result.rejects) == (30, 0, None)
    found = read(tmp_path / f"out.{target}")
    assert [{name: row[name] for name in given[0]} for row in found] == given  # order and columns
    expected = predictor.predict([row["text"] for row in given])
    assert [row["label"] for row in found] == [one.label for one in expected]
    assert set(found[0]) >= PREDICTED
    for row, one in zip(found, expected, strict=True):
        scores = row.get("scores") or {name: float(row[f"score_{name}"]) for name in one.scores}
        assert scores == pytest.approx(one.scores, abs=1e-6)


@pytest.mark.parametrize(("source", "target"), [("csv.gz", "jsonl.gz"), ("jsonl.gz", "csv.gz"), ("tsv.gz", "parquet")])
def test_packed_files(tmp_path: Path, predictor: Predictor, source: str, target: str) -> None:
    result = predict_file(write(tmp_path / f"in.{source}", rows(10)), tmp_path / f"out.{target}", predictor)
    assert result.rows == 10
    assert [row["nr"] for row in read(tmp_path / f"out.{target}")] == [str(n) for n in range(10)]
    if target.endswith(".gz"):
        assert (tmp_path / f"out.{target}").read_bytes()[:2] == b"\x1f\x8b"


def test_plain_lines_hold_the_labels(tmp_path: Path, predictor: Predictor) -> None:
    (tmp_path / "in.txt").write_text("lovely happy\nawful angry\n", encoding="utf-8")
    predict_file(tmp_path / "in.txt", tmp_path / "out.txt", predictor)
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "positive\nnegative\n"


def test_plain_lines_cannot_hold_values(tmp_path: Path, trained_run: Any) -> None:
    dimensional = Predictor.load(trained_run("linear", "dimensional").path)
    with pytest.raises(DataError, match=r"Plain lines can store only labels.*\.jsonl"):
        predict_file(write(tmp_path / "in.csv", rows(3)), tmp_path / "out.txt", dimensional)
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", dimensional)
    assert set(read(tmp_path / "out.csv")[0]) >= {"score_valence", "score_arousal"}


def test_several_labels_are_joined_in_tables(tmp_path: Path, trained_run: Any) -> None:
    multi = Predictor.load(trained_run("linear", "multi").path)
    write(tmp_path / "in.csv", [{"text": "lovely wonderful awful terrible"}, {"text": "the day was"}])
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", multi)
    expected = multi.predict(["lovely wonderful awful terrible", "the day was"])
    assert [row["labels"] for row in read(tmp_path / "out.csv")] == ["|".join(one.labels) for one in expected]


def test_unusable_rows_go_to_the_rejects_with_their_lines(tmp_path: Path, predictor: Predictor) -> None:
    lines = ["nr,text", "1,lovely", "2,", "3,awful,too,many", "4,   ", "5,plain", '6,"never closed']
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert [row["nr"] for row in read(tmp_path / "out.csv")] == ["1", "5"]
    assert (result.rows, result.rejected) == (2, 4)
    assert result.rejects == tmp_path / "out.csv.rejects.jsonl"
    rejected = {row["line"]: row for row in read(result.rejects)}
    assert set(rejected) == {3, 4, 5, 7}
    assert "no text in column 'text'" in rejected[3]["reason"]
    assert "4 cells, but the header has 2" in rejected[4]["reason"]
    assert "quote" in rejected[7]["reason"]
    assert rejected[4]["raw"].startswith("3,awful")


def test_null_and_strange_texts(tmp_path: Path, predictor: Predictor) -> None:
    texts = ["lovely", None, "", float("nan"), 42, ["a", "list"], {"a": "dict"}, True]
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        file.write("{}\n[1]\nnonsense\n")
    result = predict_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", predictor)
    assert [row["text"] for row in read(tmp_path / "out.jsonl")] == ["lovely", 42, True]  # values keep their types
    assert result.rejects is not None
    assert sorted(row["line"] for row in read(result.rejects)) == [2, 3, 4, 6, 7, 9, 10, 11]


def test_nulls_in_parquet(tmp_path: Path, predictor: Predictor) -> None:
    pq.write_table(pa.table({"text": ["lovely", None, "awful"], "n": [1, None, 3]}), tmp_path / "in.parquet")
    result = predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet", predictor)
    assert result.rejected == 1
    assert pq.read_table(tmp_path / "out.parquet").column("n").to_pylist() == [1, 3]


def test_columns_that_clash_are_kept_under_another_name(tmp_path: Path, predictor: Predictor) -> None:
    given = {"text": "lovely", "label": "mine", "input_label": "older", "score_positive": "0.5", "scores": "x"}
    write(tmp_path / "in.csv", [given])
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    (row,) = read(tmp_path / "out.csv")
    assert row["label"] == "positive"
    assert sorted(value for name, value in row.items() if name.startswith("input_")) == ["0.5", "mine", "older", "x"]
    predict_file(tmp_path / "out.csv", tmp_path / "again.csv", predictor)
    (again,) = read(tmp_path / "again.csv")
    assert set(row.values()) <= set(again.values())


def test_json_rows_have_the_text_under_its_name(tmp_path: Path, predictor: Predictor) -> None:
    write(tmp_path / "in.csv", [{"message": "lovely", "body": "x"}])
    predict_file(tmp_path / "in.csv", tmp_path / "out.jsonl", predictor)
    assert read(tmp_path / "out.jsonl")[0]["text"] == "lovely"
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert "text" not in read(tmp_path / "out.csv")[0]
    write(tmp_path / "in.csv", [{"message": "lovely", "text": "something else"}])
    predict_file(tmp_path / "in.csv", tmp_path / "out.jsonl", predictor, text="message")
    (row,) = read(tmp_path / "out.jsonl")
    assert (row["text"], row["message"], row["input_text"]) == ("lovely", "lovely", "something else")


@given(
    names=st.lists(st.sampled_from(["label", "labels", "score_positive", "input_label", "a", "scores"]), unique=True)
)
@settings(max_examples=20)
def test_no_column_is_lost_whatever_the_names(tmp_path_factory: Any, predictor: Predictor, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    row = {"text": "lovely", **{name: f"value of {name}" for name in names}}
    write(folder / "in.csv", [row])
    for target in ("out.csv", "out.jsonl", "out.parquet"):
        predict_file(folder / "in.csv", folder / target, predictor)
        (found,) = read(folder / target)
        assert set(row.values()) <= {str(value) for value in found.values()}
        assert found["label"] == "positive"


@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8))
@settings(max_examples=30)
def test_every_row_is_predicted_or_rejected(tmp_path_factory: Any, predictor: Predictor, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("texts")
    write(folder / "in.jsonl", [{"text": text, "nr": n} for n, text in enumerate(texts)])
    result = predict_file(folder / "in.jsonl", folder / "out.jsonl", predictor)
    assert result.rows + result.rejected == len(texts)
    lines = [row["line"] - 1 for row in read(result.rejects)] if result.rejects else []
    kept = [row["nr"] for row in read(folder / "out.jsonl")] if result.rows else []
    assert sorted(lines + kept) == list(range(len(texts)))
    assert kept == sorted(kept)


@pytest.mark.parametrize("target", [*TABLES, "txt", "csv.gz"])
def test_a_file_with_only_a_header(tmp_path: Path, predictor: Predictor, target: str) -> None:
    (tmp_path / "in.csv").write_text("nr,text\n", encoding="utf-8")
    result = predict_file(tmp_path / "in.csv", tmp_path / f"out.{target}", predictor)
    assert result.rows == 0
    assert (tmp_path / f"out.{target}").exists()
    if target == "csv":
        header = (tmp_path / "out.csv").read_text(encoding="utf-8")
        predict_file(write(tmp_path / "some.csv", [{"nr": 1, "text": "lovely"}]), tmp_path / "some.out.csv", predictor)
        assert header.splitlines() == (tmp_path / "some.out.csv").read_text(encoding="utf-8").splitlines()[:1]
    if target == "parquet":
        # The same columns and types as with rows: parts of one table can be put together.
        predict_file(write(tmp_path / "some.csv", [{"nr": 1, "text": "lovely"}]), tmp_path / "some.parquet", predictor)
        assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
        assert pq.read_schema(tmp_path / "out.parquet") == pq.read_schema(tmp_path / "some.parquet")


def test_more_rows_than_a_chunk_keep_their_order(tmp_path: Path, predictor: Predictor) -> None:
    count = 2 * CHUNK + 17
    write(tmp_path / "in.csv", rows(count))
    result = predict_file(tmp_path / "in.csv", tmp_path / "out.parquet", predictor)
    assert result.rows == count
    assert pq.read_table(tmp_path / "out.parquet").column("nr").to_pylist() == [str(n) for n in range(count)]


def test_progress_counts_rows_and_tells_their_rate(tmp_path: Path, predictor: Predictor, recorder: Any) -> None:
    figures: list[dict[str, float]] = []
    recorder.advance = lambda steps=1, **given: figures.append({"steps": steps, **given})
    write(tmp_path / "in.jsonl", [{"text": "lovely" if n % 10 else ""} for n in range(CHUNK + 100)])
    predict_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", predictor, progress=recorder)
    assert sum(one["steps"] for one in figures) == CHUNK + 100
    assert all(one["rows/s"] > 0 for one in figures)
    assert recorder.finished == 1


def test_an_error_on_the_way_leaves_nothing_under_the_name(
    tmp_path: Path, predictor: Predictor, monkeypatch: Any
) -> None:
    write(tmp_path / "in.csv", [{"text": "" if n == 5 else "lovely"} for n in range(CHUNK + 10)])
    good, calls = predictor.encode, itertools.count()

    def fail_late(texts: list[str]) -> EncodedInputs:
        if next(calls):
            raise RuntimeError("the backend broke")
        return good(texts)

    monkeypatch.setattr(predictor, "encode", fail_late)
    for target in ("out.csv", "out.parquet", "out.jsonl.gz"):
        calls = itertools.count()
        with pytest.raises(RuntimeError, match="the backend broke"):
            predict_file(tmp_path / "in.csv", tmp_path / target, predictor)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".parts")] == ["in.csv"]


def test_an_error_leaves_the_older_output_as_it_was(tmp_path: Path, predictor: Predictor) -> None:
    (tmp_path / "out.csv").write_text("older", encoding="utf-8")
    gzip.open(tmp_path / "in.csv.gz", "wb").close()
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(b"text\n" + b"lovely day\n" * 9000)[:-20])
    with pytest.raises(DataError, match="damaged"):
        predict_file(tmp_path / "in.csv.gz", tmp_path / "out.csv", predictor)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "older"


def test_rejects_of_an_earlier_run_do_not_stay(tmp_path: Path, predictor: Predictor) -> None:
    write(tmp_path / "in.csv", [{"nr": "1", "text": "lovely"}, {"nr": "2", "text": ""}])
    stale = predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor).rejects
    assert stale is not None
    write(tmp_path / "in.csv", [{"nr": "1", "text": "lovely"}])
    assert predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor).rejects is None
    assert not stale.exists()


def test_a_function_takes_the_predictions(tmp_path: Path, predictor: Predictor, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.csv", [{"text": word} for word in ("lovely", "", "awful")])
    taken: list[Prediction] = []
    result = predict_file(tmp_path / "in.csv", taken.extend, predictor)
    assert taken == predictor.predict(["lovely", "awful"])
    assert result.output is None
    assert (result.rejected, result.rejects, result.first_reject) == (1, None, "line 3: no text in column 'text'")
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("content", ["mine\n", '{"line": 1}\n', '["line", "reason"]\n'])
def test_a_file_of_the_user_is_no_place_for_rejects(tmp_path: Path, predictor: Predictor, content: str) -> None:
    write(tmp_path / "in.csv", [{"text": "lovely"}, {"text": ""}])
    mine = tmp_path / "out.csv.rejects.jsonl"
    mine.write_text(content, encoding="utf-8")
    result = predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert (result.rejected, result.rejects, result.first_reject) == (1, None, "line 3: no text in column 'text'")
    with pytest.raises(OutputError, match="contains something other than rejected rows"):
        predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor, rejects=mine)
    write(tmp_path / "in.csv", [{"text": "lovely"}])
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert mine.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "txt"])
def test_output_through_a_link_goes_to_its_target(tmp_path: Path, predictor: Predictor, ending: str) -> None:
    source = write(tmp_path / "in.csv", rows(3))
    target, link = tmp_path / "elsewhere" / f"target.{ending}", tmp_path / f"link.{ending}"
    target.parent.mkdir()
    target.write_text("before", encoding="utf-8")
    link.symlink_to(target)
    predict_file(source, link, predictor)
    predict_file(source, tmp_path / f"plain.{ending}", predictor)
    assert link.is_symlink()
    assert target.read_bytes() == (tmp_path / f"plain.{ending}").read_bytes()
    dangling = tmp_path / f"dangling.{ending}"
    dangling.symlink_to(tmp_path / "elsewhere" / f"new.{ending}")
    predict_file(source, dangling, predictor)
    assert (tmp_path / "elsewhere" / f"new.{ending}").read_bytes() == target.read_bytes()


def test_input_output_and_rejects_must_differ(tmp_path: Path, predictor: Predictor) -> None:
    source = write(tmp_path / "in.csv", rows(2))
    before = source.read_bytes()
    for output, rejects in (
        (source, None),
        (tmp_path / "out.csv", source),
        (tmp_path / "out.csv", tmp_path / "out.csv"),
    ):
        with pytest.raises(OutputError, match=r"must differ from the (input|output)"):
            predict_file(source, output, predictor, rejects=rejects)
    assert source.read_bytes() == before


def test_letters_of_every_kind_come_through(tmp_path: Path, predictor: Predictor) -> None:
    texts = ["喜欢 😀", "naïve café", 'quote " comma , tab \t', "line\nbreak", string.punctuation]
    write(tmp_path / "in.csv", [{"text": text} for text in texts])
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert [row["text"] for row in read(tmp_path / "out.csv")] == texts


def test_types_of_parquet_are_kept_even_where_they_show_late(tmp_path: Path, predictor: Predictor) -> None:
    count = 9_000  # more than the rows whose values are looked at for types
    given = pa.table(
        {
            "text": ["lovely"] * count,
            "late": pa.array([None] * (count - 1) + [3], pa.int32()),
            "tags": pa.array([[]] * (count - 1) + [["a"]], pa.list_(pa.string())),
            "price": pa.array([decimal.Decimal("1.50")] * (count - 1) + [decimal.Decimal("12345.00")]),
            "when": pa.array([datetime.datetime(2026, 1, 2, 3, 4)] * count, pa.timestamp("ms")),
            "label": pa.array([1] * count, pa.int8()),
        }
    )
    pq.write_table(given, tmp_path / "in.parquet")
    predict_file(tmp_path / "in.parquet", tmp_path / "out.parquet", predictor)
    found = pq.read_table(tmp_path / "out.parquet")
    for name in given.column_names:
        kept = found.column("input_label" if name == "label" else name)
        assert kept.to_pylist() == given.column(name).to_pylist()
        assert kept.type == given.schema.field(name).type
    predict_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", predictor)
    first, *_, last = read(tmp_path / "out.jsonl")
    assert (first["late"], last["late"]) == (None, 3)
    assert first["when"] == "2026-01-02T03:04:00"
    assert last["price"] == "12345.00"
