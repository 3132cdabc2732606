"""How fast this machine multiplies matrices of the size an encoder has: the limit that training is held against."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

ROWS, INNER, COLUMNS = 4096, 384, 1536
SECONDS = 2.0


def kept_limit(file: Path, threads: int) -> dict[str, Any]:
    """Return the limit that was measured with the arms that are kept beside `file`, else measure it and keep it there.

    Taken anew it would be that of another hour, in which the machine may be busy.
    """
    if file.exists():
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if kept["threads"] == threads:
            return kept
    limit = gemm_limit(threads, SECONDS)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(limit), encoding="utf-8")
    return limit


def gemm_limit(threads: int, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the best GFLOP/s of (4096, 384) by (384, 1536) in float32 and bfloat16, with so many threads."""
    torch.set_num_threads(threads)
    found: dict[str, Any] = {"rows": ROWS, "inner": INNER, "columns": COLUMNS, "threads": threads}
    for kind in (torch.float32, torch.bfloat16):
        left, right = torch.randn(ROWS, INNER).to(kind), torch.randn(INNER, COLUMNS).to(kind)
        best, until = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            torch.mm(left, right)
            best = min(best, time.perf_counter() - began)
        found[str(kind).removeprefix("torch.")] = round(2e-9 * ROWS * INNER * COLUMNS / best, 1)
    return found
