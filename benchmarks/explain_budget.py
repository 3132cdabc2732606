"""Explanations under a budget: how long they take against it, and which method fits: `results/explain_budget.json`.

    python benchmarks/explain_budget.py

50 texts of SST-2 and SMP2020 each, drawn with the seed, are explained with measures of faithfulness by `linear`, the
starter and MiniLM (trained as `explain.py` trains them). Budgets are multiples of the median time of one prediction of
the same model in the same run. `p90` is the 90th percentile of time over budget; 1.2 is the target.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "explain_budget.json"
TIMES = (10, 30, 100)  # one prediction
CELLS = (
    ("linear, SST-2", "linear", "sst2"),
    ("starter, SST-2", "starter", "sst2"),
    ("starter, SMP2020 usual", "starter", "smp2020_usual"),
    ("MiniLM, SST-2", "minilm", "sst2"),
)


def main(arguments: list[str]) -> int:
    """Measure every cell and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained models.")
    parser.add_argument("--texts", type=int, default=50)
    given = parser.parse_args(arguments)
    from explain import SEED, texts_of, trained
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance

    cells = {}
    for name, model, data in CELLS:
        predictor = Predictor.load("starter" if model == "starter" else trained(model, given.work))
        cells[name] = measured(predictor, texts_of(data, given.texts))
        print(name, cells[name], flush=True)
    write_json(given.output, {"seed": SEED, "texts": given.texts, "cells": cells, **provenance()})
    return 0


def measured(predictor: Any, texts: list[str]) -> dict[str, Any]:
    """Return the figures of one model: a budget after the other, text by text."""
    from explain import _seconds
    from insula.explanation.explain import explain_input

    one = 1000 * statistics.median(_seconds(lambda text=text: predictor.predict([text])) for text in texts)  # type: ignore[misc]
    found: dict[int, list[Any]] = {times: [] for times in TIMES}
    for text in texts:
        for times in TIMES:
            found[times].append(explain_input(predictor, text, budget=times * one))
    return {
        "one_prediction_ms": one,
        "budgets": {
            str(times): {
                "milliseconds": times * one,
                "median": statistics.median(each.milliseconds / (times * one) for each in rows),
                "p90": float(np.quantile([each.milliseconds / (times * one) for each in rows], 0.9)),
                "methods": dict(Counter(each.method for each in rows)),
                "with_faithfulness": statistics.fmean(bool(each.faithfulness) for each in rows),
            }
            for times, rows in found.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
