"""Memory of a server under attack, as a ratio to its idle size, and how long SIGTERM takes: `results/malice.json`.

    python benchmarks/malice.py
    python benchmarks/malice.py --model runs/care --output /tmp/try.json

A server of its own for each attack, warmed up; the kernel reports the peak of its resident memory from the start of the
attack until it is over. The target is a peak below 1.5 times the idle size. The attacks are in `malice_files.py` and
`malice_requests.py`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from malice_files import FILES, download_without_reading
from malice_requests import (
    REQUESTS,
    STREAMS,
    answers_that_nobody_reads,
    slow_bodies,
    streams_that_never_read,
    unfinished_messages,
)
from malice_server import Server, serving

HERE = Path(__file__).parent
OUTPUT = HERE / "results" / "malice.json"
DRAIN_SECONDS = 8
ATTACKS: tuple[Callable[[Server], str], ...] = (*FILES, *REQUESTS, *STREAMS)
# With clients that are stuck in all of these ways, the server is told to end.
STUCK: tuple[Callable[[Server], str], ...] = (
    streams_that_never_read,
    unfinished_messages,
    slow_bodies,
    answers_that_nobody_reads,
    download_without_reading,
)


def measure(model: str | None, attack: Callable[[Server], str]) -> dict[str, Any]:
    """Return idle and peak memory in MiB, their ratio, and how the attack ended."""
    with serving(model) as server:
        idle = server.memory()
        server.reset_peak()
        started = time.monotonic()
        end = attack(server)
        time.sleep(1)
        peak = server.memory("VmHWM")
        server.sockets.close()
        answers, until = 0, time.monotonic() + 60
        while answers != 200 and time.monotonic() < until:  # what was accepted is computed first
            answers = server.post("/v1/predict", json.dumps({"texts": ["happy"]}), timeout=60)
            time.sleep(0.2)
        found = {
            "what": (attack.__doc__ or "").strip(),
            "idle": round(idle, 1),
            "peak": round(peak, 1),
            "ratio": round(peak / idle, 2),
            "end": end,
            "seconds": round(time.monotonic() - started, 1),
            "answers_afterwards": answers,
        }
        print(attack.__name__, found, flush=True)
        return found


def stop(model: str | None) -> dict[str, Any]:
    """Return how many seconds SIGTERM takes with clients that are stuck in many ways, and a file that is predicted."""
    with serving(model, drain_seconds=DRAIN_SECONDS, notice_seconds=0) as server:
        for attack in STUCK:
            attack(server)
        server.start_job("text\n" + "so happy\n" * 200_000, "text/csv")
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(120)
        return {
            "drain_seconds": DRAIN_SECONDS,
            "seconds": round(time.monotonic() - started, 1),
            "status": status,
            "stuck": [attack.__name__ for attack in STUCK],
        }


def _write(output: Path, result: dict[str, Any], arguments: list[str]) -> None:
    from provenance import provenance

    ordered = [attack.__name__ for attack in ATTACKS if attack.__name__ in result["attacks"]]
    result["attacks"] = {name: result["attacks"][name] for name in ordered}
    facts = {"command": " ".join(["python benchmarks/malice.py", *arguments]), **provenance()}
    output.write_text(json.dumps(result | facts, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: the starter model")
    parser.add_argument("--attack", action="append", help="only this one; may be repeated")
    parser.add_argument("--output", default=str(OUTPUT))
    given = parser.parse_args(arguments)
    output = Path(given.output)
    chosen = [attack for attack in ATTACKS if not given.attack or attack.__name__ in given.attack]
    result: dict[str, Any] = {"attacks": {}, "stop": None}
    if given.attack and output.exists():  # the others stay as they were measured
        result = json.loads(output.read_text(encoding="utf-8"))
    for attack in chosen:
        result["attacks"][attack.__name__] = measure(given.model, attack)
        _write(output, result, arguments)
    result["stop"] = stop(given.model)
    _write(output, result, arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
