"""How fast this machine multiplies matrices of the size an encoder has: the limit that training is held against."""

from __future__ import annotations

import time
from typing import Any

import torch

ROWS, INNER, COLUMNS = 4096, 384, 1536
SECONDS = 2.0


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
