"""Predicting a file takes no more memory for more rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from waiting import DEADLINE

CODE = """
import resource, sys
from insula.api.prediction import predict_file
result = predict_file(sys.argv[1], sys.argv[2], sys.argv[3])
print(result.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak(source: Path, output: Path, model: Path) -> tuple[int, int]:
    """Return rows predicted and the peak resident size in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(source), str(output), str(model)],
        capture_output=True, text=True, timeout=DEADLINE, check=True,
    )  # fmt: skip
    rows, size = map(int, done.stdout.split())
    return rows, size


@pytest.mark.slow
@pytest.mark.parametrize("target", ["out.csv", "out.parquet", "out.jsonl.gz"])
def test_memory_stays_flat(tmp_path: Path, run: Path, target: str) -> None:
    line = "{n},the day was lovely and we went home by the evening train to see friends number {n},remark {n}\n"
    sizes = {}
    for count in (30_000, 300_000):
        source = tmp_path / f"{count}.csv"
        with source.open("w", encoding="utf-8") as file:
            file.write("nr,text,remark\n")
            file.writelines(line.format(n=n) for n in range(count))
        rows, sizes[count] = peak(source, tmp_path / target, run)
        assert rows == count
    assert sizes[300_000] - sizes[30_000] < 30, sizes
