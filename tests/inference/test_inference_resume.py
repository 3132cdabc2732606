"""A job that was stopped or killed, and gone on with: the same bytes as if it had been left alone."""

from __future__ import annotations

import codecs
import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import insula.data.formats.arrow_parts as arrow_parts
import insula.inference.files as files
import toy_data
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, OutputError
from insula.core.progress import Silent
from insula.core.scheme import LabelScheme
from insula.data.formats.formats import open_rows
from insula.inference.files import predict_file
from insula.inference.parts import can_resume, get_parts_folder
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation
from waiting import DEADLINE

GROUP = 8
EVERY_FORMAT = ("csv", "tsv.gz", "jsonl", "jsonl.gz", "json", "json.gz", "parquet", "arrow", "txt")


class Counting:
    """A backend that tells lengths, counts the texts it was asked for, and stops the work after some."""

    def __init__(self, stop_after: int | None = None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.asked: list[str] = []
        self._stop_after = stop_after
        self._error = error

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        if self._stop_after is not None and len(self.asked) >= self._stop_after:
            raise self._error("stopped")
        self.asked += texts
        return np.array([[len(text) / 7, 1.0] for text in texts], dtype=np.float32)


def _predictor(backend: Counting, fingerprint: str = "a model") -> Predictor:
    return Predictor(
        scheme=LabelScheme("length", "single", ("long", "short")),
        preparation=Preparation(()),
        decision=DecisionRule(abstention=0.6),
        backend=backend,
        fingerprint=fingerprint,
    )


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 50 rows, read in groups of 8; the first two groups and some rows have no text."""
    monkeypatch.setattr(files, "CHUNK", GROUP)
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as file:
        for number in range(50):
            text = "" if number < 2 * GROUP or number % 7 == 0 else f"text {number} " + "x" * (number % 5)
            file.write(json.dumps({"nr": number, "text": text, "label": "mine"}, ensure_ascii=False) + "\n")
        file.write("no json\n")
    return tmp_path / "in.jsonl"


def _stopped(source: Path, output: Path, after: int, error: type[BaseException] = KeyboardInterrupt) -> None:
    with pytest.raises(error):
        predict_file(_predictor(Counting(after, error)), source, output)
    assert not output.exists()


@pytest.mark.parametrize("ending", EVERY_FORMAT)
def test_a_resumed_output_is_the_same_bytes(tmp_path: Path, source: Path, ending: str) -> None:
    alone = predict_file(_predictor(Counting()), source, tmp_path / f"alone.{ending}")
    output = tmp_path / f"out.{ending}"
    _stopped(source, output, after=2 * GROUP)
    assert can_resume(output)
    (get_parts_folder(output) / ".000000004.part.x1y2.part").write_bytes(b"cut off by a kill")
    last = Counting()
    result = predict_file(_predictor(last), source, output, resume=True)
    assert output.read_bytes() == (tmp_path / f"alone.{ending}").read_bytes()
    assert (result.rows, result.rejected) == (alone.rows, alone.rejected) == (29, 22)
    assert result.kept > GROUP
    assert len(last.asked) == alone.rows - result.kept  # nothing is computed twice
    assert not get_parts_folder(output).exists()
    assert result.rejects is not None
    assert result.rejects.read_bytes() == Path(f"{tmp_path / f'alone.{ending}'}.rejects.jsonl").read_bytes()
    with open_rows(output) as reader:
        assert sum(len(batch.rows) for batch in reader) == alone.rows


@pytest.mark.parametrize("ending", ["csv", "tsv.gz"])
def test_a_byte_order_mark_is_written_once(tmp_path: Path, source: Path, ending: str) -> None:
    plain, marked = tmp_path / f"plain.{ending}", tmp_path / f"marked.{ending}"
    unpack = gzip.decompress if ending.endswith("gz") else bytes
    predict_file(_predictor(Counting()), source, plain)
    with pytest.raises(KeyboardInterrupt):
        predict_file(_predictor(Counting(2 * GROUP)), source, marked, bom=True)
    predict_file(_predictor(Counting()), source, marked, bom=True, resume=True)
    assert unpack(marked.read_bytes()) == codecs.BOM_UTF8 + unpack(plain.read_bytes())
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"text": ""}\n', encoding="utf-8")
    predict_file(_predictor(Counting()), empty, marked, bom=True)
    assert unpack(marked.read_bytes()).startswith(codecs.BOM_UTF8 + b"text")


@pytest.mark.parametrize("output", ["out.jsonl", "out.parquet", "out.txt", "-"])
def test_a_byte_order_mark_needs_a_table(tmp_path: Path, source: Path, output: str) -> None:
    place = output if output == "-" else tmp_path / output
    with pytest.raises(DataError, match="Only CSV and TSV files can begin with a byte order mark"):
        predict_file(_predictor(Counting()), source, place, bom=True)


def _late(source: Path) -> list[dict[str, Any]]:
    """Give the file columns that come late, or as another kind of number; return its rows."""
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()[:-1]]
    for row in rows[30:]:
        row |= {"nr": row["nr"] + 0.5, "stars": 4, "scores": {"mine": row["nr"]}}
    rows[41]["user"] = {"name": "ann", "tags": ["a", "b"]}
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


@pytest.mark.parametrize("ending", ["csv", "tsv.gz", "parquet", "arrow"])
def test_columns_that_come_late_are_columns_of_a_table(tmp_path: Path, source: Path, ending: str) -> None:
    given = [row for row in _late(source) if row["text"]]
    alone, output = tmp_path / f"alone.{ending}", tmp_path / f"out.{ending}"
    predict_file(_predictor(Counting()), source, alone)
    _stopped(source, output, after=2 * GROUP)
    assert predict_file(_predictor(Counting()), source, output, resume=True).kept > GROUP
    assert output.read_bytes() == alone.read_bytes()
    with open_rows(output) as reader:
        rows = [row for batch in reader for row in batch.rows]
    assert len(rows) == len(given)
    last, expected = rows[-1], given[-1]
    if ending in ("parquet", "arrow"):
        assert [row["user"] for row in rows if row["user"]] == [{"name": "ann", "tags": ["a", "b"]}]
        assert (last["nr"], last["stars"], last["input_scores"]) == (expected["nr"], 4, {"mine": expected["nr"] - 0.5})
        assert (rows[0]["nr"], rows[0]["stars"]) == (given[0]["nr"], None)
    else:
        assert [(row["user_name"], row["user_tags"]) for row in rows if row["user_name"]] == [("ann", "a|b")]
        assert (last["nr"], last["stars"]) == (str(expected["nr"]), "4")
        assert last["input_scores_mine"] == str(int(expected["nr"] - 0.5))
        assert (rows[0]["nr"], rows[0]["stars"], "user" in rows[0]) == (str(given[0]["nr"]), "", False)


def test_what_no_table_can_hold_is_told_before_predicting(tmp_path: Path, source: Path) -> None:
    rows = _late(source)
    rows[-1]["stars"] = "five"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    backend = Counting()
    with pytest.raises(DataError, match="one Arrow type"):
        predict_file(_predictor(backend), source, tmp_path / "out.parquet")
    assert backend.asked == []
    assert predict_file(_predictor(backend), source, tmp_path / "out.csv").rows == len(backend.asked) > 0


@pytest.mark.parametrize("clash", [{"score": {"long": 1}}, {"user_name": "x"}])
def test_columns_that_would_mix_are_told_before_predicting(tmp_path: Path, source: Path, clash: dict[str, Any]) -> None:
    rows = _late(source)  # one of them has `user`, an object with `name`
    rows[-2] |= clash
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    backend = Counting()
    name = next(iter(clash))
    with pytest.raises(
        DataError, match=rf"must have different names\. Got two named '{name}.*each key of '(user|score)'"
    ):
        predict_file(_predictor(backend), source, tmp_path / "out.csv")
    assert backend.asked == []
    assert predict_file(_predictor(backend), source, tmp_path / "out.parquet").rows > 0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_late_objects_of_parquet_are_columns_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "CHUNK", GROUP)
    users = [*[None] * GROUP, {"name": "ann"}]
    shops = [*[[("city", "x")]] * GROUP, [("street", "y")]]
    user, shop = pa.struct([("name", pa.string())]), pa.map_(pa.string(), pa.string())
    table = pa.table({"text": ["fine"] * 9, "user": pa.array(users, user), "shop": pa.array(shops, shop)})
    pq.write_table(table, tmp_path / "in.parquet")
    predict_file(_predictor(Counting()), tmp_path / "in.parquet", tmp_path / f"out.{ending}")
    with open_rows(tmp_path / f"out.{ending}") as reader:
        rows = [row for batch in reader for row in batch.rows]
        assert ending == "csv" or (reader.types["user"], reader.types["shop"]) == (user, shop)
    if ending == "csv":
        names = ("user_name", "shop_city", "shop_street")
        assert [[row[name] for name in names] for row in rows] == [["", "x", ""]] * GROUP + [["ann", "", "y"]]


def test_what_parquet_has_no_form_for_is_told_at_the_beginning(tmp_path: Path, source: Path) -> None:
    rows = [row | {"about": {}} for row in _late(source)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    backend = Counting()
    with pytest.raises(DataError, match=r"Parquet cannot store one of the columns.*'about'"):
        predict_file(_predictor(backend), source, tmp_path / "out.parquet")
    assert backend.asked == []
    assert not get_parts_folder(tmp_path / "out.parquet").exists()
    predict_file(_predictor(backend), source, tmp_path / "in.arrow")
    with pytest.raises(DataError, match=r"Parquet cannot store one of the columns.*'about'"):
        predict_file(_predictor(backend), tmp_path / "in.arrow", tmp_path / "out.parquet", text="text")
    assert not get_parts_folder(tmp_path / "out.parquet").exists()


def test_a_dictionary_column_is_written_in_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", GROUP)
    monkeypatch.setattr(arrow_parts, "JOINED_ROWS", GROUP)
    shops = [f"shop {number // GROUP}" for number in range(3 * GROUP)]
    table = pa.table({"text": ["fine"] * len(shops), "shop": pa.array(shops).dictionary_encode()})
    pq.write_table(table, tmp_path / "in.parquet")
    for ending in ("arrow", "parquet"):
        predict_file(_predictor(Counting()), tmp_path / "in.parquet", tmp_path / f"out.{ending}")
        with open_rows(tmp_path / f"out.{ending}") as reader:
            assert [row["shop"] for batch in reader for row in batch.rows] == shops


def test_groups_that_were_done_before_are_skipped(tmp_path: Path, source: Path) -> None:
    class Apart(Silent):
        skipped = advanced = 0

        def start(self, task: str, total: int | None = None) -> None:
            self.skipped = self.advanced = 0

        def skip(self, steps: int) -> None:
            self.skipped += steps

        def advance(self, steps: int = 1, **figures: float) -> None:
            self.advanced += steps

    _stopped(source, tmp_path / "out.csv", after=2 * GROUP)
    told = Apart()
    result = predict_file(_predictor(Counting()), source, tmp_path / "out.csv", resume=True, progress=told)
    assert told.skipped >= result.kept > GROUP
    assert told.skipped + told.advanced == 51
    assert told.advanced >= result.rows - result.kept > 0


def test_a_job_may_be_stopped_at_every_group(tmp_path: Path, source: Path) -> None:
    predict_file(_predictor(Counting()), source, tmp_path / "alone.csv")
    output, stops = tmp_path / "out.csv", 0
    while not output.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Counting, "logits", _once(Counting.logits))
            try:
                predict_file(_predictor(Counting()), source, output, resume=True)
            except KeyboardInterrupt:
                stops += 1
    assert stops == 4
    assert output.read_bytes() == (tmp_path / "alone.csv").read_bytes()


def _once(compute: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    calls = iter([compute])

    def only(self: Counting, texts: Sequence[str]) -> np.ndarray:
        first = next(calls, None)
        if first is None:
            raise KeyboardInterrupt
        return first(self, texts)

    return only


def test_without_resume_a_job_starts_anew(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "out.csv"
    _stopped(source, output, after=2 * GROUP)
    backend = Counting()
    assert predict_file(_predictor(backend), source, output).kept == 0
    assert len(backend.asked) == 29


def test_a_failure_keeps_what_is_finished_and_a_refusal_nothing(tmp_path: Path, source: Path) -> None:
    _stopped(source, tmp_path / "failed.csv", after=2 * GROUP, error=RuntimeError)
    assert can_resume(tmp_path / "failed.csv")
    _stopped(source, tmp_path / "refused.csv", after=2 * GROUP, error=DataError)
    assert not get_parts_folder(tmp_path / "refused.csv").exists()
    _stopped(source, tmp_path / "early.csv", after=0)
    assert not get_parts_folder(tmp_path / "early.csv").exists()


def test_what_is_kept_of_another_job_is_not_gone_on_with(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "out.csv"
    _stopped(source, output, after=2 * GROUP)
    with pytest.raises(DataError, match="another job with different model"):
        predict_file(_predictor(Counting(), "another"), source, output, resume=True)
    changed = tmp_path / "changed.jsonl"
    changed.write_text(source.read_text(encoding="utf-8").replace("text 20", "text 21"), encoding="utf-8")
    with pytest.raises(DataError, match="another job with different input"):
        predict_file(_predictor(Counting()), changed, output, resume=True)
    assert can_resume(output)
    assert predict_file(_predictor(Counting()), source, output, resume=True).kept > 0


def test_only_files_can_be_resumed(tmp_path: Path, source: Path) -> None:
    for output in ("-", list[Any]().extend):
        with pytest.raises(DataError, match="from a file into a file"):
            predict_file(_predictor(Counting()), source, output, resume=True)


def test_two_jobs_do_not_write_the_same_output(tmp_path: Path, source: Path) -> None:
    output = tmp_path / "out.csv"

    class Meanwhile(Counting):
        def logits(self, texts: Sequence[str]) -> np.ndarray:
            with pytest.raises(OutputError, match="Another process"):
                predict_file(_predictor(Counting()), source, output)
            return super().logits(texts)

    assert predict_file(_predictor(Meanwhile()), source, output).rows == 29


def test_progress_knows_where_it_ends(tmp_path: Path, source: Path) -> None:
    class Expecting(Silent):
        def __init__(self) -> None:
            self.totals: list[int] = []

        def expect(self, total: int) -> None:
            self.totals.append(total)

    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["a"] * 40}), tmp_path / "in.parquet")
    progress = Expecting()
    predict_file(_predictor(Counting()), tmp_path / "in.parquet", tmp_path / "out.csv", progress=progress)
    assert progress.totals == [40] * 5


KILLED = """
import os, signal, sys
import insula.inference.files as files
from insula.inference.parts import OutputParts
from insula.inference.predictor import Predictor
files.CHUNK = 16
write, left = OutputParts.write, [int(sys.argv[4])]
def killing(self, number, rows):
    write(self, number, rows)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
OutputParts.write = killing
files.predict_file(Predictor.load(sys.argv[1]), sys.argv[2], sys.argv[3], resume=True)
"""


def test_killed_twice_and_resumed_it_is_the_same_bytes(
    tmp_path: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained_run("encoder", "multi").model
    texts = [example.text for example in toy_data.toy_dataset("multi").split("train")]
    lines = "".join(f"{number},{text}\n" for number, text in enumerate(texts))
    (tmp_path / "in.csv").write_text(f"nr,text\n{lines}", encoding="utf-8")
    for parts in (3, 4):
        command = [sys.executable, "-c", KILLED, folder, tmp_path / "in.csv", tmp_path / "out.parquet", str(parts)]
        killed = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (tmp_path / "out.parquet").exists()
    monkeypatch.setattr(files, "CHUNK", 16)
    predictor = Predictor.load(folder)
    last = predict_file(predictor, tmp_path / "in.csv", tmp_path / "out.parquet", resume=True)
    assert (last.rows, last.kept) == (200, 7 * 16)
    predict_file(predictor, tmp_path / "in.csv", tmp_path / "alone.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()
