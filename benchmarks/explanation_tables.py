"""The tables of explainers, of rules, and of counterfactuals."""

from __future__ import annotations

from result_files import Results
from table_text import table

METHODS = {
    "exact": "`exact`",
    "contexts": "`contexts`",
    "occlusion": "`occlusion`",
    "alone": "`alone`",
    "partition, 300": "`partition`",
    "surrogate, 300": "`surrogate`",
    "integrated-gradients": "`integrated-gradients`",
    "gradient-x-input": "`gradient-x-input`",
    "shap, 300": "partition explainer of `shap`",
    "captum, 300": "kernel SHAP of `captum`",
    "random": "random ranking",
}


def explainers(results: Results) -> str:
    """Comprehensiveness, sufficiency and time of every method, by model and texts."""
    heads = (
        "model, texts",
        "method",
        "comprehensiveness",
        "sufficiency",
        "less `shap`'s",
        "ms",
        "times one prediction",
    )
    rows = []
    for cell, found in (results.explain or {"cells": {}})["cells"].items():
        for name, shown in METHODS.items():
            if name in found:
                one = found[name]
                mean, low, high = one["against_shap"]
                rows.append(
                    (
                        cell,
                        shown,
                        f"{one['comprehensiveness']:.3f}",
                        f"{one['sufficiency']:.3f}",
                        "" if name == "shap, 300" else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})",
                        f"{one['milliseconds']:.1f}",
                        f"{one['times_one_prediction']:.1f}",
                    )
                )
    return table(heads, rows)


def plausibility(results: Results) -> str:
    """How well the weights rank the sentences or words that people marked."""
    names = ("chance", "exact", "smoothed", "by sentences", "contexts", "occlusion", "partition", "surrogate")
    rows = [
        (
            cell,
            f"{found['texts']}",
            *(f"{found['auprc'][name]:.3f}" if name in found["auprc"] else "" for name in names),
        )
        for cell, found in (results.plausibility or {"cells": {}})["cells"].items()
    ]
    methods = METHODS.keys() | {"partition", "surrogate"}
    return table(("set, units", "texts", *(f"`{one}`" if one in methods else one for one in names)), rows)


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


def counterfactuals_people(results: Results) -> str:
    """How far the edits agree with those of people."""
    one = (results.counterfactuals or {}).get("people")
    rows = [] if one is None else [
        (
            f"{one['pairs']}", f"{one['flipped']:.1%}", f"{one['edits']}", f"{one['agreed']:.1%}",
            f"{one['chance']:.1%}", f"{one['median_words']:g}", f"{one['median_words_of_people']:g}",
        )
    ]  # fmt: skip
    names = (
        "reviews",
        "label changed",
        "edits",
        "agree with people",
        "by chance",
        "words changed, median",
        "by people",
    )
    return table(names, rows)


def explain_budget(results: Results) -> str:
    """How long explanations take against their budget."""
    rows = [
        (
            cell, times, f"{one['milliseconds']:.0f}", f"{one['median']:.2f}", f"{one['p90']:.2f}",
            ", ".join(f"`{name}` {count}" for name, count in sorted(one["methods"].items())),
            f"{one['with_faithfulness']:.0%}",
        )
        for cell, found in (results.explain_budget or {"cells": {}})["cells"].items()
        for times, one in found["budgets"].items()
    ]  # fmt: skip
    return table(("model, texts", "predictions", "budget, ms", "median", "p90", "methods", "with measures"), rows)
