"""How many signals of risk the check of messages finds, and how often it takes something else for one.

    python benchmarks/safety.py               the development part and ordinary rows: write results/safety.json
    python benchmarks/safety.py --held-out    also the part that was put aside; run it only for a finished detector.
                                              Without it, the figures of the last such run stay, with its commit

Intervals are Wilson's, at 95%. The rules were not tuned on the ordinary rows: test and validation parts, and of
shopping_zh, which has no parts, those of another seed, of which about one in ten was seen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from insula.core.files import write_json
from insula.safety.signals.detect import check_message
from provenance import provenance
from signal_cases import Part, signal_cases

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "ready"
RESULTS = Path(__file__).parent / "results"
ORDINARY = {
    "goemotions": ("test", "validation"),
    "sst2": ("test", "validation"),
    "smp2020_usual": ("test", "validation"),
    "shopping_zh": ("all",),
}
ROWS, SEED = 2_500, 11


def share(found: Sequence[bool]) -> dict[str, Any]:
    """The share of True with its Wilson interval."""
    count, total, z = sum(found), len(found), 1.959964
    middle = (count + z * z / 2) / (total + z * z)
    half = z * sqrt(count * (total - count) / total + z * z / 4) / (total + z * z)
    return {
        "count": count,
        "of": total,
        "share": round(count / total, 4),
        "interval": [round(max(0, middle - half), 4), round(min(1, middle + half), 4)],
    }


def measured(part: Part) -> dict[str, Any]:
    """Recall by language and wording, and alarms on look-alikes; a message that a person must read counts as found."""
    result: dict[str, Any] = {}
    for language in ("en", "zh"):
        cases = [case for case in signal_cases(part) if case.language == language]
        groups = {wording: [c for c in cases if c.wording == wording] for wording in ("explicit", "oblique")}
        groups["lookalikes"] = [case for case in cases if case.signal is None]
        result[language] = {
            name: share([check_message(case.text).needs_person for case in some]) for name, some in groups.items()
        }
    return result


def ordinary(data: Path) -> dict[str, Any]:
    """Alarms on ordinary rows, and milliseconds a message."""
    result: dict[str, Any] = {"seed": SEED, "sets": {}}
    alarms: list[bool] = []
    times: list[float] = []
    for name, parts in ORDINARY.items():
        texts: list[str] = []
        for part in parts:
            with gzip.open(data / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
                texts += [json.loads(line)["text"] for line in file]
        found = []
        for text in random.Random(SEED).sample(texts, ROWS):
            began = time.perf_counter()
            found.append(check_message(text).needs_person)
            times.append((time.perf_counter() - began) * 1000)
        result["sets"][name] = share(found)
        alarms += found
    times.sort()
    result["all"] = share(alarms)
    result["milliseconds"] = {
        "median": round(times[len(times) // 2], 3),
        "p95": round(times[len(times) * 95 // 100], 3),
    }
    return result


def main() -> None:
    """Write results/safety.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="evaluate the part that was put aside, too")
    options = parser.parse_args()
    check_message("warm 热")
    result: dict[str, Any] = {"provenance": provenance(), "development": measured("development")}
    file = RESULTS / "safety.json"
    if options.held_out:
        result["held_out"] = {"commit": result["provenance"]["commit"], **measured("held_out")}
    elif file.exists():
        result["held_out"] = json.loads(file.read_text(encoding="utf-8"))["held_out"]
    result["ordinary"] = ordinary(DATA)
    write_json(file, result)
    print(json.dumps({name: value for name, value in result.items() if name != "provenance"}, indent=1))


if __name__ == "__main__":
    main()
