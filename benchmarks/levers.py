"""Levers: what one change does, from pairs of cells with the same seeds on the same test rows.

    python benchmarks/levers.py      write `results/levers/NAME.json` for every lever whose cells are all measured

The differences are made from the decisions that `quality.py` kept; the file keeps the differences themselves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import decisions
from cells import CELLS, LEVERS, Cell, Lever
from differences import mean_difference
from insula.core.files import write_json
from insula.core.scheme import Kind
from insula.evaluation.metrics.metric_names import get_headline_metric
from sets import SETS, load

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main(arguments: list[str]) -> int:
    """Write what can be written and return the exit status."""
    for lever in LEVERS:
        if (found := measure(lever)) is not None:
            write_json(RESULTS / "levers" / f"{lever.data}-{lever.base}+{lever.name}.json", found)
    return 0


def measure(lever: Lever, results: Path = RESULTS, kept: Path = decisions.FOLDER) -> dict[str, Any] | None:
    """Return a lever's differences; None while a cell, or what it decided, is not there."""
    pairs = list(lever.pairs(CELLS))
    files = [(_result(off, results), _result(on, results)) for off, on in pairs]
    answers = [(decisions.load(off.name, kept), decisions.load(on.name, kept)) for off, on in pairs]
    known = [(off, on) for off, on in answers if off is not None and on is not None]
    whole = [(off, on) for off, on in files if off is not None and on is not None]
    if len(known) < len(pairs) or len(whole) < len(pairs):
        return None
    kind = whole[0][0]["kind"]
    metric = lever.metric or get_headline_metric(kind)
    offs, ons = [off for off, _ in known], [on for _, on in known]
    return {
        "lever": lever.name,
        "set": lever.data,
        "model": lever.base,
        "changes": dict(lever.changes),
        "seeds": list(lever.seeds),
        "metric": metric,
        "off": _mean(off["metrics"][metric]["value"] for off, _ in whole),
        "on": _mean(on["metrics"][metric]["value"] for _, on in whole),
        "difference": mean_difference(kind, offs, ons, metric).to_dict(),
        **_without_repeated(lever.data, kind, offs, ons, metric),
        "by_seed": [mean_difference(kind, [off], [on], metric).to_dict() for off, on in known],
        "train_seconds": {
            "off": _mean(off["train_seconds"] for off, _ in whole),
            "on": _mean(on["train_seconds"] for _, on in whole),
        },
        "commits": sorted({cell["commit"] for pair in whole for cell in pair}),
        "command": "python benchmarks/levers.py",
    }


def _without_repeated(
    data: str, kind: Kind, offs: list[decisions.Answers], ons: list[decisions.Answers], metric: str
) -> dict[str, Any]:
    """Return the same difference, of a set of dialogues, on the rows whose text is in no training row."""
    if "dialogue" not in SETS[data].options or SETS[data].missing:
        return {}
    known = decisions.hashes(load(data).split("train"))
    kept = ~np.isin(offs[0].rows, known)
    some = [[answers.only(kept) for answers in side] for side in (offs, ons)]
    return {
        "without_repeated_texts": {
            "rows": int(kept.sum()),
            "difference": mean_difference(kind, *some, metric).to_dict(),
        }
    }


def _result(cell: Cell, results: Path) -> dict[str, Any] | None:
    file = results / "quality" / f"{cell.name}.json"
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    # Results of cells that were measured before decisions were kept lack what is needed here.
    return found if "kind" in found else None


def _mean(values: Any) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
