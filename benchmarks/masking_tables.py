"""The tables of masking."""

from __future__ import annotations

from masking_cases import CHECKSUMMED, PATTERNED
from result_files import Results
from table_text import table

NOBODY = {
    "decimals": "decimals",
    "uuids": "UUIDs",
    "coordinates": "coordinates",
    "tickets_en": "numbers of tickets and orders, English",
    "tickets_zh": "numbers of tickets and orders, Chinese",
}
OUTSIDE = {
    "presidio_en": "presidio-research, English",
    "multipriv_en": "MultiPriv, English",
    "multipriv_zh": "MultiPriv, Chinese",
    "cluener_zh": "CLUENER news, Chinese",
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
        for key, model in (("ordinary_lac", "LAC"), ("ordinary_spacy", "a spaCy pipeline")):
            one = results.masking["name_models"].get(key)
            if one:
                title = f"{', '.join(one['sets'])} with {model}: {one['rows']:,}"
                rows.append((title, str(one["altered"]), f"{one['share']:.2%}", ""))
    return table(heads, rows)


def masking_outside(results: Results) -> str:
    """Recall and precision on sets made by others: in version 0.2.0, now, and with a name model."""
    heads = ("set", "kind", "marked", "0.2.0", "now", "with a name model")
    if not results.masking:
        return table(heads, [])
    before = results.masking_before["outside"] if results.masking_before else {}
    models = results.masking["name_models"]
    with_models = {**models.get("lac", {}), **models.get("spacy", {})}
    rows = [
        (
            OUTSIDE[name], _title(kind), f"{figures['marked']:,}",
            *(_pair(one.get(name, {}).get("scores", {}).get(kind)) for one in (before, results.masking["outside"])),
            _pair(with_models.get(name, {}).get("scores", {}).get(kind)) if kind == "name" else "",
        )
        for name, measured in results.masking["outside"].items()
        for kind, figures in measured["scores"].items()
        if figures["marked"] and kind in (*CHECKSUMMED, *PATTERNED)
    ]  # fmt: skip
    return table(heads, rows)


def masking_nobody(results: Results) -> str:
    """How often numbers that belong to nobody are masked."""
    heads = ("numbers", "texts", "masked in 0.2.0", "masked now")
    now = results.masking["numbers_of_nobody"] if results.masking else {}
    before = results.masking_before["numbers_of_nobody"] if results.masking_before else {}
    rows = [
        (
            NOBODY[kind],
            f"{one['texts']:,}",
            f"{before[kind]['share']:.2%}" if kind in before else "–",
            f"{one['share']:.3%}",
        )
        for kind, one in now.items()
    ]
    return table(heads, rows)


def _pair(figures: dict[str, float] | None) -> str:
    return f"{figures['recall']:.3f} / {figures['precision']:.3f}" if figures else "–"


def _title(name: str) -> str:
    return f"**{name}**" if name in ("checksummed", "patterned") else f"`{name}`"


def _figures(figures: dict[str, float]) -> tuple[str, str, str]:
    return f"{figures['marked']:,}", f"{figures['recall']:.3f}", f"{figures['precision']:.3f}"
