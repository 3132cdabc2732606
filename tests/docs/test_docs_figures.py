"""Tables equal the result files, and no figure stands in prose without a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from docs_pages import PAGES, prose, title

import tables
from result_files import Results, read_results

# A score, a percentage, a speed, a duration, a factor. Interval levels and definitions are no measurements.
FIGURE = re.compile(
    r"\b0\.\d{2,}|\b\d[\d.,]* ?(?:%|rows/s|ms\b|seconds\b|minutes\b|times (?:faster|slower)|x (?:faster|slower))"
)
ALLOWED = re.compile(
    r"95% (?:bootstrap |paired )?interval|95% 区间|Jaccard similarity of\s+5-character shingles of 0\.8|MinHash"
    r"|0\.\d+\s+\([A-Z]\w+ et al\. \d{4}\)"  # a figure of others, with its source
    r"|at 5/s with 20 at once, [\d.]+ seconds"  # test_benchmarks_rate_limits.py compares it with its file
    r"|15% of the tokens\. It replaces 80% of these|10% by another token|10% unchanged"
)


@pytest.fixture
def cell() -> dict[str, Any]:
    """One result as `benchmarks/quality.py` writes it."""
    return {
        "set": "tweets", "model": "minilm", "recipe": "standard", "overrides": {"train.epochs": 2}, "seed": 0,
        "rows": {"train": 30000, "validation": 4000, "test": 4001},
        "metrics": {
            "macro_f1": {"value": 0.7891, "low": 0.77, "high": 0.81},
            "accuracy": {"value": 0.8, "low": None, "high": None},
        },
        "overlap": {"rows": 12, "macro_f1": {"value": 0.5, "low": 0.4, "high": 0.6}},
        "difference_to_linear": {"value": 0.0512, "low": 0.03, "high": 0.07},
        "train_seconds": 1234.5, "rows_per_second": 321.0, "command": "python benchmarks/quality.py tweets-minilm-0",
        "commit": "0123456789abcdef", "versions": {"python": "3.11.0"}, "processor": "A processor", "flags": ["avx2"],
        "date": "2026-01-01",
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_tables_equal_the_result_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert tables.filled(text, read_results()) == text, "run: python benchmarks/tables.py"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_no_measured_figure_stands_in_prose(page: Path) -> None:
    found = FIGURE.findall(ALLOWED.sub(" ", prose(page)))
    assert not found, f"{title(page)}: {found}; write it into benchmarks/results and show it in a table"


@pytest.mark.parametrize(
    "claim", ["reaches 0.79 on it", "is 87% right", "299 rows/s", "3 times faster", "in 90 seconds"]
)
def test_a_figure_in_prose_is_found(claim: str) -> None:
    assert FIGURE.search(claim)


def test_tables_without_results_say_so() -> None:
    assert all("|" not in make(Results()) for make in tables.TABLES.values())
    assert "No result file yet" in tables.TABLES["quality"](Results())


def test_tables_show_what_is_in_a_cell(cell: dict[str, Any]) -> None:
    table = tables.TABLES["quality"](Results([cell]))
    assert "0.789 (0.770 to 0.810)" in table
    assert "+0.051 (+0.030 to +0.070)" in table
    assert "12; 0.500 (0.400 to 0.600)" in table
    assert "1,234 s" in tables.TABLES["time"](Results([cell]))
    assert "`train.epochs=2`" in tables.TABLES["provenance"](Results([cell]))
    assert "英文" in tables.TABLES["headline-zh"](Results([cell]))


def test_tables_do_without_what_was_not_measured(cell: dict[str, Any]) -> None:
    bare = {**cell, "overlap": None, "difference_to_linear": None, "metrics": {"pearson": {"value": 0.5}}}
    assert "| 0.500 | – | – | none |" in tables.TABLES["quality"](Results([bare]))


def test_a_changed_figure_is_found(cell: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / "tweets-minilm-0.json").write_text(json.dumps(cell), encoding="utf-8")
    results = read_results(tmp_path)
    page = tables.filled("# x\n<!-- results:headline -->\n<!-- /results -->\n", results)
    assert tables.filled(page, results) == page
    assert tables.filled(page.replace("0.789", "0.799"), results) == page


def test_linear_comes_first_and_seeds_in_order(cell: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "quality").mkdir()
    for model, seed in (("minilm", 1), ("minilm", 0), ("linear", 0)):
        file = tmp_path / "quality" / f"{model}-{seed}.json"
        file.write_text(json.dumps({**cell, "model": model, "seed": seed}), encoding="utf-8")
    read = [(cell["model"], cell["seed"]) for cell in read_results(tmp_path).quality]
    assert read == [("linear", 0), ("minilm", 0), ("minilm", 1)]
    assert tables.TABLES["headline"](read_results(tmp_path)).count("`minilm`") == 1
