"""The table of explainers: faithfulness and time on the same texts."""

from __future__ import annotations

from result_files import Results
from table_text import table

METHODS = {
    "exact": "`exact`",
    "occlusion": "`occlusion`",
    "alone": "`alone`",
    "partition, 300": "`partition`",
    "surrogate, 300": "`surrogate`",
    "shap, 300": "partition explainer of `shap`",
    "random": "random ranking",
}


def explainers(results: Results) -> str:
    """Comprehensiveness, sufficiency and time of every method, by model and texts."""
    heads = ("model, texts", "method", "comprehensiveness", "sufficiency", "ms", "times one prediction")
    rows = []
    for cell, found in (results.explain or {"cells": {}})["cells"].items():
        for name, shown in METHODS.items():
            if name in found:
                one = found[name]
                rows.append(
                    (
                        cell,
                        shown,
                        f"{one['comprehensiveness']:.3f}",
                        f"{one['sufficiency']:.3f}",
                        f"{one['milliseconds']:.1f}",
                        f"{one['times_one_prediction']:.1f}",
                    )
                )
    return table(heads, rows)
