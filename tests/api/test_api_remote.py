"""Files of another file system: downloaded, predicted, uploaded when complete; an interrupted job is resumed."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

import insula.inference.files as files
from insula.api.prediction import predict_file
from insula.core.errors import DataError, MissingFileError, OutputError
from insula.inference.predictor import EncodedInputs, Predictor


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fsspec.AbstractFileSystem:
    """A file system in memory with a file of messages, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pipe("/in.csv", b"nr,text\n" + b"".join(b"%d,lovely happy\n" % n for n in range(40)) + b"40,\n")
    return system


def test_an_address_to_an_address(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = predict_file("memory://in.csv", "memory://scored/out.csv", predictor)
    assert (result.output, result.rows, result.rejected) == ("memory://scored/out.csv", 40, 1)
    assert result.rejects == Path("out.csv.rejects.jsonl")
    memory.get("/in.csv", str(tmp_path / "in.csv"))
    predict_file(tmp_path / "in.csv", tmp_path / "out.csv", predictor)
    assert memory.cat("/scored/out.csv") == (tmp_path / "out.csv").read_bytes()
    assert memory.ls("/scored", detail=False) == ["/scored/out.csv"]
    assert not list((tmp_path / "cache").rglob("*.csv"))


def test_a_stopped_job_leaves_nothing_there_and_is_gone_on_with(
    memory: fsspec.AbstractFileSystem, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 16)
    good = predictor.encode

    def stop_late(texts: list[str]) -> EncodedInputs:
        if len(texts) < 16:
            raise KeyboardInterrupt
        return good(texts)

    with monkeypatch.context() as patch:
        patch.setattr(predictor, "encode", stop_late)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            predict_file("memory://in.csv", "memory://out.csv", predictor)
    assert not memory.exists("/out.csv")
    assert predict_file("memory://in.csv", "memory://out.csv", predictor, resume=True).kept == 32
    assert memory.cat("/out.csv").count(b"lovely happy") == 40


def test_what_cannot_be_reached_is_one_sentence(memory: fsspec.AbstractFileSystem, predictor: Predictor) -> None:
    with pytest.raises(MissingFileError, match="memory://none"):
        predict_file("memory://none.csv", "out.csv", predictor)
    with pytest.raises(DataError, match="cannot be reached"):
        predict_file("nosuch://in.csv", "out.csv", predictor)
    with pytest.raises(OutputError, match="cannot be written"):
        predict_file("memory://in.csv", "nosuch://out.csv", predictor)


def test_what_cannot_be_taken_there_stays_here(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(type(memory), "mv", refuse)
    monkeypatch.setattr(type(memory), "mv_file", refuse, raising=False)
    with pytest.raises(OutputError, match="It is kept in"):
        predict_file("memory://in.csv", "memory://out.csv", predictor)
    assert not memory.exists("/out.csv")
    (kept,) = (tmp_path / "cache").rglob("out.csv")
    assert kept.read_bytes().count(b"lovely happy") == 40
