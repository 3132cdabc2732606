"""The tables of explainers, of rules, and of counterfactuals."""

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


def rules(results: Results) -> str:
    """What twenty rules add to the processor time of the same predictions."""
    found = results.rules or {"cells": {}, "texts": 0}
    rows = [
        (model, f"{found['texts']}", f"{one['changed']}", f"{100 * (one['ratio'] - 1):+.1f}%")
        for model, one in found["cells"].items()
    ]
    return table(("model", "texts", "changed by a rule", "processor time"), rows)


def counterfactuals(results: Results) -> str:
    """How many texts change their label, and by how many words."""
    rows = [
        (model, f"{one['texts']}", f"{one['flipped']:.1%}", f"{one['median_words']:g}", f"{one['contrasts']:.1%}")
        for model, one in (results.counterfactuals or {"cells": {}})["cells"].items()
    ]
    return table(
        ("model, texts", "texts", "label changed", "words changed, median", "with an edit that keeps it"), rows
    )
