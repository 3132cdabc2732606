"""Every architecture against the masked reference network on the same test rows: means over seeds, paired differences.

python benchmarks/architectures.py      write `results/architectures.json` from the cells that are measured
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import decisions
from cells import CELLS, FIVE
from differences import mean_difference
from insula.core.files import write_json
from insula.evaluation.metrics.metric_names import get_headline_metric

RESULTS = Path(__file__).parent / "results"
REFERENCE = "reference-masked"


def main(arguments: list[str]) -> int:
    """Write what can be written and return the exit status."""
    file = RESULTS / "architectures.json"
    known = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    found = merged(known, [row for data in FIVE for row in compared(data)])
    if found != known:
        write_json(file, {"command": "python benchmarks/architectures.py", "rows": found})
    return 0


def merged(known: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a set and model: the new one, unless one from another machine's decisions has more seeds."""
    rows = {(row["set"], row["model"]): row for row in known}
    for row in new:
        before = rows.get((row["set"], row["model"]))
        if before is None or len(row["seeds"]) >= len(before["seeds"]):
            rows[row["set"], row["model"]] = row
    order = list(dict.fromkeys((cell.data, cell.model) for cell in CELLS.values()))
    return [rows[place] for data in FIVE for place in order if place in rows and place[0] == data]


def compared(data: str, results: Path = RESULTS, kept: Path = decisions.FOLDER) -> Iterator[dict[str, Any]]:
    """Yield a row a model of the set: the mean of its measured seeds, its difference to the masked reference."""
    by_model: dict[str, list[tuple[dict[str, Any], decisions.Answers]]] = {}
    for cell in CELLS.values():
        file, answers = results / "quality" / f"{cell.name}.json", decisions.load(cell.name, kept)
        if cell.data == data and file.exists() and answers is not None:
            result = json.loads(file.read_text(encoding="utf-8"))
            by_model.setdefault(cell.model, []).append((result, answers))
    reference = [answers for _, answers in by_model.get(REFERENCE, [])]
    for model, measured in by_model.items() if reference else ():
        kind = measured[0][0]["kind"]
        metric = get_headline_metric(kind)
        values = [result["metrics"][metric]["value"] for result, _ in measured]
        difference = None
        if model != REFERENCE:
            difference = mean_difference(kind, reference, [answers for _, answers in measured], metric).to_dict()
        yield {
            "set": data,
            "model": model,
            "metric": metric,
            "seeds": [result["seed"] for result, _ in measured],
            "mean": sum(values) / len(values),
            "difference_to_reference": difference,
            "train_seconds": sum(result["train_seconds"] for result, _ in measured) / len(measured),
            "parameters": measured[0][0]["parameters"],
            "rows_per_second": measured[0][0]["rows_per_second"],
            "commits": sorted({result["commit"] for result, _ in measured}),
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
