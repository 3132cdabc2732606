"""What is written is whole or absent, comes back as it was, and is the same bytes every time."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.data.formats.encoding import identify_binary
from insula.data.formats.formats import open_rows
from insula.data.formats.writers import open_writer

PREDICTION = {"text": "so, “so”\n好", "labels": ["joy", "love"], "label": "joy", "scores": {"joy": 0.5, "love": 0.25}}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


def read(path: Path) -> list[dict[str, Any]]:
    with open_rows(path) as reader:
        rows = [row for batch in reader for row in batch.rows]
    assert reader.rejects == []
    return rows


def write(path: Path, *batches: Iterable[dict[str, Any]]) -> None:
    with open_writer(path) as writer:
        for batch in batches:
            writer.write(list(batch))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.parquet", "a.parquet.gz", "a.arrow"])
def test_nested_values_stay(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / "new" / name) as writer:
        writer.write([PREDICTION])
        writer.write([PREDICTION])
    assert read(tmp_path / "new" / name) == [PREDICTION, PREDICTION]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv"])
def test_nested_values_become_columns(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / name) as writer:
        writer.write([PREDICTION, {**PREDICTION, "label": None, "scores": None}])
    first, second = read(tmp_path / name)
    assert first == {
        "text": "so, “so”\n好", "labels": "joy|love", "label": "joy", "score_joy": "0.5", "score_love": "0.25",
    }  # fmt: skip
    assert (second["label"], second["score_joy"]) == ("", "")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl.gz", "a.json", "a.parquet", "a.arrow"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=5).filter(lambda texts: identify_binary("".join(texts).encode()) is None)
)
def test_any_text_comes_back(tmp_path: Path, name: str, texts: list[str]) -> None:
    rows = [{"text": text, "label": "joy"} for text in texts]
    with open_writer(tmp_path / name) as writer:
        writer.write(rows)
    assert read(tmp_path / name) == rows


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet", "a.jsonl.gz"])
def test_same_rows_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        with open_writer(tmp_path / folder / name) as writer:
            writer.write([PREDICTION] * 3)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.parquet", "a.txt"])
def test_nothing_appears_after_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / name, [{"text": "a"}], ({"text": 1 // 0} for _ in "a"))
    assert list(tmp_path.iterdir()) == []


def test_columns_choose_and_order(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.csv", columns=("label", "text")) as writer:
        writer.write([PREDICTION, {"text": "b"}])
    assert read(tmp_path / "a.csv") == [{"label": "joy", "text": PREDICTION["text"]}, {"label": "", "text": "b"}]
    with open_writer(tmp_path / "b.csv", columns=("text", "label")) as writer:
        pass
    assert (tmp_path / "b.csv").read_text() == "text,label\n"
    with open_writer(tmp_path / "b.parquet", columns=("text",)) as writer:
        pass
    assert read(tmp_path / "b.parquet") == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_later_new_column_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="A later row has the column 'new'"):
        write(tmp_path / name, [{"text": "a"}] * 8192, [{"text": "b", "new": "c"}])


def test_values_json_and_arrow_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written as JSON"), open_writer(tmp_path / "a.jsonl") as writer:
        writer.write([{"x": object()}])
    with pytest.raises(DataError, match="one Arrow type"), open_writer(tmp_path / "a.parquet") as writer:
        writer.write([{"x": "a"}, {"x": 1}])
    with pytest.raises(DataError, match="other types"):
        write(tmp_path / "a.arrow", [{"x": 1}] * 8192, [{"x": "a"}])


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_whole_numbers_beyond_63_bits(tmp_path: Path, name: str) -> None:
    most = 2**64 - 1
    with open_writer(tmp_path / name, types={"hash": pa.uint64()}) as writer:
        writer.write([{"hash": most, "text": "a"}])
    assert read(tmp_path / name) == [{"hash": most, "text": "a"}]
    with pytest.raises(DataError, match=r"one Arrow type.*too large.*JSON Lines"):
        write(tmp_path / name, [{"hash": most}])
    with pytest.raises(DataError, match=r"other types.*too large"):
        write(tmp_path / name, [{"hash": 1}] * 8192, [{"hash": most}])


def test_objects_without_a_key_have_no_form_in_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Parquet cannot store one of the columns.*'about'.*Write Arrow or JSON Lines"):
        write(tmp_path / "a.parquet", [{"text": "a", "about": {}}])
    assert not list(tmp_path.iterdir())
    write(tmp_path / "a.arrow", [{"text": "a", "about": {}}])
    assert read(tmp_path / "a.arrow") == [{"text": "a", "about": {}}]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_dictionary_may_grow_in_later_rows(tmp_path: Path, name: str) -> None:
    words = pa.dictionary(pa.int32(), pa.string())
    types = {"word": words, "words": pa.list_(words), "in": pa.struct([("word", words)])}
    rows = [{"word": word, "words": [word], "in": {"word": word}} for word in ["a"] * 8192 + ["b"]]
    with open_writer(tmp_path / name, types=types) as writer:
        writer.write(rows)
    assert read(tmp_path / name) == rows
    with open_rows(tmp_path / name) as reader:
        assert pa.types.is_dictionary(reader.types["word"]) == (name == "a.parquet")


def test_columns_empty_in_the_first_rows(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.parquet") as writer:
        writer.write([{"text": "a", "language": None, "labels": []}] * 8192)
        writer.write([{"text": "b", "language": "en", "labels": ["joy"]}])
    assert read(tmp_path / "a.parquet")[-1] == {"text": "b", "language": "en", "labels": ["joy"]}


def test_lines_and_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_writer(tmp_path / "a.txt") as writer:
        writer.write([{"text": "one\r\ntwo", "label": "x"}])
    assert (tmp_path / "a.txt").read_text() == "one two\n"
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    with open_writer("-") as writer:
        writer.write([PREDICTION, {"text": "half \ud83d"}])
    with open_writer("-", format="lines", columns=("label",)) as writer:
        writer.write([PREDICTION])
    first, second, third = out.getvalue().decode().split("\n")[:3]
    assert (json.loads(first), third) == (PREDICTION, "joy")
    assert json.loads(second) == {"text": "half \ud83d"}
    with pytest.raises(DataError, match="Standard output takes"), open_writer("-", format="parquet"):
        pass
    with pytest.raises(DataError, match="must end in one of"), open_writer("a.docx"):
        pass


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_numbers_that_json_has_no_form_for_become_null(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, [{"x": float("nan"), "y": [float("inf"), 0.5], "z": {"a": float("-inf"), "b": 1}}, {"x": 2}])
    assert read(tmp_path / name) == [{"x": None, "y": [None, 0.5], "z": {"a": None, "b": 1}}, {"x": 2}]


@pytest.mark.parametrize("later", [1.5, {"a": 1, "b": 2}, {"a": 1.5}, [1.5]])
def test_arrow_loses_no_part_of_a_later_value(tmp_path: Path, later: Any) -> None:
    first = {"a": 1} if isinstance(later, dict) else [1] if isinstance(later, list) else 1
    with pytest.raises(DataError, match="in the column 'x' would be truncated to"):
        write(tmp_path / "a.parquet", [{"x": first}] * 8192, [{"x": later}])
    write(tmp_path / "b.parquet", [{"x": first}] * 8192, [{"x": first}, {"x": None}])
    assert read(tmp_path / "b.parquet")[-2:] == [{"x": first}, {"x": None}]


def test_a_header_alone_is_quoted_as_one_with_rows(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.csv", columns=("a,b", "text")):
        pass
    with open_rows(tmp_path / "a.csv") as reader:
        assert reader.columns == ("a,b", "text")


def test_columns_that_a_table_would_mix_up_are_refused(tmp_path: Path) -> None:
    row = {"text": "a", "score": {"joy": 3}, "scores": {"joy": 0.5, "love": 0.25}}
    with pytest.raises(DataError, match=r"different names.*each key of 'score', 'scores' becomes a column"):
        write(tmp_path / "a.csv", [row])
    write(tmp_path / "a.jsonl", [row])
    assert read(tmp_path / "a.jsonl") == [row]


@pytest.mark.parametrize("ending", ["csv", "jsonl.gz", "parquet"])
def test_a_link_is_written_through(tmp_path: Path, ending: str) -> None:
    target, link = tmp_path / "there" / f"a.{ending}", tmp_path / f"link.{ending}"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link.symlink_to(target)
    with open_writer(link) as writer:
        writer.write([{"text": "a"}])
    assert link.is_symlink()
    with open_rows(target) as reader:
        assert [row for batch in reader for row in batch.rows] == [{"text": "a"}]
