"""The benchmark page: its charts and its first tables come from the result files and stay readable."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import charts
import summary_tables
import tables
from result_files import Results, read_results

PAGE = tables.ROOT / "docs" / "benchmarks.md"
SVG = "{http://www.w3.org/2000/svg}"
FILES = dict(tables.drawings(read_results()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_charts_equal_the_result_files(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == FILES[file], "run: python benchmarks/tables.py"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_chart_names_itself_and_follows_dark_mode(file: Path) -> None:
    root = ET.fromstring(FILES[file])
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text
    assert description is not None
    assert description.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")


def test_chart_files_are_those_that_are_drawn() -> None:
    assert set((tables.ROOT / tables.DRAWN).glob("*")) == set(FILES)


def _speed(rates: dict[str, float]) -> Results:
    arms = {
        arm: {"rows_per_second": {"median": rate, "lowest": rate * 0.9, "highest": rate * 1.1}}
        for arm, rate in rates.items()
    }
    return Results(inference={"arms": arms})


def test_others_have_another_shape_than_insula() -> None:
    drawn = charts.speed(_speed({"fp32": 455.2, "pipeline": 186.0}))
    rows = [row for row in ET.fromstring(drawn).findall(f"{SVG}g") if row.find(f"{SVG}title") is not None]
    shapes = {
        str(row.findtext(f"{SVG}title")): ("circle" if row.find(f"{SVG}circle") is not None else "square")
        for row in rows
    }
    assert shapes == {"encoder, float32: 455": "circle", "transformers pipeline: 186": "square"}


def test_names_in_the_chart_of_sizes_do_not_cover_each_other() -> None:
    taken: list[charts.Box] = []
    for at in (100, 104, 108):
        charts._beyond("a long name", at, (50.0, 90.0), taken)
    assert len(taken) == 3
    for one, other in ((0, 1), (0, 2), (1, 2)):
        a, b = taken[one], taken[other]
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def test_charts_without_results_say_so() -> None:
    assert "No result file yet" in tables.TABLES["chart-size"](Results())
    assert all(draw(Results()) == "" for draw in charts.CHARTS.values())


def test_an_image_describes_what_the_chart_shows() -> None:
    image = tables.TABLES["chart-speed"](_speed({"fp32": 455.2}))
    assert "![Speed against other systems. Texts a second: encoder, float32 455](images/benchmarks/speed.svg)" in image


def _cell(name: str, model: str, value: float, difference: float | None) -> dict[str, Any]:
    paired = None if difference is None else {"value": difference, "low": difference - 0.01, "high": difference + 0.01}
    metrics = {"macro_f1": {"value": value, "low": value - 0.01, "high": value + 0.01}}
    return {"set": name, "model": model, "seed": 0, "metrics": metrics, "difference_to_linear": paired}


def test_the_linear_figure_is_that_of_the_same_run() -> None:
    results = Results([_cell("carer", "linear", 0.84, None), _cell("carer", "minilm", 0.89, 0.06)])
    row = "| English tweets (CARER) | 6 emotions | 0.830 | 0.890 (0.880 to 0.900) | +0.060 (+0.050 to +0.070) |"
    assert row in summary_tables.summary(results)


def test_the_page_is_short_and_speaks_to_visitors() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130
    assert text.index("results:glance") < text.index("## ")
    ten = text.split("<!-- results:summary -->")[1].split("<!-- /results -->")[0].strip().splitlines()
    assert len(ten) == 2 + 10
    for word in ("bar", "bars", "stretch", "cell", "cells", "lever", "levers"):
        assert word not in text.lower().replace("`", " ").replace("*", " ").split(), word
