"""Prediction by several processes: the same bytes, and nothing lost or doubled where one of them dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import insula.inference.files as files
import toy_data
from insula.core.errors import DataError, MissingExtraError
from insula.inference.cluster_address import check_address
from insula.inference.engine import EngineSettings
from insula.inference.files import predict_file
from insula.inference.parts import OutputParts
from insula.inference.predictor import Predictor

ROWS = 400


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of toy texts, some without a text, in groups of 16."""
    monkeypatch.setattr(files, "CHUNK", 16)
    texts = [example.text for example in toy_data.toy_dataset("multi", train=ROWS).split("train")]
    lines = "".join(f"{number},{'' if number % 50 == 3 else text}\n" for number, text in enumerate(texts))
    (tmp_path / "in.csv").write_text(f"nr,text\n{lines}", encoding="utf-8")
    return tmp_path / "in.csv"


def _workers() -> Iterator[int]:
    """Yield the processes below this one that run the model."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            stat, name = (place / "stat").read_text(), (place / "cmdline").read_text()
        except OSError:
            continue
        parents[int(place.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(place.name)] = name
    for process, name in names.items():
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and name.startswith("ray::MapWorker") and "Worker" in name:
            yield process


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own: it looks at its deprecated settings, and leaves sockets to the end
def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, source: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    predictor = Predictor.load(trained_run("linear", "multi").model)
    alone = predict_file(predictor, source, tmp_path / "alone.parquet")
    write, killed = OutputParts.write, []

    def killing(self: OutputParts, number: int, rows: Any) -> None:
        write(self, number, rows)
        if number == 3 and not killed:
            killed.extend(list(_workers())[:1])
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(OutputParts, "write", killing)
    result = predict_file(predictor, source, tmp_path / "out.parquet", engine="ray", workers=2)
    assert len(killed) == 1
    assert "Traceback" not in capfd.readouterr().err
    assert (result.rows, result.rejected) == (alone.rows, alone.rejected) == (392, 8)
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_the_engine_is_checked_before_anything_starts(
    tmp_path: Path, source: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.load(trained_run("linear", "multi").model)
    for message, given in {
        "Did you mean 'ray'": {"engine": "rai"},
        "are options of the engine 'ray'": {"workers": 2},
        "at least 1": {"engine": "ray", "workers": 0},
    }.items():
        with pytest.raises(DataError, match=message):
            predict_file(predictor, source, tmp_path / "out.csv", **given)  # type: ignore[arg-type]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"insula\[ray\]"):
        predict_file(predictor, source, tmp_path / "out.csv", engine="ray")
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


def test_workers_run_the_model_as_the_predictor_does(
    tmp_path: Path, source: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = pytest.importorskip("insula.inference.cluster")
    opened = Predictor.load(trained_run("encoder", "multi").model, engine=EngineSettings("torch", threads=2, tokens=64))
    asked: list[EngineSettings] = []

    @contextlib.contextmanager
    def cluster_logits(model: Path, reading: Any, where: Any, engine: EngineSettings) -> Iterator[Any]:
        asked.append(engine)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(cluster, "cluster_logits", cluster_logits)
    with pytest.raises(KeyboardInterrupt):
        predict_file(opened, source, tmp_path / "out.csv", engine="ray")
    monkeypatch.setattr(cluster.ray, "get", lambda files: files)
    worker = cluster._Worker(cluster._pack(opened.folder), *asked)
    assert worker._predictor.engine == EngineSettings("torch", threads=1, tokens=64)
    assert worker._predictor.fingerprint == opened.fingerprint  # that of the job, which says what its output depends on


def test_workers_read_a_link_under_its_own_name(
    tmp_path: Path, source: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = pytest.importorskip("insula.inference.cluster")
    (tmp_path / "link.csv").symlink_to(source.rename(tmp_path / "0f3a"))  # as caches have it: the name tells the format
    asked: list[Any] = []

    @contextlib.contextmanager
    def cluster_logits(model: Path, reading: Any, *_: Any) -> Iterator[Any]:
        asked.append(reading)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(cluster, "cluster_logits", cluster_logits)
    predictor = Predictor.load(trained_run("linear", "multi").model)
    with pytest.raises(KeyboardInterrupt):
        predict_file(predictor, tmp_path / "link.csv", tmp_path / "out.csv", engine="ray")
    assert sum(table.num_rows for table in cluster._texts(asked[0])) == ROWS // 16


def test_an_unanswered_address_is_told_before_ray_tries(
    tmp_path: Path, source: Path, trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = pytest.importorskip("insula.inference.cluster")
    monkeypatch.setattr(cluster, "cluster_logits", lambda *_: pytest.fail("Ray was asked, and tries for minutes"))
    with socket.socket() as closed:  # bound and not listening: what connects is refused
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
        predictor = Predictor.load(trained_run("linear", "multi").model)
        for address in (nobody, f"ray://{nobody}"):
            with pytest.raises(DataError, match=f"Got '{address}': .*ray start --head"):
                predict_file(predictor, source, tmp_path / "out.csv", engine="ray", address=address)
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


def test_an_address_is_checked_as_far_as_it_can_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_address(f"127.0.0.1:{server.getsockname()[1]}")
    for left_to_ray in ("auto", "local", "anyscale://mine"):
        check_address(left_to_ray)
    for wrong in ("", "10.0.0.1", "10.0.0.1:no", "ray://10.0.0.1", "ray://:6379"):
        with pytest.raises(DataError, match="must look like"):
            check_address(wrong)
