"""How much personal data masking finds, and how often it takes something else for it.

    python benchmarks/masking.py    write results/masking.json

On the committed cases (`tests/safety/cases`, by hand and generated), on ordinary messages that hold next to nothing
personal (training rows of GoEmotions and SMP2020), and, apart from them, on two outside sets of invented people.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from insula.core.files import write_json
from insula.safety.find import find_personal_data
from masking_cases import Case, hand_made, score
from masking_generator import SEED, generated
from provenance import provenance

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
RESULT = Path(__file__).parent / "results" / "masking.json"
ORDINARY = {"goemotions": 2500, "smp2020_usual": 1250, "smp2020_virus": 1250}
ORDINARY_SEED = 0
# Kinds of the outside sets that are kinds here; the others (organisations, dates, ...) masking does not look for.
PRESIDIO = {
    "PERSON": "name", "STREET_ADDRESS": "address", "CREDIT_CARD": "card", "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban", "IP_ADDRESS": "ip",
}  # fmt: skip
MULTIPRIV = {
    "name": "name", "doctor": "name", "location": "address", "idCardNumbers": "cn_id", "emailAddress": "email",
    "phoneNumbers": "phone",
}  # fmt: skip


def measured(cases: list[Case]) -> dict[str, Any]:
    """Recall and precision by kind and group, with rows a second."""
    began = time.perf_counter()
    found = [[(span.start, span.end, span.kind) for span in find_personal_data(case.text)] for case in cases]
    seconds = time.perf_counter() - began
    return {"cases": len(cases), "rows_per_second": round(len(cases) / seconds), "scores": score(cases, found)}


def ordinary(data: Path) -> dict[str, Any]:
    """The share of ordinary rows that masking alters, and what it took there."""
    rng = random.Random(ORDINARY_SEED)
    result: dict[str, Any] = {"rows": 0, "altered": 0, "seed": ORDINARY_SEED, "sets": {}}
    for name, count in ORDINARY.items():
        with gzip.open(data / "ready" / name / "train.jsonl.gz", "rt", encoding="utf-8") as file:
            texts = rng.sample([json.loads(line)["text"] for line in file], count)
        kinds: dict[str, int] = {}
        altered = 0
        for text in texts:
            spans = find_personal_data(text)
            altered += bool(spans)
            for span in spans:
                kinds[span.kind] = kinds.get(span.kind, 0) + 1
        result["sets"][name] = {"rows": count, "altered": altered, "found": dict(sorted(kinds.items()))}
        result["rows"] += count
        result["altered"] += altered
    result["share"] = round(result["altered"] / result["rows"], 5)
    return result


def outside(data: Path) -> dict[str, list[Case]]:
    """The outside sets as cases; spans of kinds that masking does not look for are left out."""
    with gzip.open(data / "pii_presidio" / "synth_dataset_v2.json.gz", "rt", encoding="utf-8") as file:
        rows = json.load(file)
    sets = {
        "presidio_en": [
            Case(
                row["full_text"],
                _kept(((s["start_position"], s["end_position"], s["entity_type"]) for s in row["spans"]), PRESIDIO),
                "en",
                "presidio",
            )
            for row in rows
        ]
    }
    for language in ("en", "zh"):
        with gzip.open(data / "pii_multipriv" / f"{language}.jsonl.gz", "rt", encoding="utf-8") as file:
            people = [json.loads(line) for line in file]
        sets[f"multipriv_{language}"] = [
            Case(
                row["text"],
                _kept(((s["start"], s["end"], s["entity_type"]) for s in row["spans"]), MULTIPRIV),
                language,
                "multipriv",
            )
            for row in people
        ]
    return sets


def _kept(spans: Iterable[tuple[int, int, str]], kinds: dict[str, str]) -> tuple[tuple[int, int, str], ...]:
    return tuple((start, end, kinds[kind]) for start, end, kind in sorted(spans) if kind in kinds)


def main() -> None:
    by_hand, made = hand_made(), generated()
    result = {
        "command": " ".join(["python", "benchmarks/masking.py", *sys.argv[1:]]),
        "provenance": provenance(),
        "generator_seed": SEED,
        "hand": measured(by_hand),
        "generated": measured(made),
        "both": measured([*by_hand, *made]),
        "ordinary": ordinary(DATA),
        "outside": {name: measured(cases) for name, cases in outside(DATA).items()},
    }
    write_json(RESULT, result)
    groups = {name: result["both"]["scores"][name] for name in ("checksummed", "patterned", "all")}
    sys.stdout.write(json.dumps({"both": groups, "ordinary": result["ordinary"]["share"]}) + "\n")


if __name__ == "__main__":
    main()
