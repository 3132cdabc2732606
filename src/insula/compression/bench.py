"""`bench`: measures which backend, number of threads and batch size are fastest on this machine, on real texts."""

from __future__ import annotations

import dataclasses
import itertools
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.environment import count_usable_threads
from insula.inference.backends import Backend, has_token_stages, list_backends, open_backend
from insula.inference.batching import TOKEN_BUDGET
from insula.inference.engine import ENGINE_VERSION, EngineSettings
from insula.models.folder import ModelFolder

BUDGETS = (448, 768, 1536, 3072, 6144)
ROUNDS = 5
SINGLE_TEXTS = 50  # for the latency of one text
MIN_SPEEDUP = 1.02  # a setting replaces a smaller one only if it is faster by this factor
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class BenchTrial:
    """A setting and its speed, the median over rounds."""

    engine: EngineSettings
    rows_per_second: float


@dataclass(frozen=True)
class Bench:
    """The result of `bench`; `engine` is the fastest setting.

    one_text_ms  the median time for a single text with this engine
    machine      processor, threads, and whether the CPU has VNNI (exact products of 8-bit integers)
    """

    engine: EngineSettings
    rows_per_second: float
    one_text_ms: float
    rows: int
    trials: Sequence[BenchTrial]
    machine: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the file for `EngineSettings.read`."""
        return {
            "format_version": ENGINE_VERSION,
            "engine": self.engine.to_dict(),
            "rows_per_second": round(self.rows_per_second, 1),
            "one_text_ms": round(self.one_text_ms, 3),
            "rows": self.rows,
            "trials": [
                {**one.engine.to_dict(), "rows_per_second": round(one.rows_per_second, 1)} for one in self.trials
            ],
            "machine": self.machine,
        }


def bench(folder: ModelFolder, texts: Sequence[str], *, rounds: int = ROUNDS) -> Bench:
    """Measure a model on prepared texts: first backends, then thread counts, then token budgets.

    Each step uses the best setting of the previous steps. The settings of a step take turns, so that other load on the
    machine affects all of them.
    """
    most = count_usable_threads()
    tried: list[BenchTrial] = []

    def choose_fastest(engines: Iterable[EngineSettings]) -> EngineSettings:
        step = _measure(folder, texts, list(engines), rounds)
        tried.extend(step)
        chosen = step[0]
        for one in step[1:]:
            if one.rows_per_second > MIN_SPEEDUP * chosen.rows_per_second:
                chosen = one
        return chosen.engine

    engine = choose_fastest(EngineSettings(name, most, family=folder.family) for name in list_backends(folder))
    opened = open_backend(str(engine.backend), folder.path, engine)
    if has_token_stages(opened):
        engine = choose_fastest(dataclasses.replace(engine, threads=count) for count in _list_thread_counts(most))
        engine = choose_fastest(
            dataclasses.replace(engine, tokens=budget) for budget in (TOKEN_BUDGET, *_list_other_counts())
        )
        opened = open_backend(str(engine.backend), folder.path, engine)
    reached = next(one.rows_per_second for one in reversed(tried) if one.engine == engine)
    return Bench(engine, reached, _time_one_text(opened, texts), len(texts), tried, _describe_machine(most))


def _measure(folder: ModelFolder, texts: Sequence[str], engines: list[EngineSettings], rounds: int) -> list[BenchTrial]:
    opened = [open_backend(str(engine.backend), folder.path, engine) for engine in engines]
    seconds: list[list[float]] = [[] for _ in engines]
    for number, place in itertools.product(range(rounds + 1), range(len(engines))):
        started = time.perf_counter()
        opened[place].logits(texts)
        if number:  # the first round is a warm-up
            seconds[place].append(time.perf_counter() - started)
    return [
        BenchTrial(engine, len(texts) / max(statistics.median(taken), 1e-9))
        for engine, taken in zip(engines, seconds, strict=True)
    ]


def _time_one_text(backend: Backend, texts: Sequence[str]) -> float:
    taken = []
    for text in texts[:SINGLE_TEXTS]:
        started = time.perf_counter()
        backend.logits([text])
        taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def _list_thread_counts(most: int) -> list[int]:
    """Return 1, 2, 4, ... and `most`."""
    return sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})


def _list_other_counts() -> list[int]:
    return [budget for budget in BUDGETS if budget != TOKEN_BUDGET]


def _describe_machine(threads: int) -> dict[str, Any]:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.exists() else []
    fields = dict(pair for line in lines if len(pair := [side.strip() for side in line.split(":", 1)]) == 2)
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "threads": threads,
        "vnni": any("vnni" in flag for flag in flags) if flags else None,
    }
