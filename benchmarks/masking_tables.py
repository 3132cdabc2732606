"""The tables of masking."""

from __future__ import annotations

from masking_cases import CHECKSUMMED, PATTERNED
from result_files import Results
from table_text import table

OUTSIDE = {
    "presidio_en": "presidio-research, English",
    "multipriv_en": "MultiPriv, English",
    "multipriv_zh": "MultiPriv, Chinese",
}


def masking(results: Results) -> str:
    """Recall and precision by kind and group on the committed cases."""
    heads = ("kind", "marked", "recall", "precision")
    scores = results.masking["both"]["scores"] if results.masking else {}
    names = [name for name in (*CHECKSUMMED, "checksummed", *PATTERNED, "patterned") if name in scores]
    return table(heads, [(_title(name), *_figures(scores[name])) for name in names])


def masking_ordinary(results: Results) -> str:
    """How many ordinary rows are altered."""
    heads = ("rows", "altered", "share", "kinds found")
    rows = []
    if results.masking:
        ordinary = results.masking["ordinary"]
        for name, one in ordinary["sets"].items():
            found = ", ".join(f"{kind} {count}" for kind, count in one["found"].items()) or "–"
            rows.append((f"{name}: {one['rows']:,}", str(one["altered"]), f"{one['altered'] / one['rows']:.2%}", found))
        rows.append((f"all: {ordinary['rows']:,}", str(ordinary["altered"]), f"{ordinary['share']:.2%}", ""))
    return table(heads, rows)


def masking_outside(results: Results) -> str:
    """Recall and precision on sets made by others."""
    heads = ("set", "kind", "marked", "recall", "precision")
    rows = [
        (OUTSIDE[name], _title(kind), *_figures(figures))
        for name, measured in (results.masking["outside"] if results.masking else {}).items()
        for kind, figures in measured["scores"].items()
        if figures["marked"] and kind in (*CHECKSUMMED, *PATTERNED)
    ]
    return table(heads, rows)


def _title(name: str) -> str:
    return f"**{name}**" if name in ("checksummed", "patterned") else f"`{name}`"


def _figures(figures: dict[str, float]) -> tuple[str, str, str]:
    return f"{figures['marked']:,}", f"{figures['recall']:.3f}", f"{figures['precision']:.3f}"
