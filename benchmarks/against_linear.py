"""Every cell against `linear` on the same test rows: the paired difference, written into the cell's result file.

python benchmarks/against_linear.py      renew it in all result files whose decisions, and those of `linear`, are kept
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import decisions
from cells import ALL, Cell
from differences import mean_difference
from insula.core.files import write_json
from insula.evaluation.metrics.metric_names import get_headline_metric

RESULTS = Path(__file__).parent / "results" / "quality"


def main(arguments: list[str]) -> int:
    """Write what can be written and return the exit status."""
    for cell in ALL.values():
        renew(cell)
    return 0


def renew(cell: Cell, results: Path = RESULTS, kept: Path = decisions.FOLDER) -> None:
    """Write the difference of one cell; nothing where a result or decisions are not there or rows are not the same."""
    file = results / f"{cell.name}.json"
    linear, answers = decisions.load(f"{cell.data}-linear-0", kept), decisions.load(cell.name, kept)
    if not file.exists() or linear is None or answers is None or cell.model == "linear":
        return
    result = json.loads(file.read_text(encoding="utf-8"))
    kind = result["kind"]
    difference = None
    if decisions.same_rows(linear, answers):
        difference = mean_difference(kind, [linear], [answers], get_headline_metric(kind)).to_dict()
    if difference != result["difference_to_linear"]:
        write_json(file, {**result, "difference_to_linear": difference})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
