"""Speed cells: each arm in a process of its own, ratios within a round; memory, and a job killed and resumed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import bulk_memory
import inference
import outside
import ray_scaling

PEER = """
from clock import measure
measure(lambda texts, size: [size] * len(texts), ("pip",))
"""


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Peers that run in this very environment and answer at once; texts of our own."""
    import gzip

    folder = tmp_path / "peers"
    for name in ("pipeline", "model2vec"):
        (folder / name).mkdir(parents=True)
        (folder / name / "run.py").write_text(PEER, encoding="utf-8")
    (folder / "clock.py").write_text((outside.PEERS / "clock.py").read_text(encoding="utf-8"), encoding="utf-8")
    with gzip.open(tmp_path / "texts.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": f"so happy {number}"}) + "\n" for number in range(40))
    monkeypatch.setattr(outside, "PEERS", folder)
    monkeypatch.setattr(outside, "interpreter", lambda place: sys.executable)
    monkeypatch.setattr(inference, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(inference, "TEXTS", tmp_path / "texts.jsonl.gz")
    monkeypatch.setattr(inference, "_model_of", lambda kind, models: tmp_path)
    monkeypatch.setattr("gemm.SECONDS", 0.01)
    return tmp_path


def test_arms_are_timed_and_kept(peers: Path, trained_run: Any) -> None:
    model = trained_run("linear", "single").path
    arguments = [
        f"--model=small={model}", "--rows=30", "--tuning=10", "--singles=2", "--rounds=1", "--threads=1",
        "--peers", "pipeline", "model2vec", f"--output={peers / 'out.json'}",
    ]  # fmt: skip
    assert inference.main(arguments) == 0
    found = json.loads((peers / "out.json").read_text(encoding="utf-8"))
    assert set(found["arms"]) == {"small", "pipeline"}
    assert found["left_out"] == ["model2vec"]  # there is no static model to hold it against
    ratio = found["times"]["small"]["pipeline"]["bulk"]["median"]
    rates = {arm: figures["rows_per_second"]["median"] for arm, figures in found["arms"].items()}
    assert ratio == pytest.approx(rates["small"] / rates["pipeline"])
    assert found["arms"]["pipeline"]["batch_size"] in inference.PEERS["pipeline"].batches
    before = {file: file.stat().st_mtime_ns for file in (peers / "runs").rglob("answer.json")}
    assert inference.main(arguments) == 0
    assert {file: file.stat().st_mtime_ns for file in (peers / "runs").rglob("answer.json")} == before
    assert len(before) == 2


def _answer(seconds: float, single: float, **more: Any) -> dict[str, Any]:
    return {"rows": 100, "seconds": seconds, "processor_seconds": seconds, "single_seconds": [single], **more}


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        {"ours": _answer(1.0, 0.01), "theirs": _answer(2.0, 0.03)},
        {"ours": _answer(4.0, 0.02), "theirs": _answer(12.0, 0.06)},
        {"ours": _answer(1.0, 0.01), "theirs": _answer(4.0, 0.05)},
    ]
    found = inference._ratios(rounds, "ours", "theirs")
    assert found["bulk"] == {"median": 3.0, "lowest": 2.0, "highest": 4.0}
    assert found["one_text"] == pytest.approx({"median": 3.0, "lowest": 3.0, "highest": 5.0})


def test_a_rate_with_workers_begins_when_all_are_at_work() -> None:
    clock = ray_scaling.Clock()
    clock.done = [(30.0, 100), (31.0, 200), (32.0, 300), (34.0, 500)]
    assert clock.rate(1) == pytest.approx(100.0)
    assert clock.rate(2) == pytest.approx(100.0)
    clock.advance(10)
    assert clock.done[-1][1] == 510


def test_the_share_of_the_limit_counts_real_tokens() -> None:
    answer = _answer(2.0, 0.01, tokens=1000, matrix_parameters=10_000_000)
    figures = inference._figures([answer], {"float32": 20.0})
    assert figures["share_of_limit"] == pytest.approx(2 * 10_000_000 * 1000 / 2.0 / 20e9)


def test_memory_is_that_of_the_process() -> None:
    held = bytearray(os.urandom(1) * (64 << 20))
    with_it = bulk_memory.resident(os.getpid())
    size = len(held)
    del held
    without = bulk_memory.resident(os.getpid())
    assert with_it is not None
    assert without is not None
    assert with_it - without > 0.8 * size / (1 << 20)
    assert bulk_memory.resident(2**22 + 1) is None


@pytest.mark.slow
def test_a_job_that_is_killed_twice_is_measured(tmp_path: Path, trained_run: Any) -> None:
    model = trained_run("linear", "single").path
    found = bulk_memory.measure("linear", str(model), 40_000, tmp_path)
    assert found["same_bytes"] is True
    assert 0.8 < found["end_over_hundredth"] < 1.1
    assert "of them before" in found["said"]
