"""The tables of README and docs, made from the result files: no figure is ever typed.

    python benchmarks/tables.py            write every table anew
    python benchmarks/tables.py --check    exit with 1 where a table differs from the files

A table stands between `<!-- results:NAME -->` and `<!-- /results -->`. A cell that was not measured is left out.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
MARKED = re.compile(
    r"(?P<open><!-- results:(?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<close><!-- /results -->)", re.DOTALL
)
TITLES = {  # data set: title in English and in Chinese
    "tweets": ("tweets, English, 3 labels", "tweets，英文，3 类"),
    "reviews-zh": ("reviews-zh, Chinese, 2 labels", "reviews-zh，中文，2 类"),
    "carer": ("CARER, English, 6 labels", "CARER，英文，6 类"),
    "smp2020_usual": ("SMP2020 usual, Chinese, 6 labels", "SMP2020 通用，中文，6 类"),
}
NONE_YET = {"en": "No result file yet.", "zh": "尚无结果文件。"}
Cell = Mapping[str, Any]


def read_cells(results: Path = RESULTS) -> list[Cell]:
    """Return the quality cells that there are, by data set in the order of `TITLES`, then model and seed."""
    cells = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((results / "quality").glob("*.json"))]
    order = list(TITLES)
    return sorted(
        cells,
        key=lambda cell: (
            order.index(cell["set"]) if cell["set"] in order else len(order),
            cell["set"],
            cell["model"] != "linear",
            cell["model"],
            cell["seed"],
        ),
    )


def headline(cells: Sequence[Cell], language: str = "en") -> str:
    """The short table of the README: seed 0 of each model."""
    heads = {
        "en": ("data", "model", "test macro-F1 (95% interval)", "minus `linear` (paired 95% interval)"),
        "zh": ("数据", "模型", "测试集 macro-F1（95% 区间）", "与 `linear` 之差（配对 95% 区间）"),
    }[language]
    rows = [
        (_title(cell, language), f"`{cell['model']}`", _figure(_main(cell)), _difference(cell))
        for cell in cells
        if cell["seed"] == 0
    ]
    return _table(heads, rows, language)


def quality(cells: Sequence[Cell]) -> str:
    """Every cell: what it reached, against `linear`, without rows that also stood in the training file."""
    heads = (
        "data", "model", "recipe", "seed", "test rows", "macro-F1 (95% interval)", "accuracy",
        "minus `linear` (paired 95% interval)", "overlapping rows; macro-F1 without",
    )  # fmt: skip
    rows = [
        (
            _title(cell, "en"),
            f"`{cell['model']}`",
            f"`{cell['recipe']}`",
            str(cell["seed"]),
            f"{cell['rows']['test']:,}",
            _figure(_main(cell)),
            _figure(cell["metrics"].get("accuracy")),
            _difference(cell),
            _overlap(cell),
        )
        for cell in cells
    ]
    return _table(heads, rows)


def time(cells: Sequence[Cell]) -> str:
    """How long training took and how fast the test rows were predicted, with the processor."""
    heads = ("data", "model", "training rows", "training", "prediction", "processor")
    rows = [
        (
            _title(cell, "en"),
            f"`{cell['model']}`, seed {cell['seed']}",
            f"{cell['rows']['train']:,}",
            f"{cell['train_seconds']:,.0f} s",
            f"{cell['rows_per_second']:,.0f} rows/s",
            " ".join((cell["processor"], *cell["flags"])),
        )
        for cell in cells
    ]
    return _table(heads, rows)


def provenance(cells: Sequence[Cell]) -> str:
    """Where each figure comes from: file, command, commit, versions."""
    heads = ("result file", "command", "options", "commit", "date", "versions")
    rows = [
        (
            f"`quality/{cell['set']}-{cell['model']}-{cell['seed']}.json`",
            f"`{cell['command']}`",
            ", ".join(f"`{key}={value}`" for key, value in cell.get("overrides", {}).items()) or "as the recipe",
            f"`{cell['commit'][:10]}`",
            cell["date"],
            ", ".join(f"{name} {version}" for name, version in cell["versions"].items()),
        )
        for cell in cells
    ]
    return _table(heads, rows)


TABLES: Mapping[str, Callable[[Sequence[Cell]], str]] = {
    "headline": headline,
    "headline-zh": lambda cells: headline(cells, "zh"),
    "quality": quality,
    "time": time,
    "provenance": provenance,
}


def filled(text: str, cells: Sequence[Cell]) -> str:
    """Return the text with every marked table made anew; `KeyError` for a table that nobody makes."""
    return MARKED.sub(lambda found: f"{found['open']}{TABLES[found['name']](cells)}{found['close']}", text)


def pages(root: Path = ROOT) -> Iterator[Path]:
    """Yield the pages that may hold tables."""
    yield from sorted(root.glob("README*.md"))
    yield from sorted((root / "docs").rglob("*.md"))


def main(arguments: list[str]) -> int:
    """Fill or check all pages and return the exit status."""
    cells = read_cells()
    stale = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = filled(text, cells)
        if new != text:
            stale.append(page)
            if "--check" not in arguments:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'differs from the result files' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


def _main(cell: Cell) -> Mapping[str, float | None]:
    metrics: Mapping[str, Mapping[str, float | None]] = cell["metrics"]
    return metrics.get("macro_f1") or next(iter(metrics.values()))


def _title(cell: Cell, language: str) -> str:
    english, chinese = TITLES.get(cell["set"], (cell["set"], cell["set"]))
    return chinese if language == "zh" else english


def _figure(measured: Mapping[str, float | None] | None, sign: str = "") -> str:
    if measured is None or measured["value"] is None:
        return "–"
    value, low, high = (measured.get(name) for name in ("value", "low", "high"))
    interval = "" if low is None else f" ({low:{sign}.3f} to {high:{sign}.3f})"
    return f"{value:{sign}.3f}{interval}"


def _difference(cell: Cell) -> str:
    return _figure(cell.get("difference_to_linear"), "+")


def _overlap(cell: Cell) -> str:
    overlap = cell.get("overlap")
    if not overlap:
        return "none"
    rest = next((value for key, value in overlap.items() if key != "rows"), None)
    without = rest if isinstance(rest, Mapping) else {"value": rest}
    return f"{overlap['rows']:,}; {_figure(without)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], language: str = "en") -> str:
    if not rows:
        return f"\n{NONE_YET[language]}\n\n"
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
