"""What benchmarks hold their figures against is measured once, and at the right moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bulk_memory
import gemm
import inference


def test_the_limit_is_that_of_the_arms_it_is_kept_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def limit(threads: int, seconds: float) -> dict[str, Any]:
        measured.append(threads)
        return {"threads": threads, "float32": 100.0 / len(measured)}

    monkeypatch.setattr(gemm, "gemm_limit", limit)
    file = tmp_path / "runs" / "limit.json"
    assert gemm.kept_limit(file, 2)["float32"] == 100
    assert gemm.kept_limit(file, 2)["float32"] == 100
    assert gemm.kept_limit(file, 1) == {"threads": 1, "float32": 50.0}
    assert measured == [2, 1]


def test_models_are_compared_with_peers_of_their_kind() -> None:
    models, peers = ["fp32", "static", "int8"], ["pipeline", "model2vec"]
    assert inference._compared("fp32", models, peers) == ["pipeline"]
    assert inference._compared("static", models, peers) == ["model2vec"]
    assert inference._compared("int8", models, peers) == ["pipeline", "fp32"]


@pytest.mark.parametrize("looks", [[(0, 9), (1, 10), (3, 11), (4, 12), (4, 90)], [(0, 9), (1, 10), (3, 12)]])
def test_memory_at_the_end_is_that_before_the_joining(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: list[tuple[int, float]]
) -> None:
    def watched(*_: Any) -> Iterator[tuple[int, float]]:
        yield from looks

    monkeypatch.setattr(bulk_memory, "_watched", watched)
    (tmp_path / "alone.parquet").touch()
    found = bulk_memory._left_alone(tmp_path, "predict", "model", 4)["mebibytes"]
    assert found == {"at_a_hundredth": 10, "at_the_end": 12, "peak": max(memory for _, memory in looks)}
