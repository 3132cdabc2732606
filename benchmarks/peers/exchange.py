"""What a peer is given and what it answers: plain files, so that a peer needs nothing of insula.

The folder named on the command line holds `task.json` (kind, names, language, options, seed), `train.jsonl` and
`validation.jsonl` (text and 0/1 gold by label), `test.jsonl` (text alone: gold never leaves the judge).
The peer writes `answer.json` there: scores of validation and test rows, its own decisions if it makes any, facts.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """What is asked.

    kind      binary, single or multi, as insula names them
    names     labels in the order of all scores
    language  `zh` or `en`
    options   of the peer, such as `{"masking": true}`
    texts     split to texts
    gold      split (train, validation) to rows of 0 and 1
    """

    folder: Path
    kind: str
    names: list[str]
    language: str
    options: dict[str, Any]
    seed: int
    texts: dict[str, list[str]]
    gold: dict[str, list[list[int]]]


def read_task() -> Task:
    """Return the task in the folder that the command line names."""
    folder = Path(sys.argv[1])
    texts: dict[str, list[str]] = {}
    gold: dict[str, list[list[int]]] = {}
    for split in ("train", "validation", "test"):
        # Only "\n" ends a row: texts hold U+2028 and the like, at which splitlines() would part them.
        lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        texts[split] = [row["text"] for row in rows]
        if split != "test":
            gold[split] = [row["gold"] for row in rows]
    return Task(folder=folder, texts=texts, gold=gold, **json.loads((folder / "task.json").read_text(encoding="utf-8")))


def write_answer(
    task: Task,
    *,
    test: list[list[float]],
    validation: list[list[float]] | None = None,
    chosen: list[list[int]] | None = None,
    packages: tuple[str, ...],
    **facts: Any,
) -> None:
    """Write the answer.

    test, validation   (rows, labels) scores between 0 and 1; validation where thresholds are to be chosen
    chosen             (rows, labels) decisions on test rows, where the peer has a rule of its own
    packages           whose versions are written down
    facts              train_seconds, parameters, rows_per_second, and what else is worth knowing
    """
    versions = {"python": platform.python_version()}
    versions |= {package: importlib.metadata.version(package) for package in packages}
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    answer = {
        "validation": validation,
        "test": test,
        "chosen": chosen,
        "facts": {"versions": versions, "threads": threads, **facts},
    }
    (task.folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
