"""The tables of README and docs, made from the result files: no figure is ever typed.

    python benchmarks/tables.py            write every table anew
    python benchmarks/tables.py --check    exit with 1 where a table differs from the files

A table stands between `<!-- results:NAME -->` and `<!-- /results -->`. A cell that was not measured is left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cost_tables
import masking_tables
import quality_tables
import speed_tables
from result_files import Results, read_results

ROOT = Path(__file__).parent.parent
MARKED = re.compile(
    r"(?P<open><!-- results:(?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<close><!-- /results -->)", re.DOTALL
)
TABLES: Mapping[str, Callable[[Results], str]] = {
    "headline": quality_tables.headline,
    "headline-zh": lambda results: quality_tables.headline(results, "zh"),
    "quality": quality_tables.quality,
    "means": quality_tables.means,
    "architectures": quality_tables.architectures,
    "levers": quality_tables.levers,
    "conversations": quality_tables.conversations,
    "time": quality_tables.time,
    "provenance": quality_tables.provenance,
    "training-speed": cost_tables.training_speed,
    "training-quality": cost_tables.training_quality,
    "lstm-speed": cost_tables.lstm_speed,
    "kills": cost_tables.kills,
    "masking": masking_tables.masking,
    "masking-ordinary": masking_tables.masking_ordinary,
    "masking-outside": masking_tables.masking_outside,
    "costs-provenance": cost_tables.costs_provenance,
    "starter": speed_tables.starter,
    "starter-start": speed_tables.starter_start,
    "inference": speed_tables.inference,
    "inference-ratios": speed_tables.inference_ratios,
    "smaller": speed_tables.smaller,
    "bulk-memory": speed_tables.bulk_memory,
    "ray-scaling": speed_tables.ray_scaling,
    "serving": speed_tables.serving,
    "serving-bars": speed_tables.serving_bars,
    "speed-provenance": speed_tables.speed_provenance,
}


def filled(text: str, results: Results) -> str:
    """Return the text with every marked table made anew; `KeyError` for a table that nobody makes."""
    return MARKED.sub(lambda found: f"{found['open']}{TABLES[found['name']](results)}{found['close']}", text)


def pages(root: Path = ROOT) -> Iterator[Path]:
    """Yield the pages that may hold tables."""
    yield from sorted(root.glob("README*.md"))
    yield from sorted((root / "docs").rglob("*.md"))


def main(arguments: list[str]) -> int:
    """Fill or check all pages and return the exit status."""
    results = read_results()
    stale = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = filled(text, results)
        if new != text:
            stale.append(page)
            if "--check" not in arguments:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'differs from the result files' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
