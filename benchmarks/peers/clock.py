"""How fast a peer is: the same texts through it, at the batch size that suits it best, and one by one.

The folder named on the command line holds `texts.json` (a list) and `task.json`:

    model      the model's folder, as the peer reads it
    threads    of matrix products
    batches    batch sizes to choose from, by their rate on the first texts; with one there is nothing to choose
    tuning     how many texts that is
    singles    how many texts are given one by one

The peer writes `answer.json`: seconds of the bulk (of the clock, and of processors at work), the batch size, seconds of
each single text, versions.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Judge = Callable[[Sequence[str], int], Any]
"""`(texts, batch size) -> answers`"""


def task() -> dict[str, Any]:
    """Return the task."""
    found: dict[str, Any] = json.loads((Path(sys.argv[1]) / "task.json").read_text(encoding="utf-8"))
    return found


def measure(judge: Judge, packages: Sequence[str], *, warm: int = 32) -> None:
    """Time a peer that is ready to judge, and write the answer."""
    folder, asked = Path(sys.argv[1]), task()
    texts: list[str] = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    judge(texts[:warm], asked["batches"][0])
    tried = {size: _rate(judge, texts[: asked["tuning"]], size) for size in asked["batches"]}
    best = max(tried, key=lambda size: tried[size])
    began, worked = time.perf_counter(), time.process_time()
    answers = judge(texts, best)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    if len(answers) != len(texts):
        raise ValueError(f"The peer gave {len(answers)} answers to {len(texts)} texts.")
    answer = {
        "rows": len(texts),
        "seconds": seconds,
        "processor_seconds": worked,
        "batch_size": best,
        "tried": {str(size): rate for size, rate in tried.items()},
        "single_seconds": [_seconds(judge, [text]) for text in texts[: asked["singles"]]],
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in packages},
    }
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _rate(judge: Judge, texts: Sequence[str], size: int) -> float:
    return len(texts) / _seconds(judge, texts, size)


def _seconds(judge: Judge, texts: Sequence[str], size: int = 1) -> float:
    began = time.perf_counter()
    judge(texts, size)
    return time.perf_counter() - began
