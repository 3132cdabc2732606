"""Outside systems: each in a virtual environment of its own, given plain rows, judged here by insula's own metrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cells import Cell
from insula.core.decision import Decisions, compute_confidence
from insula.core.files import write_json, write_text
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.splits.leak import Fingerprint
from insula.evaluation.baselines import predict_majority
from insula.evaluation.decisions.thresholds import choose_thresholds
from insula.text.language import find_dominant_language

PEERS = Path(__file__).parent / "peers"
RUNS = Path(__file__).parent / "runs" / "peers"
# What a peer came trained on already, as a set that insula knows: test rows that stand there are counted.
TRAINED_ON = {"snownlp": "reviews-zh"}


def answer(cell: Cell, data: Dataset) -> tuple[Decisions, dict[str, Any]]:
    """Return a peer's decisions on the test rows, and facts about it.

    Thresholds of multi-label scores are chosen on the peer's own validation scores, by the rule that insula's models
    get; where a peer has a decision rule of its own, that one stands.
    """
    scheme, rows = data.scheme, len(data.split("test"))
    if cell.peer == "majority":
        return predict_majority(scheme, build_gold_matrix(scheme, data.split("train")).mean(axis=0), rows), {}
    given = _ask(cell, data)
    scores = np.asarray(given["test"], dtype=np.float64).reshape(rows, len(scheme.names)).clip(0.0, 1.0)
    facts = dict(given["facts"])
    if given["chosen"] is not None:
        chosen = np.asarray(given["chosen"], dtype=bool)
    elif scheme.kind == "multi":
        validation = np.asarray(given["validation"], dtype=np.float64)
        chosen = scores >= choose_thresholds(build_gold_matrix(scheme, data.split("validation")), validation)
    else:
        chosen = np.arange(len(scheme.names)) == scores.argmax(axis=1)[:, None]
    return Decisions(scores, chosen, compute_confidence(scheme.kind, scores, chosen), np.zeros(rows, bool)), facts


def trained_on(cell: Cell, data: Dataset) -> np.ndarray | None:
    """Return which test rows stood in what the peer came trained on; None where nothing is known of it."""
    if cell.peer not in TRAINED_ON:
        return None
    known = load_dataset(TRAINED_ON[cell.peer])
    texts = Fingerprint.of(row for split in known.splits.values() for row in split)
    return texts.find_seen(example.text for example in data.split("test"))


def _ask(cell: Cell, data: Dataset) -> Mapping[str, Any]:
    folder = RUNS / cell.name
    (folder / "answer.json").unlink(missing_ok=True)
    _write_task(cell, data, folder)
    place = PEERS / str(cell.peer)
    environment = {**os.environ, "PYTHONPATH": str(PEERS), "PYTHONHASHSEED": str(cell.seed)}
    subprocess.run([interpreter(place), str(place / "run.py"), str(folder)], check=True, env=environment)
    found: Mapping[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return found


def _write_task(cell: Cell, data: Dataset, folder: Path) -> None:
    """Write the rows, test rows without gold."""
    for split in ("train", "validation", "test"):
        examples = data.split(split)
        rows: list[dict[str, Any]] = [{"text": example.text} for example in examples]
        if split != "test":
            for row, gold in zip(rows, build_gold_matrix(data.scheme, examples).astype(int).tolist(), strict=True):
                row["gold"] = gold
        write_text(folder / f"{split}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    language = find_dominant_language([example.text for example in data.split("train")])
    task = {
        "kind": data.scheme.kind,
        "names": list(data.scheme.names),
        "language": "zh" if language == "zh" else "en",
        "options": dict(cell.options),
        "seed": cell.seed,
    }
    write_json(folder / "task.json", task)


def interpreter(place: Path) -> str:
    """Return the peer's own interpreter; its environment is made anew where its requirements have changed."""
    home, wanted = place / ".venv", (place / "requirements.txt").read_text(encoding="utf-8")
    python, installed = home / "bin" / "python", home / "installed.txt"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        print(f"{place.name}: making its environment.", flush=True)
        venv.create(home, clear=True, with_pip=True)
        requirements = ["--requirement", str(place / "requirements.txt")]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True, stdout=sys.stderr)
        write_text(installed, wanted)
    return str(python)
