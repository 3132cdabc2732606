"""How many signals of risk the check of messages finds, and how often it takes something else for one.

    python benchmarks/safety.py                  ordinary rows, and the cases of cross-validation: results/safety.json
    python benchmarks/safety.py --held-out DIR   also cases that nobody who works on the detector has read (JSON Lines
                                                 as in tests/safety/signals); run it once, for a finished detector
    python benchmarks/safety.py --everyday DIR   also emotional everyday messages that were held out, and
                                                 messages with a danger in the same manner; once, too

Intervals are Wilson's, at 95%. Neither the rules nor the score were tuned on the ordinary rows: test and validation
parts, and of shopping_zh, which has no parts, those of another seed, of which about one in fifteen was seen. The score
is trained on the cases of tests/safety/signals; their figures come from scripts/make_risk_head.py, which scores each
case by a head that has not seen it. The rules were written while the development part was read, and not the other.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import random
import time
from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from insula import check_message
from insula.core.files import write_json
from insula.safety.signals.detect import THRESHOLD
from insula.safety.signals.detect import check_message as check_by_rules
from provenance import provenance
from signal_cases import FOLDER, Part, SignalCase, signal_cases

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "ready"
RESULTS = Path(__file__).parent / "results"
ORDINARY = {
    "goemotions": ("test", "validation"),
    "sst2": ("test", "validation"),
    "smp2020_usual": ("test", "validation"),
    "shopping_zh": ("all",),
}
ROWS, SEED = 2_500, 11
PARTS: tuple[Part, ...] = ("development", "held_out")


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


def measured(cases: Sequence[SignalCase], is_found: Callable[[SignalCase], bool]) -> dict[str, Any]:
    """Recall by language and wording, and alarms on look-alikes; a message that a person must read counts as found."""
    result: dict[str, Any] = {}
    for language in ("en", "zh"):
        own = [case for case in cases if case.language == language]
        groups = {wording: [c for c in own if c.wording == wording] for wording in ("explicit", "oblique")}
        groups["lookalikes"] = [case for case in own if case.signal is None]
        result[language] = {name: share([is_found(case) for case in some]) for name, some in groups.items()}
    return result


def by_rules(case: SignalCase) -> bool:
    """Whether the rules alone find a case."""
    return check_by_rules(case.text).needs_person


def by_both(case: SignalCase) -> bool:
    """Whether rules or score find a case."""
    return check_message(case.text).needs_person


WAYS = {"rules": by_rules, "both": by_both}


def cross_validated() -> dict[str, Any]:
    """The cases of both parts: by rules, by the score of a head that has not seen them, and by either."""
    scores = json.loads((RESULTS / "risk_head.json").read_text(encoding="utf-8"))["scores_of_cases"]

    def by_score(case: SignalCase) -> bool:
        return bool(scores[case.id] >= THRESHOLD)

    def by_either(case: SignalCase) -> bool:
        return check_by_rules(case.text, score=scores[case.id]).needs_person

    columns = {"rules": by_rules, "score": by_score, "either": by_either}
    return {
        part: {name: measured(signal_cases(part), is_found) for name, is_found in columns.items()} for part in PARTS
    }


def feelings() -> dict[str, Any]:
    """Alarms on emotional everyday messages, on which the thresholds of the score were chosen."""
    cases = [SignalCase(**json.loads(line)) for line in (FOLDER / "feelings.jsonl").read_text("utf-8").splitlines()]
    return {
        language: {
            name: share([found(one) for one in cases if one.language == language]) for name, found in WAYS.items()
        }
        for language in ("en", "zh")
    }


def ordinary(data: Path, count: int) -> dict[str, Any]:
    """Alarms on ordinary rows, and milliseconds a message."""
    result: dict[str, Any] = {"seed": SEED, "sets": {}}
    alarms: list[bool] = []
    rules: list[bool] = []
    times: list[float] = []
    for name, parts in ORDINARY.items():
        texts: list[str] = []
        for part in parts:
            with gzip.open(data / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
                texts += [json.loads(line)["text"] for line in file]
        found = []
        rules += [check_by_rules(text).needs_person for text in random.Random(SEED).sample(texts, count)]
        for text in random.Random(SEED).sample(texts, count):
            began = time.perf_counter()
            found.append(check_message(text).needs_person)
            times.append((time.perf_counter() - began) * 1000)
        result["sets"][name] = share(found)
        alarms += found
    times.sort()
    result["all"] = share(alarms)
    result["by_rules_alone"] = share(rules)
    result["milliseconds"] = {
        "median": round(times[len(times) // 2], 3),
        "p95": round(times[len(times) * 95 // 100], 3),
    }
    return result


def read_cases(folder: Path) -> list[SignalCase]:
    """Return the cases in the JSON Lines files of a folder."""
    names = {one.name for one in dataclasses.fields(SignalCase)}
    return [
        SignalCase(**{name: value for name, value in json.loads(line).items() if name in names})
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def main() -> None:
    """Write results/safety.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", type=Path, help="folder of cases that were held out")
    parser.add_argument("--everyday", type=Path, help="folder of everyday messages that were held out")
    parser.add_argument("--rows", type=int, default=ROWS, help="ordinary rows of each set (default: %(default)s)")
    options = parser.parse_args()
    check_message("warm 热")
    result: dict[str, Any] = {
        "provenance": provenance(),
        "cases": cross_validated(),
        "feelings": feelings(),
        "ordinary": ordinary(DATA, options.rows),
    }
    file = RESULTS / "safety.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, folder in {"held_out": options.held_out, "everyday": options.everyday}.items():
        if folder:
            cases = read_cases(folder)
            found = {way: measured(cases, is_found) for way, is_found in WAYS.items()}
            result[name] = {"commit": result["provenance"]["commit"], **found}
        elif name in before:
            result[name] = before[name]
    write_json(file, result)
    print(json.dumps({name: value for name, value in result.items() if name != "provenance"}, indent=1))


if __name__ == "__main__":
    main()
