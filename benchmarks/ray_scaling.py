"""What a second worker brings: `results/ray_scaling.json`.

    python benchmarks/ray_scaling.py --model runs/goe                     a machine with two processors, idle
    python benchmarks/ray_scaling.py --model runs/goe --rows 2000 --rounds 1 --output /tmp/try.json

The same file of real texts (GoEmotions) with `--engine ray` and one worker, then two, one thread each, in rounds. A
rate is that between the first groups that are done and the last: starting Ray and the workers is told apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from insula.core.progress import Silent
from spread import spread

OUTPUT = Path(__file__).parent / "results" / "ray_scaling.json"
WORKERS = (1, 2)


class Clock(Silent):
    """Remembers when how many rows were done."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.done: list[tuple[float, int]] = []

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Note."""
        before = self.done[-1][1] if self.done else 0
        self.done.append((time.perf_counter() - self.began, before + steps))

    def rate(self, workers: int) -> float:
        """Return rows a second after each worker's first group, when all are at work."""
        first, last = self.done[workers - 1], self.done[-1]
        return (last[1] - first[1]) / (last[0] - first[0])


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    from bulk_memory import write_input
    from provenance import provenance

    given = _parser().parse_args(arguments)
    rounds: list[dict[int, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.parquet"
        write_input(source, given.rows)
        for number in range(given.rounds):
            ordered = WORKERS if number % 2 == 0 else WORKERS[::-1]
            rounds.append({workers: _run(given.model, source, workers) for workers in ordered})
            print(rounds[-1], flush=True)
    found = {
        "rows": given.rows,
        "rows_per_second": {str(n): spread([one[n]["rate"] for one in rounds]) for n in WORKERS},
        "seconds_to_start": spread([one[1]["start"] for one in rounds]),
        "times": spread([one[2]["rate"] / one[1]["rate"] for one in rounds]),
        "command": "python benchmarks/ray_scaling.py " + " ".join(arguments),
        **provenance(),
    }
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    Path(given.output).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", default=str(OUTPUT))
    return parser


def _run(model: str, source: Path, workers: int) -> dict[str, Any]:
    from insula.api.prediction import predict_file

    clock = Clock()
    predict_file(source, source.with_name("out.parquet"), model, engine="ray", workers=workers, progress=clock)
    return {"rate": clock.rate(workers), "start": clock.done[0][0]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
