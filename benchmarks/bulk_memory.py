"""Memory of bulk prediction and explanation, and what is left after being killed: `results/bulk_memory.json`.

    python benchmarks/bulk_memory.py linear=runs/tweets-linear:10000000 encoder=runs/goe:200000
    python benchmarks/bulk_memory.py linear=runs/tweets-linear:100000 --output /tmp/try.json
    python benchmarks/bulk_memory.py --verb explain linear=runs/linear:10000 --output results/explain_memory.json

For each `NAME=MODEL:ROWS`: a Parquet file of so many real texts (GoEmotions, again and again, numbered), then `insula
predict` or `insula explain` in a process of its own, left alone: its resident memory when a hundredth of the rows is
written, at the end of the rows, and its peak while the parts are joined. Then once more, killed at one third and at two
thirds and resumed: are the bytes the same? What is finished is kept, the files are removed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from insula.core.files import hash_file
from insula.explanation.files import GROUP
from insula.inference.parts import get_parts_folder
from insula.inference.predictor import CHUNK

HERE = Path(__file__).parent
RUNS = HERE / "runs" / "bulk_memory"
OUTPUT = HERE / "results" / "bulk_memory.json"
TEXTS = HERE.parent.parent / "shared" / "data" / "ready" / "goemotions" / "train.jsonl.gz"
SECONDS_BETWEEN_LOOKS = 0.05
GROUPS = {"predict": CHUNK, "explain": GROUP}  # rows of a part


def main(arguments: list[str]) -> int:
    """Measure and return the exit status."""
    from provenance import provenance

    given = _parser().parse_args(arguments)
    found = {name: measure(given.verb, name, model, rows, given.folder) for name, model, rows in map(_job, given.jobs)}
    result = {"jobs": found, "command": "python benchmarks/bulk_memory.py " + " ".join(arguments), **provenance()}
    Path(given.output).parent.mkdir(parents=True, exist_ok=True)
    Path(given.output).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="+", metavar="NAME=MODEL:ROWS")
    parser.add_argument("--verb", choices=GROUPS, default="predict")
    parser.add_argument("--folder", type=Path, default=RUNS, help="for files of the size of the rows, four times")
    parser.add_argument("--output", default=str(OUTPUT))
    return parser


def _job(text: str) -> tuple[str, str, int]:
    name, _, rest = text.partition("=")
    model, _, rows = rest.rpartition(":")
    return name, model, int(rows)


def measure(verb: str, name: str, model: str, rows: int, folder: Path) -> dict[str, Any]:
    """Return memory in MiB and whether a killed and resumed output is the same; kept where it was measured before."""
    kept = folder / f"{verb}-{name}-{rows}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    work = folder / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_input(work / "in.parquet", rows)
    groups = math.ceil(rows / GROUPS[verb])
    found: dict[str, Any] = {"model": model, "rows": rows}
    began = time.monotonic()
    found |= _left_alone(work, verb, model, groups)
    found["seconds"] = round(time.monotonic() - began, 1)
    for share in (1 / 3, 2 / 3):
        _killed(work, verb, model, max(1, round(share * groups)))
    done = subprocess.run(_command(work, verb, model, "killed.parquet"), check=True, capture_output=True, text=True)
    found["said"] = done.stderr.strip().splitlines()[-1].replace(f"{work}/", "")
    found["same_bytes"] = hash_file(work / "alone.parquet") == hash_file(work / "killed.parquet")
    print(name, found, flush=True)
    kept.write_text(json.dumps(found), encoding="utf-8")
    shutil.rmtree(work)
    return found


def write_input(file: Path, rows: int) -> None:
    """Write `rows` numbered real texts, in flat memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with gzip.open(TEXTS, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    schema = pa.schema([("nr", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(file, schema) as writer:
        for first in range(0, rows, len(texts)):
            some = texts[: rows - first]
            writer.write_table(pa.table({"nr": range(first, first + len(some)), "text": some}, schema=schema))


def _command(work: Path, verb: str, model: str, output: str) -> list[str]:
    files = ["--input", str(work / "in.parquet"), "--output", str(work / output)]
    return [sys.executable, "-m", "insula", verb, *files, "--model", model, "--resume"]


def _left_alone(work: Path, verb: str, model: str, groups: int) -> dict[str, Any]:
    """Return the memory of a run at a hundredth of the way, at its end, and the peak of all."""
    early = max(1, round(groups / 100))
    output = work / "alone.parquet"
    seen: dict[str, float] = {}
    whole = False
    for finished, memory in _watched(work, verb, model, "alone.parquet"):
        if finished >= early:
            seen.setdefault("at_a_hundredth", memory)
        if finished and not whole:  # what follows the last group is the joining of parts
            seen["at_the_end"], whole = memory, finished >= groups
        seen["peak"] = max(memory, seen.get("peak", 0.0))
    if not output.exists():
        raise RuntimeError(f"The prediction of {work.name!r} failed; run it by hand to see why.")
    return {
        "mebibytes": {name: round(value, 1) for name, value in seen.items()},
        "end_over_hundredth": round(seen["at_the_end"] / seen["at_a_hundredth"], 4),
    }


def _killed(work: Path, verb: str, model: str, groups: int) -> None:
    watching = _watched(work, verb, model, "killed.parquet", until=lambda finished: finished >= groups)
    for _ in watching:
        pass


def _watched(
    work: Path, verb: str, model: str, output: str, until: Callable[[int], bool] = lambda finished: False
) -> Iterator[tuple[int, float]]:
    """Run a prediction; yield, again and again, how many groups are finished and its memory; kill it where told."""
    parts = get_parts_folder(work / output)
    with (work / "words.txt").open("w", encoding="utf-8") as words:
        process = subprocess.Popen(_command(work, verb, model, output), stdout=words, stderr=words)
        while process.poll() is None:
            finished = sum(1 for _ in parts.glob("[0-9]*.part")) if parts.exists() else 0
            if (memory := resident(process.pid)) is not None:
                yield finished, memory
            if until(finished):
                process.send_signal(signal.SIGKILL)
                process.wait()
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)


def resident(process: int) -> float | None:
    """Return a process's resident memory in MiB; None where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("VmRSS:")), None)
    return None if found is None else int(found.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
