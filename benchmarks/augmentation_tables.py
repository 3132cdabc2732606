"""The table of augmenters: the share of labels that they keep."""

from __future__ import annotations

from result_files import Results
from table_text import table

LANGUAGES = {"en": "English", "zh": "Chinese"}


def kept_labels(results: Results) -> str:
    """The share of labels that each augmenter keeps, with its interval, and how many texts it changes."""
    heads = ("method", "language", "labels kept", "95% interval", "texts changed", "texts per second")
    rows = []
    newer = (results.back_translation or {"cells": []})["cells"]
    older = (results.augmentation or {"cells": []})["cells"]
    order = list(LANGUAGES)
    for cell in sorted([*older, *newer], key=lambda cell: (order.index(cell["language"]), cell["method"])):
        kept = cell["kept"]
        rows.append(
            (
                f"`{cell['method']}`" + (" (soft)" if cell["soft"] else ""),
                LANGUAGES[cell["language"]],
                f"{kept['value']:.1%}",
                f"{kept['low']:.1%} to {kept['high']:.1%}",
                f"{cell['changed']:.1%}",
                f"{cell['texts_per_second']:,}",
            )
        )
    return table(heads, rows)
